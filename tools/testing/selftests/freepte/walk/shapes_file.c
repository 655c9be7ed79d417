// SPDX-License-Identifier: GPL-2.0
/*
 * Shapes of files, in shared memory and on a disk.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ext4.h"
#include "files.h"
#include "tables.h"
#include "uapi.h"
#include "walk/make.h"
#include "walk/shapes.h"

#define QUARTER	(TABLE_SPAN / 4)

static const char no_memory[] = "mmap failed";

/* In the table, in swap, in the page cache only, and nowhere: a quarter each, with holes */
static const char *make_shmem_swapped(char *at)
{
	if (!map_shared_anon(at, shape_shmem_swapped.size))
		return no_memory;
	write_pages(at, 3 * QUARTER, 2 * PAGE);
	if (!swap_out(at + QUARTER, QUARTER))
		return "not all of it goes to swap";
	if (madvise(at + 2 * QUARTER, QUARTER, MADV_DONTNEED))
		return "MADV_DONTNEED failed";
	/* A table all of whose pages are in swap */
	write_pages(at + 2 * TABLE_SPAN, TABLE_SPAN, 16 * PAGE);
	return swap_out(at + 2 * TABLE_SPAN, TABLE_SPAN) ? NULL : "not all of it goes to swap";
}

const struct shape shape_shmem_swapped = {
	.size = 3 * TABLE_SPAN,
	.needs = NEEDS_SWAP,
	.make = make_shmem_swapped,
};

/* Shared, private, and for reading; each with a part that nobody touched, and beyond the end */
static const char *make_tmpfs(char *at)
{
	int fd = shmem_file(TABLE_SPAN + QUARTER);
	char byte = 1;
	size_t i;

	if (fd < 0 || !map_file(at, TABLE_SPAN, fd, MAP_SHARED) ||
	    !map_file(at + TABLE_SPAN, 2 * TABLE_SPAN, fd, MAP_PRIVATE) ||
	    !map_file(at + 3 * TABLE_SPAN, TABLE_SPAN, fd, MAP_SHARED))
		return no_memory;
	for (i = 0; i < TABLE_SPAN + QUARTER; i += 3 * PAGE)
		if (pwrite(fd, &byte, 1, i) != 1)
			return "a file cannot be written to";
	read_pages(at, QUARTER, PAGE);
	write_pages(at + QUARTER, QUARTER, 2 * PAGE);
	read_pages(at + TABLE_SPAN, 2 * QUARTER, 3 * PAGE);
	write_pages(at + TABLE_SPAN, QUARTER, 5 * PAGE);
	if (mprotect(at + 3 * TABLE_SPAN, TABLE_SPAN, PROT_READ))
		return "mprotect failed";
	read_pages(at + 3 * TABLE_SPAN, QUARTER, 2 * PAGE);
	return NULL;
}

const struct shape shape_tmpfs = {
	.size = 4 * TABLE_SPAN,
	.make = make_tmpfs,
};

/* A private mapping of what is partly in swap, with copies that are partly in swap */
static const char *make_cow_swapped(char *at)
{
	int fd = shmem_file(TABLE_SPAN);

	if (fd < 0 || !map_file(at, TABLE_SPAN, fd, MAP_SHARED))
		return no_memory;
	write_pages(at, TABLE_SPAN, PAGE);
	if (!swap_out(at + QUARTER, 2 * QUARTER))
		return "not all of it goes to swap";
	if (!map_file(at, TABLE_SPAN, fd, MAP_PRIVATE))
		return no_memory;
	madvise(at, TABLE_SPAN, MADV_NOHUGEPAGE);
	write_pages(at, QUARTER, 3 * PAGE);
	write_pages(at + QUARTER, 32 * PAGE, 4 * PAGE);
	return swap_out(at, QUARTER) ? NULL : "not all of it goes to swap";
}

const struct shape shape_cow_swapped = {
	.size = TABLE_SPAN,
	.needs = NEEDS_SWAP,
	.make = make_cow_swapped,
};

static const char *make_ext4(char *at)
{
	static struct ext4 ext4;
	const char *reason = ext4_make(&ext4, 16 << 20);
	int fd;

	if (reason)
		return reason;
	fd = ext4_file(&ext4, TABLE_SPAN, 2 * PAGE);
	if (fd < 0 || !map_file(at, TABLE_SPAN, fd, MAP_SHARED) ||
	    !map_file(at + TABLE_SPAN, TABLE_SPAN, fd, MAP_PRIVATE))
		return "no file on ext4";
	/* Read by whom it maps, not before */
	if (madvise(at, 2 * TABLE_SPAN, MADV_RANDOM))
		return "MADV_RANDOM failed";
	read_pages(at, QUARTER, 3 * PAGE);
	write_pages(at + QUARTER, QUARTER / 2, 2 * PAGE);
	if (msync(at, TABLE_SPAN, MS_SYNC))
		return "msync failed";
	/* What is dirty from here on is so for some seconds. */
	write_pages(at + QUARTER + QUARTER / 2, QUARTER / 4, PAGE);
	read_pages(at + TABLE_SPAN, 2 * QUARTER, 5 * PAGE);
	write_pages(at + TABLE_SPAN + QUARTER, QUARTER, 7 * PAGE);
	return NULL;
}

const struct shape shape_ext4 = {
	.size = 2 * TABLE_SPAN,
	.make = make_ext4,
};
