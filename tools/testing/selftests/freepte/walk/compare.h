/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The same read with all readers.
 */
#ifndef _FREEPTE_WALK_COMPARE_H
#define _FREEPTE_WALK_COMPARE_H

#include "walk/transcript.h"

/* Read all there is to be read, the same in each call. */
typedef void (*read_fn)(struct transcript *to, void *arg);

struct verdict {
	const char *different;	/* how they differ */
	const char *unsteady;	/* how what is read differs by itself, if it does not stand still */
	const char *lacks;	/* what it takes and cannot be had */
};

/* Room for what is read. Children that are to write to it must be forked later. */
bool compare_prepare(void);

/*
 * Read with all. Where one differs from C, C reads again. If it says the same as before, they
 * differ: once is enough. If it differs from itself, what is read does not stand still, and all is
 * read anew, some times.
 */
struct verdict compare_readers(read_fn read, void *arg);

/* What does not stand still was not compared: that is a skip, which nobody expects. */
#define EXPECT_SAME(read, arg) do {							\
	struct verdict _verdict = compare_readers(read, arg);				\
											\
	if (_verdict.unsteady)								\
		SKIP(break, "does not stand still: %s", _verdict.unsteady);		\
	EXPECT_EQ(NULL, _verdict.different)						\
		TH_LOG("c and %s", _verdict.different);					\
} while (0)

#endif /* _FREEPTE_WALK_COMPARE_H */
