// SPDX-License-Identifier: GPL-2.0
/*
 * Tables that are left empty by the unmapping of one VMA, and that munmap() must leave alone
 * for the sake of another in the same 2 MiB.
 */
#include "harness.h"

#include "account.h"
#include "tables.h"

#define TABLES	32
#define SIZE	(TABLES * TABLE_SPAN)
#define HALF	(TABLE_SPAN / 2)

FIXTURE(munmap)
{
	char *area;
};

FIXTURE_SETUP(munmap)
{
	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
	ASSERT_NE(NULL, map_anon(self->area, SIZE));
	account_open(&own_account, 0);
}

FIXTURE_TEARDOWN(munmap)
{
}

static void write_halves(char *area, size_t offset)
{
	int i;

	for (i = 0; i < TABLES; i++)
		write_pages(area + i * TABLE_SPAN + offset, HALF, HALF / 4);
}

static void unmap_halves(struct __test_metadata *_metadata, char *area, size_t offset)
{
	int i;

	for (i = 0; i < TABLES; i++)
		ASSERT_EQ(0, munmap(area + i * TABLE_SPAN + offset, HALF));
	ASSERT_EQ(0, entries_in(0, area, SIZE));
}

TEST_F(munmap, below_a_live_vma)
{
	write_halves(self->area, 0);
	ASSERT_TABLES_GREW(TABLES);
	unmap_halves(_metadata, self->area, 0);
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
	write_halves(self->area, HALF);
	EXPECT_EQ(TABLES, account_grew(&own_account));
}

TEST_F(munmap, above_a_live_vma)
{
	write_halves(self->area, HALF);
	ASSERT_TABLES_GREW(TABLES);
	unmap_halves(_metadata, self->area, HALF);
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
	write_halves(self->area, 0);
	EXPECT_EQ(TABLES, account_grew(&own_account));
}

/* The other VMA has its entries: the tables stay. */
TEST_F(munmap, beside_a_full_vma)
{
	int i;

	write_halves(self->area, 0);
	write_halves(self->area, HALF);
	ASSERT_TABLES_GREW(TABLES);
	for (i = 0; i < TABLES; i++)
		ASSERT_EQ(0, munmap(self->area + i * TABLE_SPAN, HALF));
	ASSERT_EQ(TABLES * 4, present_in(0, self->area, SIZE));
	EXPECT_KEPT(TABLES);
	for (i = 0; i < TABLES; i++)
		EXPECT_TRUE(check_pages(self->area + i * TABLE_SPAN + HALF, HALF, HALF / 4));
	unmap_halves(_metadata, self->area, HALF);
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* Mapping something else over it unmaps it as well. */
TEST_F(munmap, mapped_over)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
	int i;

	write_halves(self->area, 0);
	ASSERT_TABLES_GREW(TABLES);
	for (i = 0; i < TABLES; i++)
		ASSERT_NE(MAP_FAILED, mmap(self->area + i * TABLE_SPAN, HALF, PROT_NONE, flags,
					   -1, 0));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_HARNESS_MAIN
