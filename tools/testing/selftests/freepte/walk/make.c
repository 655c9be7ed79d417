// SPDX-License-Identifier: GPL-2.0
/*
 * What shapes are made of.
 */
#include <sys/mman.h>

#include "files.h"
#include "tables.h"
#include "uapi.h"
#include "walk/make.h"

#define TRIES	20

static char *map_advised(char *addr, size_t size, int advice)
{
	addr = map_anon(addr, size);
	/* Without huge pages there is nothing to be advised about. */
	if (addr)
		madvise(addr, size, advice);
	return addr;
}

char *map_small_pages(char *addr, size_t size)
{
	return map_advised(addr, size, MADV_NOHUGEPAGE);
}

char *map_huge_pages(char *addr, size_t size)
{
	return map_advised(addr, size, MADV_HUGEPAGE);
}

const char *fill_huge_pages(char *addr, size_t size)
{
	size_t at;

	write_pages(addr, size, PAGE);
	for (at = 0; at < size; at += TABLE_SPAN)
		if (huge_in(0, addr + at, TABLE_SPAN) != ENTRIES)
			madvise(addr + at, TABLE_SPAN, MADV_COLLAPSE);
	return huge_in(0, addr, size) == (long)(size / PAGE) ? NULL :
	       "no huge pages (CONFIG_TRANSPARENT_HUGEPAGE)";
}

bool swap_out(char *addr, size_t size)
{
	int tries;

	for (tries = 0; tries < TRIES && present_in(0, addr, size); tries++) {
		/* Pages that wait in the CPUs' batches are not reclaimed; this drains them. */
		if (tries)
			drop_page_cache();
		madvise(addr, size, MADV_PAGEOUT);
	}
	return !present_in(0, addr, size);
}
