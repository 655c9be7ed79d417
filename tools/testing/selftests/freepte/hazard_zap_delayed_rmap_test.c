// SPDX-License-Identifier: GPL-2.0
/*
 * A table must not be unhooked before all of its pages are out of the rmap. A zap clears entries of
 * dirty file pages first and counts the pages as unmapped later, once the TLB is flushed. If the
 * pmd is none by then, a truncate that finds nothing to zap there, and takes no lock, removes a
 * page from the file that is still counted as mapped: "BUG: Bad page cache", or VM_BUG_ON_FOLIO.
 * What unhooks a table must be the last that is done under its lock: "mm/memory: settle the account
 * of a table once a zap".
 *
 * Takes luck, and two CPUs; a kernel with DEBUG_VM is the first to notice.
 */
#include "harness.h"

#include <sched.h>

#include "files.h"
#include "hazard.h"
#include "race.h"
#include "tables.h"
#include "uapi.h"

#define DIRTY	(16 * PAGE)

static char *area;
static int fd;

FIXTURE(delayed_rmap)
{
};

FIXTURE_SETUP(delayed_rmap)
{
	area = arena(TABLE_SPAN);
	fd = shmem_file(TABLE_SPAN);
	ASSERT_NE(NULL, area);
	ASSERT_LE(0, fd);
	ASSERT_NE(NULL, map_file(area, TABLE_SPAN, fd, MAP_SHARED));
	hazard_begin(0);
}

FIXTURE_TEARDOWN(delayed_rmap)
{
	hazard_end();
}

/* No touching: there may be no file behind it at times. */
static const char *dirty_and_zap(struct racer *racer)
{
	if (madvise(area, DIRTY, MADV_POPULATE_WRITE) && errno != EFAULT)
		return wrong("populate: %s", strerror(errno));
	if (madvise(area, TABLE_SPAN, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	return NULL;
}

static const char *cut(struct racer *racer)
{
	if (ftruncate(fd, 0) || ftruncate(fd, TABLE_SPAN))
		return wrong("ftruncate: %s", strerror(errno));
	/* So that there are pages to be zapped more often than not */
	sched_yield();
	return NULL;
}

static const char *body(void *arg)
{
	struct racer racers[] = {
		{ RACER(dirty_and_zap), .least = 100 },
		{ RACER(cut), .least = 100 },
	};

	return race(racers, 2);
}

TEST_F(delayed_rmap, truncate)
{
	race_needs("tables freed at once", freed_sync, 20);
	EXPECT_HARMLESS(in_child(body, NULL));
}

TEST_HARNESS_MAIN
