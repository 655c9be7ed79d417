/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two racers that meet before each lap, so that what is to collide starts at the same time.
 */
#ifndef _FREEPTE_MEET_H
#define _FREEPTE_MEET_H

#include <sched.h>
#include <stdbool.h>

#include "hazard.h"
#include "race.h"

struct meeting {
	unsigned long laps[2];
};

/* Wait for the other one, for which side is the other of 0 and 1; false when the race is over. */
static inline bool meet(struct meeting *meeting, int side)
{
	unsigned long lap = __atomic_add_fetch(&meeting->laps[side], 1, __ATOMIC_SEQ_CST);
	unsigned int spins = 0;

	while (__atomic_load_n(&meeting->laps[!side], __ATOMIC_SEQ_CST) < lap) {
		/* An emulator that runs one CPU at a time takes this for a cue to run the other. */
		__builtin_ia32_pause();
		if (++spins % 1024)
			continue;
		if (race_over())
			return false;
		sched_yield();
	}
	return true;
}

/* Be late, by a different time in each lap. */
static inline void dawdle(unsigned int most)
{
	unsigned int spins;

	for (spins = some(most); spins; spins--)
		__builtin_ia32_pause();
}

#endif /* _FREEPTE_MEET_H */
