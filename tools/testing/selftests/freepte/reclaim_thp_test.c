// SPDX-License-Identifier: GPL-2.0
/*
 * Tables that were kept in deposit for a huge page, and came into use when it was split.
 */
#include "harness.h"

#include "account.h"
#include "files.h"
#include "tables.h"

#define TABLES	4
#define SIZE	(TABLES * TABLE_SPAN)
#define PAGES	((long)(SIZE / PAGE))

FIXTURE(thp)
{
	char *area;
};

FIXTURE_SETUP(thp)
{
	char text[64];

	if (file_read("/sys/kernel/mm/transparent_hugepage/enabled", text, sizeof(text)) ||
	    strstr(text, "[never]"))
		SKIP(return, "no transparent huge pages");
	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
	ASSERT_NE(NULL, map_anon(self->area, SIZE));
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_HUGEPAGE));
	account_open(&own_account, 0);
}

FIXTURE_TEARDOWN(thp)
{
}

static void fill(struct __test_metadata *_metadata, char *area)
{
	write_pages(area, SIZE, TABLE_SPAN / 4);
	ASSERT_EQ(PAGES, huge_in(0, area, SIZE));
	/* One in deposit for each */
	ASSERT_TABLES_GREW(TABLES);
}

TEST_F(thp, whole)
{
	fill(_metadata, self->area);
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* The first piece splits it, the last leaves it empty. */
TEST_F(thp, pieces)
{
	fill(_metadata, self->area);
	ASSERT_EQ(0, madvise(self->area, PAGE, MADV_DONTNEED));
	ASSERT_EQ(PAGES - ENTRIES, huge_in(0, self->area, SIZE));
	ASSERT_EQ(ENTRIES - 1, present_in(0, self->area, TABLE_SPAN));
	ASSERT_EQ(0, advise_pieces(self->area, SIZE, TABLE_SPAN / 4, MADV_DONTNEED));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* Split by the protection of one page, which changes no number of entries */
TEST_F(thp, split)
{
	int i;

	fill(_metadata, self->area);
	for (i = 0; i < TABLES; i++)
		ASSERT_EQ(0, mprotect(self->area + i * TABLE_SPAN, PAGE, PROT_READ));
	ASSERT_EQ(0, huge_in(0, self->area, SIZE));
	ASSERT_EQ(PAGES, present_in(0, self->area, SIZE));
	EXPECT_KEPT(TABLES);
	EXPECT_TRUE(check_pages(self->area, SIZE, TABLE_SPAN / 4));
	ASSERT_EQ(0, advise_pieces(self->area, SIZE, TABLE_SPAN / 4, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* The huge zero page is split into 512 small ones. */
TEST_F(thp, zero_page)
{
	read_pages(self->area, SIZE, TABLE_SPAN);
	ASSERT_TABLES_GREW(TABLES);
	if (huge_in(0, self->area, SIZE) != PAGES)
		SKIP(return, "no huge zero page");
	ASSERT_EQ(0, madvise(self->area, PAGE, MADV_DONTNEED));
	ASSERT_EQ(ENTRIES - 1, present_in(0, self->area, TABLE_SPAN));
	ASSERT_EQ(0, advise_pieces(self->area, SIZE, TABLE_SPAN / 4, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_HARNESS_MAIN
