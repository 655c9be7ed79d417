// SPDX-License-Identifier: GPL-2.0
/*
 * Tables that held nothing but guard regions, which were removed.
 */
#include "harness.h"

#include "account.h"
#include "tables.h"
#include "uapi.h"

#define TABLES	32
#define SIZE	(TABLES * TABLE_SPAN)
#define GUARDS	4

FIXTURE(guard)
{
	char *area;
};

FIXTURE_SETUP(guard)
{
	int i, err;

	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
	ASSERT_NE(NULL, map_anon(self->area, SIZE));
	account_open(&own_account, 0);
	for (i = 0; i < TABLES; i++) {
		err = madvise(self->area + i * TABLE_SPAN, GUARDS * PAGE, MADV_GUARD_INSTALL);
		if (err && errno == EINVAL)
			SKIP(return, "no MADV_GUARD_INSTALL");
		ASSERT_EQ(0, err);
	}
	ASSERT_TABLES_GREW(TABLES);
}

FIXTURE_TEARDOWN(guard)
{
}

/* Guards are no pages: nothing but their removal takes them away, nor their tables. */
TEST_F(guard, kept)
{
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_DONTNEED));
	EXPECT_KEPT(TABLES);
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_GUARD_REMOVE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_F(guard, removed_at_once)
{
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_GUARD_REMOVE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
	write_pages(self->area, SIZE, TABLE_SPAN);
	EXPECT_TRUE(check_pages(self->area, SIZE, TABLE_SPAN));
}

TEST_F(guard, removed_in_pieces)
{
	int i;

	for (i = 0; i < TABLES; i++)
		ASSERT_EQ(0, advise_pieces(self->area + i * TABLE_SPAN, GUARDS * PAGE, PAGE,
					   MADV_GUARD_REMOVE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_HARNESS_MAIN
