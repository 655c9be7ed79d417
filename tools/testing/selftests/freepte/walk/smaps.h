/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /proc/PID/smaps and smaps_rollup
 */
#ifndef _FREEPTE_WALK_SMAPS_H
#define _FREEPTE_WALK_SMAPS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "walk/transcript.h"

/* All of it, a note for each area, read so many bytes at once */
void note_smaps(struct transcript *to, pid_t pid, size_t piece);
void note_smaps_rollup(struct transcript *to, pid_t pid);
/* What is in a range, and not which file it is of */
void note_smaps_range(struct transcript *to, pid_t pid, uint64_t start, uint64_t end);

/* An area, or the sum of all, in KiB */
struct smaps_area {
	uint64_t start;
	uint64_t end;
	long size, rss, pss, pss_dirty, shared_clean, shared_dirty, private_clean, private_dirty,
	     referenced, anonymous, locked, swap, shared_hugetlb;
};

/* Call fn for each area until it returns false. False if the text is not what it should be. */
bool smaps_read(const char *path, bool (*fn)(const struct smaps_area *area, void *arg), void *arg);

#endif /* _FREEPTE_WALK_SMAPS_H */
