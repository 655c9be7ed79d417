// SPDX-License-Identifier: GPL-2.0
/*
 * Shapes of marks in entries, and what is not made by us.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "account.h"
#include "files.h"
#include "tables.h"
#include "uapi.h"
#include "uffd.h"
#include "walk/make.h"
#include "walk/shapes.h"

static const char no_memory[] = "mmap failed";

/* What was written to since the marks were taken away, and an area that is newer than that */
static const char *make_soft_dirty(char *at)
{
	if (!map_small_pages(at, 2 * TABLE_SPAN))
		return no_memory;
	write_pages(at, 2 * TABLE_SPAN, 2 * PAGE);
	if (file_write("/proc/self/clear_refs", "4"))
		return "no /proc/PID/clear_refs (CONFIG_PROC_PAGE_MONITOR)";
	write_pages(at, TABLE_SPAN, 6 * PAGE);
	read_pages(at, TABLE_SPAN, 5 * PAGE);
	if (!map_shared_anon(at + 2 * TABLE_SPAN, TABLE_SPAN))
		return no_memory;
	write_pages(at + 2 * TABLE_SPAN, TABLE_SPAN, 7 * PAGE);
	return NULL;
}

const struct shape shape_soft_dirty = {
	.size = 3 * TABLE_SPAN,
	.make = make_soft_dirty,
};

/* Of pages that are there only */
static const char *make_uffd_wp(char *at)
{
	int uffd = uffd_open(UFFD_FEATURE_PAGEFAULT_FLAG_WP);

	if (uffd < 0)
		return "no userfaultfd";
	if (!map_small_pages(at, 2 * TABLE_SPAN))
		return no_memory;
	write_pages(at, TABLE_SPAN, 3 * PAGE);
	if (uffd_register(uffd, at, TABLE_SPAN, UFFDIO_REGISTER_MODE_WP) ||
	    uffd_protect(uffd, at, TABLE_SPAN / 2, 1) ||
	    uffd_protect(uffd, at + 64 * PAGE, 32 * PAGE, 0))
		return "no write protection by userfaultfd";
	write_pages(at + TABLE_SPAN, TABLE_SPAN, 16 * PAGE);
	return NULL;
}

const struct shape shape_uffd_wp = {
	.size = 2 * TABLE_SPAN,
	.make = make_uffd_wp,
	.has_uffd = true,
};

/* Of pages that are not there, too: anonymous, shared, and huge */
static const char *make_uffd_wp_markers(char *at)
{
	int uffd = uffd_open(UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |
			     UFFD_FEATURE_WP_ASYNC);
	char *shared = at + TABLE_SPAN, *huge = at + 2 * TABLE_SPAN;

	if (uffd < 0)
		return "no userfaultfd with markers";
	if (!map_small_pages(at, TABLE_SPAN) || !map_shared_anon(shared, TABLE_SPAN) ||
	    !map_huge_pages(huge, 2 * TABLE_SPAN))
		return no_memory;
	write_pages(at, TABLE_SPAN, 3 * PAGE);
	write_pages(shared, TABLE_SPAN, 4 * PAGE);
	/* Where there are no huge pages, they are small ones. */
	fill_huge_pages(huge, TABLE_SPAN);
	if (uffd_register(uffd, at, 4 * TABLE_SPAN, UFFDIO_REGISTER_MODE_WP) ||
	    uffd_protect(uffd, at, TABLE_SPAN / 2, 1) ||
	    uffd_protect(uffd, shared, TABLE_SPAN / 2, 1) ||
	    uffd_protect(uffd, huge, TABLE_SPAN, 1))
		return "no write protection by userfaultfd";
	/* Writes take the marks away, zaps leave those of a file in place. */
	write_pages(at, TABLE_SPAN / 4, 2 * PAGE);
	write_pages(shared, TABLE_SPAN / 4, 2 * PAGE);
	if (madvise(at + TABLE_SPAN / 4, 32 * PAGE, MADV_DONTNEED) ||
	    madvise(shared + TABLE_SPAN / 4, 32 * PAGE, MADV_DONTNEED) ||
	    uffd_protect(uffd, at + 64 * PAGE, 32 * PAGE, 0))
		return "marks cannot be taken away";
	return NULL;
}

const struct shape shape_uffd_wp_markers = {
	.size = 4 * TABLE_SPAN,
	.make = make_uffd_wp_markers,
	.has_uffd = true,
};

/* Marks of what was not touched since: of small pages, of a file's, and of huge ones */
static const char *make_uffd_rwp(char *at)
{
	int uffd = uffd_open(UFFD_FEATURE_RWP | UFFD_FEATURE_RWP_ASYNC);
	char *shared = at + TABLE_SPAN, *huge = at + 2 * TABLE_SPAN;

	if (uffd < 0)
		return "no read-write protection by userfaultfd (CONFIG_USERFAULTFD_RWP)";
	if (!map_small_pages(at, TABLE_SPAN) || !map_shared_anon(shared, TABLE_SPAN) ||
	    !map_huge_pages(huge, 2 * TABLE_SPAN))
		return no_memory;
	write_pages(at, TABLE_SPAN, 3 * PAGE);
	write_pages(shared, TABLE_SPAN, 4 * PAGE);
	/* Where there are no huge pages, they are small ones. */
	fill_huge_pages(huge, 2 * TABLE_SPAN);
	if (uffd_register(uffd, at, 4 * TABLE_SPAN, UFFDIO_REGISTER_MODE_RWP) ||
	    uffd_protect_all(uffd, at, TABLE_SPAN / 2, 1) ||
	    uffd_protect_all(uffd, shared, TABLE_SPAN / 2, 1) ||
	    uffd_protect_all(uffd, huge, TABLE_SPAN, 1))
		return "no read-write protection by userfaultfd";
	/* All but these are as they were. */
	read_pages(at, TABLE_SPAN / 8, 6 * PAGE);
	write_pages(at + TABLE_SPAN / 8, TABLE_SPAN / 8, 6 * PAGE);
	read_pages(shared, TABLE_SPAN / 4, 8 * PAGE);
	if (uffd_protect_all(uffd, at + 64 * PAGE, 32 * PAGE, 0) ||
	    madvise(at + TABLE_SPAN / 4, 32 * PAGE, MADV_DONTNEED))
		return "marks cannot be taken away";
	return NULL;
}

const struct shape shape_uffd_rwp = {
	.size = 4 * TABLE_SPAN,
	.make = make_uffd_rwp,
	.has_uffd = true,
};

static const char *make_guards(char *at)
{
	if (!map_small_pages(at, 2 * TABLE_SPAN) ||
	    !map_shared_anon(at + 2 * TABLE_SPAN, TABLE_SPAN))
		return no_memory;
	write_pages(at, TABLE_SPAN, 2 * PAGE);
	write_pages(at + 2 * TABLE_SPAN, TABLE_SPAN / 2, 2 * PAGE);
	if (madvise(at + 100 * PAGE, 50 * PAGE, MADV_GUARD_INSTALL) ||
	    madvise(at + TABLE_SPAN, TABLE_SPAN, MADV_GUARD_INSTALL) ||
	    madvise(at + TABLE_SPAN + 10 * PAGE, 20 * PAGE, MADV_GUARD_REMOVE))
		return "no MADV_GUARD_INSTALL";
	/* Of shared memory not in all kernels */
	madvise(at + 2 * TABLE_SPAN + 10 * PAGE, 50 * PAGE, MADV_GUARD_INSTALL);
	return NULL;
}

const struct shape shape_guards = {
	.size = 3 * TABLE_SPAN,
	.make = make_guards,
};

/* Frames of a device, between pages: the BIOS */
static const char *make_raw_frames(char *at)
{
	int fd = open("/dev/mem", O_RDONLY | O_CLOEXEC);
	char *map;

	if (fd < 0)
		return "no /dev/mem (CONFIG_DEVMEM)";
	if (!map_small_pages(at, TABLE_SPAN))
		return no_memory;
	write_pages(at, TABLE_SPAN, 3 * PAGE);
	map = mmap(at + 100 * PAGE, 16 * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, fd, 0xf0000);
	if (map == MAP_FAILED)
		return "/dev/mem cannot be mapped";
	read_pages(map, 16 * PAGE, 2 * PAGE);
	return NULL;
}

const struct shape shape_raw_frames = {
	.size = TABLE_SPAN,
	.make = make_raw_frames,
};

/* A process as it is: program, libraries, heap, stack, and what the kernel maps */
static const char *make_process(char *at)
{
	touch_program();
	return NULL;
}

const struct shape shape_process = {
	.size = TABLE_SPAN,
	.make = make_process,
	.whole = true,
};
