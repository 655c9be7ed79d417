// SPDX-License-Identifier: GPL-2.0
/*
 * Shapes of large and huge pages.
 */
#include <linux/memfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"
#include "peer.h"
#include "tables.h"
#include "uapi.h"
#include "walk/make.h"
#include "walk/shapes.h"
#include "walk/smaps.h"

#define HUGE	TABLE_SPAN

static const char no_memory[] = "mmap failed";

/* One that is there, a hole, and one more */
static const char *make_thp(char *at)
{
	const char *reason = NULL;

	if (!map_huge_pages(at, shape_thp.size))
		return no_memory;
	reason = fill_huge_pages(at, HUGE);
	return reason ? reason : fill_huge_pages(at + 2 * HUGE, HUGE);
}

const struct shape shape_thp = {
	.size = 3 * HUGE,
	.make = make_thp,
};

/* Large folios that small entries map, all of them or what is left */
static const char *make_thp_in_pieces(char *at)
{
	const char *reason;

	if (!map_huge_pages(at, shape_thp_in_pieces.size))
		return no_memory;
	reason = fill_huge_pages(at, shape_thp_in_pieces.size);
	if (reason)
		return reason;
	if (madvise(at + 17 * PAGE, 100 * PAGE, MADV_DONTNEED) ||
	    mprotect(at + HUGE + 5 * PAGE, PAGE, PROT_READ) ||
	    munmap(at + 2 * HUGE + HUGE / 2, HUGE / 2))
		return "a huge page cannot be split";
	return NULL;
}

const struct shape shape_thp_in_pieces = {
	.size = 4 * HUGE,
	.make = make_thp_in_pieces,
};

static const char *make_huge_zero(char *at)
{
	if (!map_huge_pages(at, shape_huge_zero.size))
		return no_memory;
	read_pages(at, shape_huge_zero.size, HUGE);
	/* One of them in pieces, and one that was written to */
	if (mprotect(at, PAGE, PROT_READ))
		return "mprotect failed";
	at[2 * HUGE + PAGE] = 1;
	return huge_in(0, at + HUGE, HUGE) == ENTRIES ? NULL : "no huge zero page";
}

const struct shape shape_huge_zero = {
	.size = 3 * HUGE,
	.make = make_huge_zero,
};

static const char *make_shmem_thp(char *at)
{
	int fd = shmem_file(2 * HUGE);

	if (fd < 0 || !map_file(at, 2 * HUGE, fd, MAP_SHARED))
		return no_memory;
	write_pages(at, 2 * HUGE, PAGE);
	if (madvise(at, 2 * HUGE, MADV_COLLAPSE) || huge_in(0, at, HUGE) != ENTRIES)
		return "no huge pages of shared memory";
	/* The second goes from the table as a whole; some of it comes back small. */
	if (mprotect(at + HUGE, PAGE, PROT_READ))
		return "mprotect failed";
	read_pages(at + HUGE, HUGE / 2, PAGE);
	/* Seen again, where it can be mapped by small entries only; and some pages of our own */
	if (!map_file(at + 2 * HUGE + PAGE, HUGE, fd, MAP_PRIVATE))
		return no_memory;
	read_pages(at + 2 * HUGE + PAGE, HUGE, 3 * PAGE);
	write_pages(at + 2 * HUGE + PAGE, HUGE, 10 * PAGE);
	return NULL;
}

const struct shape shape_shmem_thp = {
	.size = 4 * HUGE,
	.make = make_shmem_thp,
};

static const char *make_hugetlb_private(char *at)
{
	at = mmap(at, 4 * HUGE, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB | MAP_FIXED, -1, 0);
	if (at == MAP_FAILED)
		return "MAP_HUGETLB: too few pages";
	at[0] = 1;
	read_pages(at + HUGE, HUGE, HUGE);
	at[3 * HUGE] = 2;
	return mprotect(at + 3 * HUGE, HUGE, PROT_READ) ? "mprotect failed" : NULL;
}

const struct shape shape_hugetlb_private = {
	.size = 5 * HUGE,
	.needs = NEEDS_HUGETLB,
	.make = make_hugetlb_private,
};

/* Pages that are mapped, that are in the file only, and that are neither; and copies */
static const char *make_hugetlb_shared(char *at)
{
	int fd = memfd_create("freepte", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);

	if (fd < 0 || ftruncate(fd, 3 * HUGE) || !map_file(at, 3 * HUGE, fd, MAP_SHARED))
		return "too few hugetlb pages";
	at[0] = 1;
	at[HUGE] = 2;
	if (madvise(at + HUGE, HUGE, MADV_DONTNEED))
		return "hugetlb pages cannot be zapped";
	if (!map_file(at + 3 * HUGE, 2 * HUGE, fd, MAP_PRIVATE))
		return no_memory;
	read_pages(at + 3 * HUGE, 2 * HUGE, HUGE);
	at[4 * HUGE] = 3;
	return NULL;
}

const struct shape shape_hugetlb_shared = {
	.size = 6 * HUGE,
	.needs = NEEDS_HUGETLB,
	.make = make_hugetlb_shared,
};

struct file_at {
	char *at;
	int fd;
};

static char *map_whole_table(const struct file_at *file)
{
	char *map = mmap(file->at, PMD_TABLE_SPAN, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_FIXED | MAP_NORESERVE, file->fd, 0);

	return map == MAP_FAILED ? NULL : map;
}

static long have_table(void *arg)
{
	const struct file_at *file = arg;

	if (!map_whole_table(file))
		return -1;
	file->at[0] = 1;
	file->at[HUGE] = 1;
	return 0;
}

static bool note_shared(const struct smaps_area *area, void *arg)
{
	*(long *)arg += area->shared_hugetlb;
	return true;
}

/* Pages of a file that are mapped by a table of another process, which is ours as well */
static const char *make_hugetlb_shared_table(char *at)
{
	struct file_at file = {
		.at = at,
		.fd = memfd_create("freepte", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB),
	};
	struct peer other;
	long shared = 0;

	if (file.fd < 0 || ftruncate(file.fd, PMD_TABLE_SPAN))
		return "no file of hugetlb";
	/* It ends with us. */
	if (peer_start(&other) || peer_call(&other, have_table, &file))
		return "too few hugetlb pages";
	if (!map_whole_table(&file))
		return no_memory;
	/* One of these is mapped by nobody but us: it is the table that is shared. */
	read_pages(at + HUGE, HUGE, HUGE);
	at[PMD_TABLE_SPAN / 2] = 2;
	if (!smaps_read("/proc/self/smaps", note_shared, &shared))
		return "no smaps";
	return shared == 3 * HUGE / 1024 ? NULL : "no shared tables of hugetlb";
}

const struct shape shape_hugetlb_shared_table = {
	.size = PMD_TABLE_SPAN,
	.stride = PMD_TABLE_SPAN / 2,
	.needs = NEEDS_HUGETLB,
	.make = make_hugetlb_shared_table,
};
