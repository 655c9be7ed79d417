/* SPDX-License-Identifier: GPL-2.0 */
/*
 * References to tables, that the kernel takes and holds for those who test it.
 */
#ifndef _FREEPTE_HOLD_H
#define _FREEPTE_HOLD_H

#include <stdbool.h>
#include <sys/types.h>

#define HOLD	"/sys/kernel/debug/free_user_pte/hold"

/* How long to hold a table, at first; and at last, by who was too slow to see what it is about */
#define HOLD_MS		200
#define MOST_HOLD_MS	30000

struct holds {
	long active;	/* held now */
	long taken;	/* since the kernel started */
	long refused;	/* as there was no table, or it was going */
};

/* NULL, or why there can be none */
const char *hold_lacks(void);
/* Hold the table at an address of a process (0: the caller) for so long; 0 or a negative errno */
int hold_table(pid_t pid, const void *addr, long ms);
/* 0 or a negative errno */
int holds_read(struct holds *holds);
/* Whether any is held still */
bool is_held(void);
/* Until none is held any more, of those that were to be for so long; whether that came to be */
bool holds_wait(long ms);

#endif /* _FREEPTE_HOLD_H */
