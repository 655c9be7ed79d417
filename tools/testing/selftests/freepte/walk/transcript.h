/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What was read, step by step, to be compared byte for byte.
 */
#ifndef _FREEPTE_WALK_TRANSCRIPT_H
#define _FREEPTE_WALK_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kselftest.h"

/* Notes, each what was done, in words, and what came of it; in memory that children share */
struct transcript {
	size_t len;
	bool is_full;
	char notes[];
};

/* An empty one, or NULL */
struct transcript *transcript_make(void);
void transcript_drop(struct transcript *transcript);
void transcript_clear(struct transcript *transcript);

/* Note that what the words say had this result. */
void note(struct transcript *to, const void *result, size_t len, const char *format, ...)
	__printf(4, 5);
/* The same for a number, and for a system call that returned this */
void note_number(struct transcript *to, int64_t number, const char *what);
void note_returned(struct transcript *to, long ret, const char *what);

/* NULL if they are the same, or the first note in which they are not, and how */
const char *transcripts_differ(const struct transcript *a, const struct transcript *b);

#endif /* _FREEPTE_WALK_TRANSCRIPT_H */
