/* SPDX-License-Identifier: GPL-2.0 */
/*
 * ioctl PAGEMAP_SCAN
 */
#ifndef _FREEPTE_WALK_SCAN_H
#define _FREEPTE_WALK_SCAN_H

#include "uapi.h"

#include "storm/random.h"
#include "walk/transcript.h"

#ifndef PAGE_IS_WPALLOWED
#define PAGE_IS_WPALLOWED	0x1
#define PAGE_IS_WRITTEN		0x2
#endif
#ifndef PAGE_IS_PFNZERO
#define PAGE_IS_PFNZERO		0x20
#endif
#ifndef PAGE_IS_SOFT_DIRTY
#define PAGE_IS_SOFT_DIRTY	0x80
#endif
#ifndef PAGE_IS_ACCESSED
#define PAGE_IS_ACCESSED	0x200
#endif
#define CATEGORIES		10

#ifndef PM_SCAN_WP_MATCHING
#define PM_SCAN_WP_MATCHING	0x1
#define PM_SCAN_CHECK_WPASYNC	0x2
#endif

#define SCAN_MOST_REGIONS	2048

/* Scan, and note all that came of it. The regions are where the kernel is to write them. */
void note_scan(struct transcript *to, int fd, struct pm_scan_arg scan);
/* Each category alone and left out, and what is asked for in practice */
void note_scan_table(struct transcript *to, int fd, uint64_t start, uint64_t end);
/* Limits of regions and pages, all of them with all others */
void note_scan_limits(struct transcript *to, int fd, uint64_t start, uint64_t end);
/* What is not to be asked for */
void note_scan_errors(struct transcript *to, int fd, uint64_t start, uint64_t end);

/* Anything, in a part of the range; that part is of this size at most. */
struct pm_scan_arg scan_any(struct random *random, uint64_t start, uint64_t end, uint64_t most);

#endif /* _FREEPTE_WALK_SCAN_H */
