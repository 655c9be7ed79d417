// SPDX-License-Identifier: GPL-2.0
/*
 * A table whose only entry is none for a moment is not empty. mprotect(), the soft-dirty bits, KSM,
 * reclaim and the collapse to a huge page all take an entry out of its table, look at it and put
 * back something else, under the lock of the table or with the table taken out of its place. The
 * count is zero in between, and leaves a hint; but only who holds both locks may believe it
 * (mm/free_user_pte/reclaim.rs).
 *
 * Takes luck, and force_free of a debug kernel makes it likely. Fails by lost data.
 */
#include "harness.h"

#include "files.h"
#include "hazard.h"
#include "knobs.h"
#include "ksm.h"
#include "race.h"
#include "tables.h"
#include "uapi.h"
#include "zram.h"

#define ZRAM	(64UL << 20)

/* One page of ours in each of two blocks: where, and what is in it */
#define TABLES	2
static char *area;
static uint64_t last[TABLES];
/* Pages change seldom, and are alike at times. */
static bool is_lazy;
static struct zram zram = { .number = -1 };

FIXTURE(transient)
{
};

FIXTURE_SETUP(transient)
{
	int i;

	area = arena((TABLES + 1) * TABLE_SPAN);
	ASSERT_NE(NULL, area);
	ASSERT_NE(NULL, map_anon(area, (TABLES + 1) * TABLE_SPAN));
	ASSERT_EQ(0, no_huge_pages(area, TABLES * TABLE_SPAN));
	for (i = 0; i < TABLES; i++)
		mark_page(area + i * TABLE_SPAN, ++last[i]);
	hazard_begin(0);
}

FIXTURE_TEARDOWN(transient)
{
	hazard_end();
	ksm_restore();
	zram_remove(&zram);
}

/* Mostly alike with the other one, and not changed before it was merged, if that happens soon */
static void stay_until_merged(void)
{
	int i;

	for (i = 0; i < 50 && ksm_merging() <= 0; i++)
		sleep_ms(10);
}

/* Is it still what was written last? Each table is one thread's. */
static const char *use(struct racer *racer)
{
	char *page = area + racer->number * TABLE_SPAN;

	if (!page_marked(page, last[racer->number]))
		return wrong("a page is lost: %#llx instead of %#llx",
			     (unsigned long long)word_read(page),
			     (unsigned long long)last[racer->number]);
	/* Who protects the page reads it only. */
	if (racer->arg)
		return NULL;
	last[racer->number] = is_lazy ? 1 + !some(4) : last[racer->number] + 1;
	mark_page(page, last[racer->number]);
	if (is_lazy)
		stay_until_merged();
	return NULL;
}

/* Others that are emptied for good, so that there is always something to be freed */
static const char *give_back(struct racer *racer)
{
	char *page = area + TABLES * TABLE_SPAN;

	mark_page(page, 1);
	if (madvise(page, PAGE, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	/* Who merges pages needs time, too. */
	if (is_lazy)
		sleep_ms(1);
	return NULL;
}

static const char *storm(const char *(*turn)(struct racer *racer), bool read_only)
{
	void *arg = read_only ? area : NULL;
	struct racer racers[] = {
		{ RACER(use), .number = 0, .arg = arg, .least = 20 },
		{ RACER(use), .number = 1, .arg = arg, .least = 20 },
		{ RACER(give_back) },
		{ .turn = turn, .name = "what is done to them", .least = 50 },
	};

	race_needs("tables freed", freed, 100);
	return race(racers, 4);
}

#define EXPECT_STORM(turn, read_only)	EXPECT_HARMLESS(storm(turn, read_only))

static const char *protect(struct racer *racer)
{
	int how = racer->turns % 2 ? PROT_READ | PROT_WRITE : PROT_READ;

	if (mprotect(area, TABLES * TABLE_SPAN, how))
		return wrong("mprotect: %s", strerror(errno));
	return NULL;
}

TEST_F(transient, mprotect)
{
	EXPECT_STORM(protect, true);
}

static const char *clear_soft_dirty(struct racer *racer)
{
	int err = file_write("/proc/self/clear_refs", "4");

	return err ? wrong("clear_refs: %s", strerror(-err)) : NULL;
}

TEST_F(transient, soft_dirty)
{
	if (file_write("/proc/self/clear_refs", "4"))
		SKIP(return, "no soft-dirty bits");
	EXPECT_STORM(clear_soft_dirty, false);
}

static const char *page_out(struct racer *racer)
{
	if (madvise(area, TABLES * TABLE_SPAN, MADV_PAGEOUT))
		return wrong("madvise: %s", strerror(errno));
	return NULL;
}

TEST_F(transient, swap)
{
	const char *why = zram_swap_on(&zram, ZRAM);

	if (why)
		SKIP(return, "%s", why);
	EXPECT_STORM(page_out, false);
}

/* Merged by the kernel, and unmerged by who writes */
static const char *rest(struct racer *racer)
{
	sleep_ms(5);
	return NULL;
}

static long copied_before;

/* Pages that were written to while they were merged */
static long copied(void)
{
	return vm_counter("cow_ksm") - copied_before;
}

TEST_F(transient, ksm)
{
	if (!ksm_start())
		SKIP(return, "no KSM (CONFIG_KSM)");
	is_lazy = true;
	ASSERT_EQ(0, madvise(area, TABLES * TABLE_SPAN, MADV_MERGEABLE));
	copied_before = vm_counter("cow_ksm");
	if (copied_before >= 0)
		race_needs("merged pages written to", copied, 3);
	EXPECT_STORM(rest, false);
	ASSERT_EQ(0, madvise(area, TABLES * TABLE_SPAN, MADV_UNMERGEABLE));
	EXPECT_HARMLESS(race(&(struct racer){ RACER(use) }, 1));
}

/* To a huge page, and back to small ones, of which all but ours are given back */
static const char *collapse_and_give_back(struct racer *racer)
{
	char *block = area + some(TABLES) * TABLE_SPAN;

	/* That it may fail is not the point. */
	madvise(block, TABLE_SPAN, MADV_COLLAPSE);
	if (madvise(block + PAGE, TABLE_SPAN - PAGE, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	return NULL;
}

TEST_F(transient, collapse)
{
	if (!have_huge_pages())
		SKIP(return, NO_HUGE_PAGES);
	ASSERT_EQ(0, madvise(area, TABLES * TABLE_SPAN, MADV_HUGEPAGE));
	if (collapse(area))
		SKIP(return, "no huge page: %s", strerror(errno));
	EXPECT_STORM(collapse_and_give_back, false);
}

TEST_HARNESS_MAIN
