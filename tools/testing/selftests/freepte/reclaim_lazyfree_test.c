// SPDX-License-Identifier: GPL-2.0
/*
 * Tables whose pages were given back by MADV_FREE and then reclaimed.
 */
#include "harness.h"

#include "account.h"
#include "cgroup.h"
#include "files.h"
#include "tables.h"
#include "uapi.h"

#define TABLES	32
#define SIZE	(TABLES * TABLE_SPAN)
#define STEP	(TABLE_SPAN / 4)
#define PAGES	((long)(SIZE / STEP))

FIXTURE(lazyfree)
{
	struct cgroup cgroup;
	char *area;
};

FIXTURE_SETUP(lazyfree)
{
	const char *reason = cgroup_enter(&self->cgroup);

	if (reason)
		SKIP(return, "%s", reason);
	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
	ASSERT_NE(NULL, map_anon(self->area, SIZE));
	account_open(&own_account, 0);
	write_pages(self->area, SIZE, STEP);
	ASSERT_TABLES_GREW(TABLES);
	/* Pages that wait in the CPUs' batches are not freed lazily: drain them. */
	ASSERT_EQ(0, drop_page_cache());
}

FIXTURE_TEARDOWN(lazyfree)
{
	cgroup_leave(&self->cgroup);
}

TEST_F(lazyfree, memcg_reclaim)
{
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_FREE));
	/* Nothing happens before the memory is wanted. */
	ASSERT_EQ(PAGES, present_in(0, self->area, SIZE));
	ASSERT_TABLES_GREW(TABLES);
	ASSERT_TRUE(cgroup_reclaim_area(&self->cgroup, self->area, SIZE));
	ASSERT_EQ(0, swapped_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_F(lazyfree, pageout)
{
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_FREE));
	ASSERT_EQ(PAGES, present_in(0, self->area, SIZE));
	ASSERT_EQ(0, drop_page_cache());
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_PAGEOUT));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* What is written again meanwhile is kept, and its table. */
TEST_F(lazyfree, written_again)
{
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_FREE));
	write_pages(self->area, SIZE / 2, TABLE_SPAN);
	cgroup_reclaim_area(&self->cgroup, self->area + SIZE / 2, SIZE / 2);
	ASSERT_EQ(0, entries_in(0, self->area + SIZE / 2, SIZE / 2));
	EXPECT_EXCESS_0();
	EXPECT_EQ(TABLES / 2, account_grew(&own_account));
	EXPECT_TRUE(check_pages(self->area, SIZE / 2, TABLE_SPAN));
}

TEST_HARNESS_MAIN
