/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The same read with the readers in C and with those in Rust.
 */
#ifndef _FREEPTE_WALK_COMPARE_H
#define _FREEPTE_WALK_COMPARE_H

#include "walk/transcript.h"

/* Read all there is to be read, the same in each call. */
typedef void (*read_fn)(struct transcript *to, void *arg);

struct verdict {
	const char *different;	/* how they differ */
	const char *unsteady;	/* how what is read differs by itself, if it does not stand still */
};

/* Room for what is read. Children that are to write to it must be forked later. */
bool compare_prepare(void);

/*
 * Read with both. Where they differ, C reads again: if it differs from itself, it was not the
 * readers, and all is read anew. They differ if they do so time and again.
 */
struct verdict compare_readers(read_fn read, void *arg);

#define EXPECT_SAME(read, arg) do {							\
	struct verdict _verdict = compare_readers(read, arg);				\
											\
	if (_verdict.unsteady)								\
		SKIP(break, "does not stand still: %s", _verdict.unsteady);		\
	EXPECT_EQ(NULL, _verdict.different)						\
		TH_LOG("c and rust: %s", _verdict.different);				\
} while (0)

#endif /* _FREEPTE_WALK_COMPARE_H */
