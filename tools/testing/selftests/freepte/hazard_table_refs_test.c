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
#include "kselftest_harness.h"

#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "hazard.h"
#include "hold.h"
#include "knobs.h"
#include "tables.h"
#include "uapi.h"

#define TABLES	4
#define SIZE	(TABLES * TABLE_SPAN)
#define LONG	400	/* ms */

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
	ASSERT_EQ(0, madvise(area, SIZE, MADV_NOHUGEPAGE));
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

#define EXPECT_ALL_PUT() do {								\
	EXPECT_TRUE(holds_wait(scaled_ms(4 * LONG)));					\
	EXPECT_EQ(NULL, complaint());							\
} while (0)

/* Emptied in both ways, it stays until it is put, and goes then by itself. */
TEST_F_TIMEOUT(table_refs, keeps_an_empty_table, HAZARD_TIMEOUT)
{
	int round;

	for (round = 0; round < 2; round++) {
		mark_page(area, 1);
		ASSERT_TABLES_GREW(1);
		ASSERT_EQ(0, hold_table(0, area, scaled_ms(LONG)));
		ASSERT_EQ(round + 1, taken());
		ASSERT_EQ(0, madvise(area, round ? TABLE_SPAN : PAGE, MADV_DONTNEED));
		sleep_ms(LONG / 4);
		EXPECT_EQ(1, account_grew(&own_account));
		EXPECT_ALL_PUT();
		EXPECT_EXCESS_0();
		EXPECT_EQ(0, account_grew(&own_account));
	}
}

/* Filled again while it is held, it is used as ever. */
TEST_F_TIMEOUT(table_refs, is_filled_again, HAZARD_TIMEOUT)
{
	mark_page(area, 1);
	ASSERT_EQ(0, hold_table(0, area, scaled_ms(LONG)));
	ASSERT_EQ(0, madvise(area, TABLE_SPAN, MADV_DONTNEED));
	mark_page(area + PAGE, 2);
	EXPECT_TRUE(page_zero(area));
	EXPECT_ALL_PUT();
	EXPECT_TRUE(page_marked(area + PAGE, 2));
	EXPECT_EQ(1, account_grew(&own_account));
}

TEST_F_TIMEOUT(table_refs, no_table, HAZARD_TIMEOUT)
{
	EXPECT_GT(0, hold_table(0, area, 1));
	EXPECT_EQ(0, taken());
	EXPECT_ALL_PUT();
}

/* The mapping goes, the memory stays until it is put. */
TEST_F_TIMEOUT(table_refs, unmapped, HAZARD_TIMEOUT)
{
	mark_page(area, 1);
	ASSERT_EQ(0, hold_table(0, area, scaled_ms(LONG)));
	ASSERT_NE(NULL, map_anon(area + SIZE, TABLE_SPAN));
	ASSERT_EQ(0, munmap(area, TABLE_SPAN));
	EXPECT_EQ(0, account_grew(&own_account));
	EXPECT_ALL_PUT();
}

TEST_F_TIMEOUT(table_refs, process_ended, HAZARD_TIMEOUT)
{
	int status;
	pid_t pid;

	mark_page(area, 1);
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid)
		_exit(!!hold_table(0, area, scaled_ms(LONG)));
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_EQ(0, status);
	EXPECT_EQ(1, taken());
	EXPECT_ALL_PUT();
}

/* In deposit behind a huge page, and back, or freed from there */
TEST_F_TIMEOUT(table_refs, collapsed, HAZARD_TIMEOUT)
{
	int round;

	for (round = 0; round < 2; round++) {
		ASSERT_EQ(0, madvise(area, SIZE, MADV_NOHUGEPAGE));
		mark_page(area, round + 1);
		ASSERT_EQ(0, hold_table(0, area, scaled_ms(LONG)));
		ASSERT_EQ(0, madvise(area, SIZE, MADV_HUGEPAGE));
		if (madvise(area, TABLE_SPAN, MADV_COLLAPSE))
			SKIP(return, "MADV_COLLAPSE: %m");
		EXPECT_TRUE(page_marked(area, round + 1));
		/* A split takes it out of the deposit. */
		ASSERT_EQ(0, madvise(area + PAGE, (round ? 1 : ENTRIES - 1) * PAGE, MADV_DONTNEED));
		EXPECT_TRUE(page_marked(area, round + 1));
		ASSERT_EQ(0, madvise(area, TABLE_SPAN, MADV_DONTNEED));
		EXPECT_ALL_PUT();
		EXPECT_EXCESS_0();
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
		{ .turn = use, .number = 0 },
		{ .turn = use, .number = 1 },
		{ .turn = hold },
	};

	return race(racers, ARRAY_SIZE(racers), HAZARD_MS);
}

TEST_F_TIMEOUT(table_refs, race, HAZARD_TIMEOUT)
{
	/* Small pages at first, but for who wants huge ones */
	ASSERT_NE(NULL, map_anon(area, SIZE));
	EXPECT_HARMLESS(in_child(body, NULL));
	TH_LOG("%ld references, %ld tables freed", taken(), freed());
	EXPECT_LE(5, taken());
	EXPECT_FREED(5);
	EXPECT_ALL_PUT();
}

TEST_HARNESS_MAIN
