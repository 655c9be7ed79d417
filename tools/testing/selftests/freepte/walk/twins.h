/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two processes with the same shape at the same address: what changes it is done to one of them by
 * the readers in C, and to the other by those in Rust.
 */
#ifndef _FREEPTE_WALK_TWINS_H
#define _FREEPTE_WALK_TWINS_H

#include "storm/random.h"
#include "walk/compare.h"
#include "walk/site.h"

struct twin {
	struct peer peer;
	int pagemap;
	struct transcript *notes;
};

/*
 * Do step number @number to one of them, and note what came of it. Random numbers are the same for
 * both. False: there was no such step.
 */
typedef bool (*step_fn)(struct twin *twin, struct random *random, unsigned int number);

/*
 * Make twins, prepare both, take the steps, and see that both are the same in the end and on the
 * way. Those that are not the same at first are made again, some times. If they differ later, C
 * takes the steps with twins of its own: they differ, unless these do as well.
 */
struct verdict compare_twins(const char *(*prepare)(struct twin *twin), step_fn step);

#define EXPECT_SAME_TWINS(prepare, step) do {						\
	struct verdict _verdict = compare_twins(prepare, step);				\
											\
	if (_verdict.lacks)								\
		SKIP(break, "%s", _verdict.lacks);					\
	if (_verdict.unsteady)								\
		SKIP(break, "does not stand still: %s", _verdict.unsteady);		\
	EXPECT_EQ(NULL, _verdict.different)						\
		TH_LOG("c and %s", _verdict.different);					\
} while (0)

/* Have the process read and write pages of the shape, some of those that can be. */
void twin_touch(struct twin *twin, struct random *random);

#endif /* _FREEPTE_WALK_TWINS_H */
