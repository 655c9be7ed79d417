/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /proc/PID/pagemap, read.
 */
#ifndef _FREEPTE_WALK_PAGEMAP_H
#define _FREEPTE_WALK_PAGEMAP_H

#include <linux/const.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "walk/transcript.h"

/* Bits of an entry */
#define PAGEMAP_FRAME		(_BITULL(55) - 1)
#define PAGEMAP_SOFT_DIRTY	_BITULL(55)
#define PAGEMAP_EXCLUSIVE	_BITULL(56)
#define PAGEMAP_UFFD_WP		_BITULL(57)
#define PAGEMAP_GUARD		_BITULL(58)
#define PAGEMAP_ZERO		(3ULL << 59)
#define PAGEMAP_FILE		_BITULL(61)
#define PAGEMAP_SWAPPED		_BITULL(62)
#define PAGEMAP_PRESENT		_BITULL(63)
/* The entry of the page table is not none. */
#define PAGEMAP_ENTRY		(PAGEMAP_PRESENT | PAGEMAP_SWAPPED)

/* The descriptor, or -1; @privileged: it is root who opens it, and sees frames. */
int pagemap_open(pid_t pid, bool privileged);
/* Bytes read of the entries of so many pages, or -1 and errno */
ssize_t pagemap_read(int fd, uint64_t start, uint64_t *entries, size_t count);

struct pagemap_how {
	size_t piece;	/* Entries that are read at once */
	uint64_t mask;	/* Bits that count */
};

/* Read a part of it in pieces; return how many entries were not none. */
size_t note_pagemap(struct transcript *to, int fd, uint64_t start, uint64_t end,
		    struct pagemap_how how);
/* Places and counts that are not aligned, or out of the address space */
void note_pagemap_errors(struct transcript *to, int fd, uint64_t start);

#endif /* _FREEPTE_WALK_PAGEMAP_H */
