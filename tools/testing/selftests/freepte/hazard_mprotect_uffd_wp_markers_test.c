// SPDX-License-Identifier: GPL-2.0
/*
 * A marker of write protection must be there when UFFDIO_WRITEPROTECT says so.
 *
 * Without "mm/mprotect: do not lose uffd-wp markers to a vanished PTE table" the 2 MiB are passed
 * over if their table is there when one would be allocated, and gone right after: the ioctl
 * succeeds, and the page is not protected. Any zap in the same 2 MiB gets the table to go, so
 * that this takes luck, but no debug knobs.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

#include "hazard.h"
#include "meet.h"
#include "race.h"
#include "tables.h"
#include "uffd.h"

/* What is protected, and what is zapped: pages of one table, far apart */
#define MARKED		3
#define ZAPPED		300
#define BIT_UFFD_WP	57

static struct {
	char *area;
	int uffd;
	int pagemap;
} shared;

static bool is_protected(const char *page)
{
	uint64_t entry;
	off_t at = (uintptr_t)page / PAGE * sizeof(entry);

	return pread(shared.pagemap, &entry, sizeof(entry), at) == sizeof(entry) &&
	       entry >> BIT_UFFD_WP & 1;
}

/* Taking the mark away empties the table. The reclaimer may come at any time from then on. */
static const char *protect(struct racer *racer)
{
	char *page = shared.area + MARKED * PAGE;

	if (uffd_protect(shared.uffd, page, PAGE, 1))
		return wrong("UFFDIO_WRITEPROTECT: %m");
	if (!is_protected(page))
		return wrong("the marker is lost, in lap %lu", racer->turns);
	if (uffd_protect(shared.uffd, page, PAGE, 0))
		return wrong("UFFDIO_WRITEPROTECT: %m");
	if (is_protected(page))
		return wrong("the marker is still there");
	dawdle(1000);
	return NULL;
}

static const char *zap(struct racer *racer)
{
	char *page = shared.area + ZAPPED * PAGE;

	mark_page(page, racer->turns + 1);
	dawdle(300);
	if (madvise(page, PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	/* Time for the table to go, and to be missed */
	usleep(500);
	return NULL;
}

FIXTURE(markers)
{
};

FIXTURE_VARIANT(markers)
{
	bool is_file;
};

FIXTURE_VARIANT_ADD(markers, anon)
{
	.is_file = false,
};

FIXTURE_VARIANT_ADD(markers, shmem)
{
	.is_file = true,
};

FIXTURE_SETUP(markers)
{
	shared.area = arena(TABLE_SPAN);
	ASSERT_NE(NULL, shared.area);
	ASSERT_NE(NULL, variant->is_file ? map_shared_anon(shared.area, TABLE_SPAN) :
					   map_anon(shared.area, TABLE_SPAN));
	ASSERT_EQ(0, no_huge_pages(shared.area, TABLE_SPAN));
	shared.pagemap = open("/proc/self/pagemap", O_RDONLY);
	ASSERT_LE(0, shared.pagemap);
	shared.uffd = uffd_open(UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |
				UFFD_FEATURE_WP_ASYNC);
	if (shared.uffd < 0)
		SKIP(return, "no userfaultfd with markers");
	ASSERT_EQ(0, uffd_register(shared.uffd, shared.area, TABLE_SPAN,
				   UFFDIO_REGISTER_MODE_WP));
	hazard_begin(0);
}

FIXTURE_TEARDOWN(markers)
{
	hazard_end();
}

TEST_F(markers, are_kept)
{
	struct racer racers[] = { { RACER(protect), .least = 200 }, { RACER(zap) } };

	race_needs("tables freed", freed, 50);
	EXPECT_HARMLESS(race(racers, 2));
}

TEST_HARNESS_MAIN
