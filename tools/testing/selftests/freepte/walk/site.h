/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A place in the address space, and processes that make a shape there and stand still.
 */
#ifndef _FREEPTE_WALK_SITE_H
#define _FREEPTE_WALK_SITE_H

#include <stdint.h>

#include "peer.h"
#include "tables.h"
#include "walk/shapes.h"
#include "zram.h"

/* On both sides of a shape nothing is mapped. */
#define EDGE		(2 * TABLE_SPAN)
#define WINDOWS		128

/* What is worth reading entry by entry */
struct window {
	uint64_t start;
	uint64_t end;
};

struct site {
	const struct shape *shape;
	char *at;		/* the same in all processes */
	struct zram zram;
	long huge_before;	/* hugetlb pages in the pool; negative: not ours to put back */
};

/* The one there is. Each process has a copy, as of when it was forked. */
extern struct site site;

/* Find the place for a shape, and what else it needs. NULL, or why it cannot be had */
const char *site_open(const struct shape *shape);
void site_close(void);

/* Start a process that makes the shape. NULL, or why it cannot */
const char *site_people(struct peer *peer);

/* The shape with its edges */
uint64_t site_start(void);
uint64_t site_end(void);

/* The windows of a process that is at the site; how many they are */
unsigned int site_windows(pid_t pid, struct window windows[WINDOWS]);

#endif /* _FREEPTE_WALK_SITE_H */
