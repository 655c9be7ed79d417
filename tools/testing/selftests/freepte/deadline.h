/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How long to wait at most for what must come: the longer, the slower the machine is.
 *
 *	deadline_set(&deadline, WAIT_MS);
 *	while (!is_there() && deadline_wait(&deadline))
 *		;
 *
 * Who gets what it waits for does not wait any longer, so that limits can be generous.
 */
#ifndef _FREEPTE_DEADLINE_H
#define _FREEPTE_DEADLINE_H

#include <stdbool.h>

/* For what is a matter of some hundred ms; for a race; for what hangs if not even that helps */
#define WAIT_MS		10000
#define RACE_MS		60000
#define HANG_MS		120000

struct deadline {
	long start;
	long nominal;	/* ms, of a machine at rest with a kernel that checks nothing */
	long ms;	/* of this one, as it was when that was measured last */
	long pause;	/* ms, before the next look */
};

void deadline_set(struct deadline *deadline, long ms);

/*
 * Whether it has passed. When the nominal time is over, and whenever else it seems to have passed,
 * the speed of the machine is measured: what else it is doing by then, it may not have done before.
 */
bool deadline_passed(struct deadline *deadline);

/* Wait for a moment, a longer one each time; false if it has passed. */
bool deadline_wait(struct deadline *deadline);

/* ms since it was set */
long deadline_waited(const struct deadline *deadline);

/*
 * What measures the speed: how many ms some work of the kernel takes, which takes WORK_MS where the
 * nominal time is the right one. A test of deadlines has a machine of its own.
 */
#define WORK_MS		500
extern long (*deadline_work)(void);
/* Nobody waits for longer than so many times the nominal time, on whichever machine. */
#define SLOWEST		30

#endif /* _FREEPTE_DEADLINE_H */
