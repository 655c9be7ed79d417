// SPDX-License-Identifier: GPL-2.0
/*
 * A reference keeps the memory of a table, whatever becomes of the mapping: neither the reclaimer
 * nor a zap unhooks a table that somebody holds, and where a collapse, munmap() or the end of the
 * process does, the last one who puts it frees it. Who does not ask frees a table under its holder,
 * deposited or not, or leaves one that nobody frees.
 *
 * A kernel thread of a debug kernel takes the references, and looks at the table in between: see
 * hold.h. Fails by a complaint of the kernel, of KASAN about the table's lock above all, by lost
 * data, or by tables that stay.
 */
#include "harness.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "hazard.h"
#include "hold.h"
#include "race.h"
#include "tables.h"
#include "uapi.h"

#define TABLES	4
#define SIZE	(TABLES * TABLE_SPAN)

static char *area;
static struct holds before;

FIXTURE(table_refs)
{
};

FIXTURE_SETUP(table_refs)
{
	const char *reason = hold_lacks();

	if (reason)
		SKIP(return, "%s", reason);
	ASSERT_EQ(0, holds_read(&before));
	area = arena(2 * SIZE);
	ASSERT_NE(NULL, area);
	ASSERT_NE(NULL, map_anon(area, SIZE));
	ASSERT_EQ(0, no_huge_pages(area, SIZE));
	account_open(&own_account, 0);
	hazard_begin(0);
}

FIXTURE_TEARDOWN(table_refs)
{
	hazard_end();
}

static long taken(void)
{
	struct holds holds;

	return holds_read(&holds) ? -1 : holds.taken - before.taken;
}

#define EXPECT_ALL_PUT(ms) do {								\
	EXPECT_TRUE(holds_wait(ms));							\
	EXPECT_EQ(NULL, complaint());							\
} while (0)

/*
 * What is to be seen while the table is held, is seen when it was held until then. A process that is
 * too slow for that has it held for longer.
 */
struct hold {
	long ms;
	bool was_seen;
};

#define FIRST_HOLD	{ .ms = HOLD_MS }

static void hold_seen(struct hold *hold)
{
	hold->was_seen = is_held();
	if (!hold->was_seen)
		hold->ms *= 2;
}

static bool hold_again(const struct hold *hold)
{
	return !hold->was_seen && hold->ms <= MOST_HOLD_MS;
}

/* Emptied in both ways, it stays until it is put, and goes then by itself. */
TEST_F(table_refs, keeps_an_empty_table)
{
	int round;

	for (round = 0; round < 2; round++) {
		struct hold hold = FIRST_HOLD;
		long taken_before, grew;

		do {
			taken_before = taken();
			mark_page(area, 1);
			ASSERT_TABLES_GREW(1);
			ASSERT_EQ(0, hold_table(0, area, hold.ms));
			ASSERT_EQ(taken_before + 1, taken());
			ASSERT_EQ(0, madvise(area, round ? TABLE_SPAN : PAGE, MADV_DONTNEED));
			EXPECT_EQ(NULL, reclaimer_wait());
			grew = account_grew(&own_account);
			hold_seen(&hold);
			EXPECT_ALL_PUT(hold.ms);
			EXPECT_EXCESS_0();
			EXPECT_EQ(0, account_grew(&own_account));
		} while (hold_again(&hold));
		EXPECT_TRUE(hold.was_seen);
		EXPECT_EQ(1, grew);
	}
}

/* Filled again while it is held, it is used as ever. */
TEST_F(table_refs, is_filled_again)
{
	struct hold hold = FIRST_HOLD;

	do {
		mark_page(area, 1);
		ASSERT_EQ(0, hold_table(0, area, hold.ms));
		ASSERT_EQ(0, madvise(area, TABLE_SPAN, MADV_DONTNEED));
		mark_page(area + PAGE, 2);
		EXPECT_TRUE(page_zero(area));
		hold_seen(&hold);
		EXPECT_ALL_PUT(hold.ms);
		EXPECT_TRUE(page_marked(area + PAGE, 2));
		EXPECT_EQ(1, account_grew(&own_account));
	} while (hold_again(&hold));
	EXPECT_TRUE(hold.was_seen);
}

TEST_F(table_refs, no_table)
{
	EXPECT_GT(0, hold_table(0, area, 1));
	EXPECT_EQ(0, taken());
	EXPECT_ALL_PUT(0);
}

/* The mapping goes, the memory stays until it is put. */
TEST_F(table_refs, unmapped)
{
	struct hold hold = FIRST_HOLD;

	ASSERT_NE(NULL, map_anon(area + SIZE, TABLE_SPAN));
	do {
		mark_page(area, 1);
		ASSERT_EQ(0, hold_table(0, area, hold.ms));
		ASSERT_EQ(0, munmap(area, TABLE_SPAN));
		EXPECT_EQ(0, account_grew(&own_account));
		hold_seen(&hold);
		EXPECT_ALL_PUT(hold.ms);
		ASSERT_NE(NULL, map_anon(area, TABLE_SPAN));
	} while (hold_again(&hold));
	EXPECT_TRUE(hold.was_seen);
}

TEST_F(table_refs, process_ended)
{
	struct hold hold = FIRST_HOLD;

	mark_page(area, 1);
	do {
		const long taken_before = taken();
		int status;
		pid_t pid = fork();

		ASSERT_LE(0, pid);
		if (!pid)
			_exit(!!hold_table(0, area, hold.ms));
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		hold_seen(&hold);
		EXPECT_EQ(0, status);
		EXPECT_EQ(taken_before + 1, taken());
		EXPECT_ALL_PUT(hold.ms);
	} while (hold_again(&hold));
	EXPECT_TRUE(hold.was_seen);
}

/* In deposit behind a huge page, and back, or freed from there */
TEST_F(table_refs, collapsed)
{
	int round;

	for (round = 0; round < 2; round++) {
		struct hold hold = FIRST_HOLD;

		do {
			ASSERT_EQ(0, no_huge_pages(area, SIZE));
			mark_page(area, round + 1);
			ASSERT_EQ(0, hold_table(0, area, hold.ms));
			ASSERT_EQ(0, madvise(area, SIZE, MADV_HUGEPAGE));
			if (collapse(area))
				SKIP(return, "MADV_COLLAPSE: %m");
			EXPECT_TRUE(page_marked(area, round + 1));
			/* A split takes it out of the deposit. */
			ASSERT_EQ(0, madvise(area + PAGE, (round ? 1 : ENTRIES - 1) * PAGE,
					     MADV_DONTNEED));
			EXPECT_TRUE(page_marked(area, round + 1));
			ASSERT_EQ(0, madvise(area, TABLE_SPAN, MADV_DONTNEED));
			hold_seen(&hold);
			EXPECT_ALL_PUT(hold.ms);
			EXPECT_EXCESS_0();
		} while (hold_again(&hold));
		EXPECT_TRUE(hold.was_seen);
	}
}

static const char *hold(struct racer *racer)
{
	hold_table(0, area + some(TABLES) * TABLE_SPAN, some(20));
	sleep_ms(some(5));
	return NULL;
}

/* Each has a half of the tables. */
static const char *use(struct racer *racer)
{
	char *block = area + (2 * some(TABLES / 2) + racer->number) * TABLE_SPAN;
	uint64_t mark = racer->turns + 1;

	mark_pages(block, 4 * PAGE, mark);
	if (check_marks(block, 4 * PAGE, mark))
		return wrong("lost");
	switch (some(4)) {
	case 0:
		madvise(block, TABLE_SPAN, MADV_COLLAPSE);
		break;
	case 1:
		/* There and back */
		if (mremap(block, TABLE_SPAN, TABLE_SPAN, MREMAP_MAYMOVE | MREMAP_FIXED,
			   block + SIZE) != block + SIZE ||
		    mremap(block + SIZE, TABLE_SPAN, TABLE_SPAN, MREMAP_MAYMOVE | MREMAP_FIXED,
			   block) != block)
			return wrong("mremap: %m");
		break;
	case 2:
		if (!map_anon(block, TABLE_SPAN))
			return wrong("mmap: %m");
		return page_zero(block) ? NULL : wrong("what was unmapped is back");
	}
	if (check_marks(block, 4 * PAGE, mark))
		return wrong("lost");
	if (madvise(block, some(2) ? TABLE_SPAN : 4 * PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return NULL;
}

static const char *body(void *arg)
{
	struct racer racers[] = {
		{ RACER(use), .number = 0, .least = 20 },
		{ RACER(use), .number = 1, .least = 20 },
		{ RACER(hold), .least = 20 },
	};

	return race(racers, ARRAY_SIZE(racers));
}

TEST_F(table_refs, race)
{
	/* Small pages at first, but for who wants huge ones */
	ASSERT_NE(NULL, map_anon(area, SIZE));
	race_needs("references", taken, 20);
	race_needs("tables freed", freed, 20);
	EXPECT_HARMLESS(in_child(body, NULL));
	EXPECT_ALL_PUT(20);
}

TEST_HARNESS_MAIN
