/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Page tables: how many a process holds, how many it needs, and places to make some.
 */
#ifndef _FREEPTE_TABLES_H
#define _FREEPTE_TABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define PAGE		4096UL
/* What one PTE table maps, and what one PMD table maps */
#define TABLE_SPAN	(2UL << 20)
#define PMD_TABLE_SPAN	(1UL << 30)
#define PUD_TABLE_SPAN	(512UL << 30)
#define ENTRIES		512

/* Tables of all levels that a process holds: VmPTE; pid 0 is the caller. Negative: no such one. */
long tables_held(pid_t pid);

/*
 * Tables that its entries need: a PTE table for each 2 MiB that has one which is not none, and
 * the PMD and PUD tables above.
 */
long tables_needed(pid_t pid);

/* Number of entries that are not none; none in the middle of nowhere. */
long entries_in(pid_t pid, const void *addr, size_t size);
/* Those of them that map a page, that hold a swap entry or a marker */
long present_in(pid_t pid, const void *addr, size_t size);
long swapped_in(pid_t pid, const void *addr, size_t size);
/* Those that are mapped by a huge PMD */
long huge_in(pid_t pid, const void *addr, size_t size);

/* One GiB of address space, aligned to that, PROT_NONE, or NULL */
char *reserve_gib(void);

/*
 * Address space to map things into with MAP_FIXED: aligned to 1 GiB, PROT_NONE. Its PMD table
 * stays whatever happens in it, because of a page in the last 2 MiB of the GiB, which is why
 * size must be smaller than that. NULL when it cannot be had.
 */
char *arena(size_t size);

/* Map anonymous memory over a part of an arena; the address, or NULL. */
char *map_anon(char *addr, size_t size);
char *map_shared_anon(char *addr, size_t size);
char *map_file(char *addr, size_t size, int fd, int flags);	/* MAP_SHARED, MAP_PRIVATE */

/* Whether the kernel has huge pages of anonymous memory at all, and why not */
bool have_huge_pages(void);
#define NO_HUGE_PAGES	"no huge pages (CONFIG_TRANSPARENT_HUGEPAGE)"
/* See to it that memory is not mapped by any; 0, or -1 with errno. */
int no_huge_pages(char *addr, size_t size);

/* Write a byte (derived from its address) to a page in steps, and check that it is there. */
void write_pages(char *addr, size_t size, size_t step);
bool check_pages(const char *addr, size_t size, size_t step);
/* Read a byte each step. */
void read_pages(const char *addr, size_t size, size_t step);

/* The numbers from 0 to count - 1, shuffled, the same in each run */
void shuffle(unsigned int *numbers, unsigned int count);

/* Call fn for each piece of an area, in shuffled order, until it returns something but 0. */
int for_pieces(char *addr, size_t size, size_t piece,
	       int (*fn)(char *addr, size_t size, void *arg), void *arg);
/* madvise() each piece of an area, in shuffled order. */
int advise_pieces(char *addr, size_t size, size_t piece, int advice);

/*
 * Have a huge page map what a table maps, and try again as long as others use the pages, as per-CPU
 * batches do. 0, or -1 with errno.
 */
int collapse(char *addr);

/* Milliseconds, of the monotonic clock */
long now_ms(void);
void sleep_ms(long ms);

#endif /* _FREEPTE_TABLES_H */
