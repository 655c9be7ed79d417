// SPDX-License-Identifier: GPL-2.0
/*
 * Who reads the memory of a process on its behalf is no way around userfaultfd: a page that is
 * protected against reads is faulted in, which tells of the access, whatever its size.
 *
 * Here the kernel answers the fault itself (UFFD_FEATURE_RWP_ASYNC), by taking the mark off the
 * page.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/mman.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>

#include "harness.h"

#include "files.h"
#include "tables.h"
#include "uffd.h"

#define PM_UFFD_WP	(1ULL << 57)
#define GIGABYTE	(1UL << 30)
#define POOL		"/sys/kernel/mm/hugepages/hugepages-%dkB/nr_hugepages"
#define FREE		"/sys/kernel/mm/hugepages/hugepages-%dkB/free_hugepages"

static const char was[] = "as it was";

FIXTURE(rwp)
{
	char *area;
	size_t size;
	char pool_before[32];
};

FIXTURE_VARIANT(rwp)
{
	size_t page;	/* The size of a page; of hugetlb if there are @flags */
	int flags;
};

FIXTURE_VARIANT_ADD(rwp, small) { .page = PAGE };
FIXTURE_VARIANT_ADD(rwp, huge) { .page = TABLE_SPAN };
FIXTURE_VARIANT_ADD(rwp, hugetlb) { .page = TABLE_SPAN, .flags = MAP_HUGETLB | MAP_HUGE_2MB };
FIXTURE_VARIANT_ADD(rwp, gigabyte) { .page = GIGABYTE, .flags = MAP_HUGETLB | MAP_HUGE_1GB };

/* Whether a page of this size is free now; how many there were before is stored. */
static bool one_free(int kb, char before[32])
{
	char wanted[32], free[32];

	if (file_read_n(POOL, kb, before, 32) || file_read_n(FREE, kb, free, sizeof(free)))
		return false;
	if (atol(free) > 0)
		return true;
	snprintf(wanted, sizeof(wanted), "%ld\n", atol(before) + 1);
	return !file_write_n(POOL, kb, wanted) && !file_read_n(FREE, kb, free, sizeof(free)) &&
	       atol(free) > 0;
}

FIXTURE_SETUP(rwp)
{
	self->size = variant->page;
	if (variant->flags && !one_free(variant->page >> 10, self->pool_before))
		SKIP(return, "no hugetlb page of %zu kB to be had", variant->page >> 10);
	self->area = mmap(NULL, 2 * self->size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->area);
	self->area += self->size - 1;
	self->area -= (uintptr_t)self->area % self->size;
	ASSERT_EQ(self->area, mmap(self->area, self->size, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | variant->flags, -1, 0));
	if (!variant->flags)
		madvise(self->area, self->size,
			variant->page == PAGE ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
	memcpy(self->area, was, sizeof(was));
}

FIXTURE_TEARDOWN(rwp)
{
	if (self->area)
		munmap(self->area, self->size);
	if (variant->flags)
		file_write_n(POOL, variant->page >> 10, self->pool_before);
}

static bool is_marked(int pagemap, const char *page)
{
	uint64_t entry;

	if (pread(pagemap, &entry, sizeof(entry), (uintptr_t)page / PAGE * sizeof(entry)) !=
	    sizeof(entry))
		return false;
	return entry & PM_UFFD_WP;
}

TEST_F(rwp, is_told)
{
	int uffd = uffd_open(UFFD_FEATURE_RWP | UFFD_FEATURE_RWP_ASYNC);
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	char copy[sizeof(was)] = {};
	struct iovec to = { copy, sizeof(copy) }, from = { self->area, sizeof(copy) };

	ASSERT_GE(pagemap, 0);
	if (uffd < 0)
		SKIP(return, "no read-write protection by userfaultfd (CONFIG_USERFAULTFD_RWP)");
	ASSERT_EQ(0, uffd_register(uffd, self->area, self->size, UFFDIO_REGISTER_MODE_RWP));
	ASSERT_EQ(0, uffd_protect_all(uffd, self->area, self->size, 1));
	ASSERT_TRUE(is_marked(pagemap, self->area));

	ASSERT_EQ(sizeof(copy), process_vm_readv(getpid(), &to, 1, &from, 1, 0));
	EXPECT_STREQ(was, copy);
	EXPECT_FALSE(is_marked(pagemap, self->area));
	close(pagemap);
	close(uffd);
}

TEST_HARNESS_MAIN
