// SPDX-License-Identifier: GPL-2.0
/*
 * mremap(): tables whose entries are moved away one by one, and empty tables that are moved.
 */
#include "harness.h"

#include "account.h"
#include "knobs.h"
#include "tables.h"

/* Few enough that the reclaimer does not start before its time */
#define TABLES	8
#define SIZE	(TABLES * TABLE_SPAN)
#define PER	16

#ifndef MREMAP_DONTUNMAP
#define MREMAP_DONTUNMAP 4
#endif

FIXTURE(mremap)
{
	char *from;
	char *to;
};

FIXTURE_SETUP(mremap)
{
	self->from = arena(SIZE);
	self->to = arena(SIZE);
	ASSERT_NE(NULL, self->from);
	ASSERT_NE(NULL, self->to);
	ASSERT_NE(NULL, map_anon(self->from, SIZE));
	account_open(&own_account, 0);
}

FIXTURE_TEARDOWN(mremap)
{
	knobs_restore();
}

static bool move(char *from, char *to, size_t size, int flags)
{
	return mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED | flags, to) == to;
}

/* The first pages of each table, one after the other, into a single table */
TEST_F(mremap, page_by_page)
{
	int i, j;

	for (i = 0; i < TABLES; i++)
		write_pages(self->from + i * TABLE_SPAN, PER * PAGE, PAGE);
	ASSERT_TABLES_GREW(TABLES);
	for (i = 0; i < TABLES; i++)
		for (j = 0; j < PER; j++)
			ASSERT_TRUE(move(self->from + i * TABLE_SPAN + j * PAGE,
					 self->to + (i * PER + j) * PAGE, PAGE, 0));
	ASSERT_EQ(0, entries_in(0, self->from, SIZE));
	ASSERT_EQ(TABLES * PER, present_in(0, self->to, TABLE_SPAN));
	EXPECT_EXCESS_0();
	EXPECT_EQ(1, account_grew(&own_account));
	for (i = 0; i < TABLES; i++)
		EXPECT_TRUE(check_pages(self->to + i * PER * PAGE, PER * PAGE, PAGE));
}

/* The old place stays mapped. */
TEST_F(mremap, dontunmap)
{
	write_pages(self->from, SIZE, TABLE_SPAN / 4);
	ASSERT_TABLES_GREW(TABLES);
	ASSERT_TRUE(move(self->from, self->to, SIZE, MREMAP_DONTUNMAP));
	ASSERT_EQ(0, entries_in(0, self->from, SIZE));
	ASSERT_EQ(4 * TABLES, present_in(0, self->to, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(TABLES, account_grew(&own_account));
	EXPECT_TRUE(check_pages(self->to, SIZE, TABLE_SPAN / 4));
}

/* Not aligned to each other: entries are moved, of each table into two. */
TEST_F(mremap, askew)
{
	write_pages(self->from, SIZE, TABLE_SPAN);
	ASSERT_TABLES_GREW(TABLES);
	ASSERT_TRUE(move(self->from, self->to + TABLE_SPAN - PAGE, SIZE, MREMAP_DONTUNMAP));
	ASSERT_EQ(TABLES, present_in(0, self->to, SIZE + TABLE_SPAN));
	EXPECT_EXCESS_0();
	EXPECT_EQ(TABLES, account_grew(&own_account));
	EXPECT_TRUE(check_pages(self->to + TABLE_SPAN - PAGE, SIZE, TABLE_SPAN));
}

static void make_empty(struct __test_metadata *_metadata, char *area)
{
	write_pages(area, SIZE, TABLE_SPAN / 4);
	ASSERT_TABLES_GREW(TABLES);
	ASSERT_EQ(0, advise_pieces(area, SIZE, TABLE_SPAN / 4, MADV_DONTNEED));
	ASSERT_EQ(0, entries_in(0, area, SIZE));
}

/*
 * Move tables that are empty, before they are freed for that. On a machine that is too slow to do
 * this within the delay, no such table is left: try again with a longer one.
 */
static void move_empty(struct __test_metadata *_metadata, char *from, char *to, size_t size)
{
	for (;;) {
		make_empty(_metadata, from);
		ASSERT_TRUE(move(from, to, size, 0));
		if (account_grew(&own_account) == TABLES)
			break;
		EXPECT_EXCESS_0();
		ASSERT_TRUE(move(to, from, size, 0));
		ASSERT_TRUE(reclaimer_delay_more());
	}
}

/* Empty tables are moved whole by their PMD entries; the hints speak of where they were. */
TEST_F(mremap, empty_tables)
{
	move_empty(_metadata, self->from, self->to, SIZE);
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* The same, and something else comes to where they were. */
TEST_F(mremap, empty_tables_replaced)
{
	move_empty(_metadata, self->from, self->to, SIZE);
	ASSERT_NE(NULL, map_anon(self->from, SIZE));
	write_pages(self->from, SIZE, TABLE_SPAN);
	EXPECT_EXCESS_0();
	EXPECT_EQ(TABLES, account_grew(&own_account));
	EXPECT_TRUE(check_pages(self->from, SIZE, TABLE_SPAN));
}

/* Full tables that are moved and emptied at their new place */
TEST_F(mremap, emptied_after)
{
	write_pages(self->from, SIZE, TABLE_SPAN / 4);
	ASSERT_TRUE(move(self->from, self->to, SIZE, 0));
	ASSERT_EQ(4 * TABLES, present_in(0, self->to, SIZE));
	ASSERT_TRUE(check_pages(self->to, SIZE, TABLE_SPAN / 4));
	ASSERT_TABLES_GREW(TABLES);
	ASSERT_EQ(0, advise_pieces(self->to, SIZE, TABLE_SPAN / 4, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* A whole PMD table with empty PTE tables below it, moved by its PUD entry */
TEST_F(mremap, empty_tables_1gib)
{
	char *from = reserve_gib();
	char *to = reserve_gib();

	ASSERT_NE(NULL, from);
	ASSERT_NE(NULL, to);
	ASSERT_NE(NULL, map_anon(from, PMD_TABLE_SPAN));
	/* The PMD table is needed all the time. */
	from[PMD_TABLE_SPAN - PAGE] = 3;
	account_open(&own_account, 0);
	move_empty(_metadata, from, to, PMD_TABLE_SPAN);
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
	EXPECT_EQ(3, to[PMD_TABLE_SPAN - PAGE]);
}

TEST_HARNESS_MAIN
