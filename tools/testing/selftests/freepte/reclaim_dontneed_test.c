// SPDX-License-Identifier: GPL-2.0
/*
 * Tables that MADV_DONTNEED empties: at once, and piece by piece.
 */
#include "harness.h"

#include "account.h"
#include "tables.h"

#define TABLES	64
#define SIZE	(TABLES * TABLE_SPAN)

FIXTURE(dontneed)
{
	char *area;
};

FIXTURE_SETUP(dontneed)
{
	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
	ASSERT_NE(NULL, map_anon(self->area, SIZE));
	account_open(&own_account, 0);
}

FIXTURE_TEARDOWN(dontneed)
{
}

/* What PT_RECLAIM does as well */
TEST_F(dontneed, whole)
{
	write_pages(self->area, SIZE, TABLE_SPAN);
	ASSERT_TABLES_GREW(TABLES);
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* Each table by itself, the last first */
TEST_F(dontneed, whole_backwards)
{
	int i;

	write_pages(self->area, SIZE, TABLE_SPAN / 8);
	ASSERT_TABLES_GREW(TABLES);
	for (i = TABLES - 1; i >= 0; i--)
		ASSERT_EQ(0, madvise(self->area + i * TABLE_SPAN, TABLE_SPAN, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_F(dontneed, pieces_64k)
{
	write_pages(self->area, SIZE, TABLE_SPAN / 8);
	ASSERT_TABLES_GREW(TABLES);
	ASSERT_EQ(0, advise_pieces(self->area, SIZE, 64 << 10, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_F(dontneed, pieces_4k)
{
	const int tables = 8;
	const size_t size = tables * TABLE_SPAN;

	write_pages(self->area, size, TABLE_SPAN / 64);
	ASSERT_TABLES_GREW(tables);
	ASSERT_EQ(0, advise_pieces(self->area, size, PAGE, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* The zero page is an entry like any other. */
TEST_F(dontneed, zero_page)
{
	read_pages(self->area, SIZE, TABLE_SPAN / 4);
	ASSERT_TABLES_GREW(TABLES);
	ASSERT_EQ(0, advise_pieces(self->area, SIZE, TABLE_SPAN / 4, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* One page that is left keeps its table. */
TEST_F(dontneed, all_but_one)
{
	int i;

	write_pages(self->area, SIZE, TABLE_SPAN / 8);
	ASSERT_TABLES_GREW(TABLES);
	for (i = 0; i < TABLES; i++)
		ASSERT_EQ(0, madvise(self->area + i * TABLE_SPAN + PAGE, TABLE_SPAN - PAGE,
				     MADV_DONTNEED));
	ASSERT_EQ(TABLES, present_in(0, self->area, SIZE));
	EXPECT_KEPT(TABLES);
	EXPECT_TRUE(check_pages(self->area, PAGE, PAGE));
	for (i = 0; i < TABLES; i++)
		ASSERT_EQ(0, madvise(self->area + i * TABLE_SPAN, PAGE, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* Memory that comes back to a freed table's place is new, and can be freed again. */
TEST_F(dontneed, again_and_again)
{
	int round;

	for (round = 0; round < 3; round++) {
		read_pages(self->area, SIZE, TABLE_SPAN / 2);
		write_pages(self->area, SIZE, TABLE_SPAN);
		ASSERT_TRUE(check_pages(self->area, SIZE, TABLE_SPAN));
		ASSERT_EQ(0, self->area[TABLE_SPAN / 2]);
		ASSERT_TABLES_GREW(TABLES);
		ASSERT_EQ(0, advise_pieces(self->area, SIZE, TABLE_SPAN / 2, MADV_DONTNEED));
		EXPECT_EXCESS_0();
		ASSERT_EQ(0, account_grew(&own_account));
	}
}

TEST_HARNESS_MAIN
