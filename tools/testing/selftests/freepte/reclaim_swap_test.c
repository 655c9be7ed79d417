// SPDX-License-Identifier: GPL-2.0
/*
 * Swap. The swap entry of an anonymous page stays in its table, which stays with it; that of
 * shared memory is in the page cache, and the table is left empty.
 */
#include "harness.h"

#include "account.h"
#include "cgroup.h"
#include "files.h"
#include "tables.h"
#include "uapi.h"
#include "zram.h"

#define TABLES	32
#define SIZE	(TABLES * TABLE_SPAN)
#define STEP	(TABLE_SPAN / 4)
#define PAGES	((long)(SIZE / STEP))

FIXTURE(swap)
{
	struct cgroup cgroup;
	struct zram zram;
	char *area;
};

FIXTURE_VARIANT(swap)
{
	bool memcg;
};

FIXTURE_VARIANT_ADD(swap, pageout)
{
	.memcg = false,
};

FIXTURE_VARIANT_ADD(swap, memcg_reclaim)
{
	.memcg = true,
};

FIXTURE_SETUP(swap)
{
	const char *reason;

	self->zram.number = -1;
	self->cgroup.path[0] = 0;
	reason = zram_swap_on(&self->zram, 64 << 20);
	if (!reason && variant->memcg)
		reason = cgroup_enter(&self->cgroup);
	if (reason) {
		zram_remove(&self->zram);
		SKIP(return, "%s", reason);
	}
	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
}

FIXTURE_TEARDOWN(swap)
{
	munmap(self->area, SIZE);
	cgroup_leave(&self->cgroup);
	zram_remove(&self->zram);
}

static void fill(struct __test_metadata *_metadata, char *area)
{
	account_open(&own_account, 0);
	write_pages(area, SIZE, STEP);
	ASSERT_EQ(PAGES, present_in(0, area, SIZE));
	ASSERT_TABLES_GREW(TABLES);
}

/* Whether all of it is out; some pages may be busy for a moment. */
static bool swap_out(struct cgroup *cgroup, char *area)
{
	int tries;

	if (cgroup->path[0])
		return cgroup_reclaim_area(cgroup, area, SIZE);
	for (tries = 0; tries < 20 && present_in(0, area, SIZE); tries++) {
		drop_page_cache();
		madvise(area, SIZE, MADV_PAGEOUT);
	}
	return !present_in(0, area, SIZE);
}

TEST_F(swap, shmem)
{
	ASSERT_NE(NULL, map_shared_anon(self->area, SIZE));
	fill(_metadata, self->area);
	ASSERT_TRUE(swap_out(&self->cgroup, self->area));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));

	EXPECT_TRUE(check_pages(self->area, SIZE, STEP));
	EXPECT_EQ(TABLES, account_grew(&own_account));
}

TEST_F(swap, anon)
{
	ASSERT_NE(NULL, map_anon(self->area, SIZE));
	fill(_metadata, self->area);
	ASSERT_TRUE(swap_out(&self->cgroup, self->area));
	ASSERT_EQ(PAGES, swapped_in(0, self->area, SIZE));
	EXPECT_KEPT(TABLES);
	EXPECT_TRUE(check_pages(self->area, SIZE, STEP));
	EXPECT_EQ(PAGES, present_in(0, self->area, SIZE));

	ASSERT_TRUE(swap_out(&self->cgroup, self->area));
	ASSERT_EQ(PAGES, swapped_in(0, self->area, SIZE));
	ASSERT_EQ(0, advise_pieces(self->area, SIZE, STEP, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_F(swap, swapoff)
{
	ASSERT_NE(NULL, map_anon(self->area, SIZE));
	fill(_metadata, self->area);
	ASSERT_TRUE(swap_out(&self->cgroup, self->area));
	ASSERT_EQ(PAGES, swapped_in(0, self->area, SIZE));
	/* Entries are replaced, and the tables may be empty for an instant. */
	ASSERT_EQ(0, zram_swap_off(&self->zram));
	ASSERT_EQ(PAGES, present_in(0, self->area, SIZE));
	EXPECT_KEPT(TABLES);
	EXPECT_TRUE(check_pages(self->area, SIZE, STEP));

	ASSERT_EQ(0, advise_pieces(self->area, SIZE, STEP, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_HARNESS_MAIN
