// SPDX-License-Identifier: GPL-2.0
/*
 * Tables whose pages were merged with others by KSM, which replaces entries.
 */
#include "harness.h"

#include "account.h"
#include "files.h"
#include "ksm.h"
#include "tables.h"

#define TABLES	8
#define SIZE	(TABLES * TABLE_SPAN)
#define STEP	(TABLE_SPAN / 4)
#define PAGES	((long)(SIZE / STEP))

FIXTURE(ksm)
{
	char *area;
};

FIXTURE_SETUP(ksm)
{
	struct deadline deadline;
	unsigned int i;

	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
	ASSERT_NE(NULL, map_anon(self->area, SIZE));
	account_open(&own_account, 0);
	for (i = 0; i < PAGES; i++)
		memset(self->area + i * STEP, 'k', PAGE);
	ASSERT_TABLES_GREW(TABLES);
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_MERGEABLE));
	if (!ksm_start())
		SKIP(return, "no KSM (CONFIG_KSM)");
	deadline_set(&deadline, RACE_MS);
	while (ksm_merging() < PAGES - 1 && deadline_wait(&deadline))
		;
	ksm_stop();
	ASSERT_LE(PAGES - 1, ksm_merging());
}

FIXTURE_TEARDOWN(ksm)
{
	ksm_restore();
}

static bool intact(const char *area)
{
	long i;

	for (i = 0; i < PAGES; i++)
		if (area[i * STEP] != 'k' || area[i * STEP + PAGE - 1] != 'k')
			return false;
	return true;
}

TEST_F(ksm, merged)
{
	ASSERT_EQ(PAGES, present_in(0, self->area, SIZE));
	EXPECT_KEPT(TABLES);
	EXPECT_TRUE(intact(self->area));
	ASSERT_EQ(0, advise_pieces(self->area, SIZE, STEP, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* Each gets a page of its own again. */
TEST_F(ksm, unmerged)
{
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_UNMERGEABLE));
	/* That leaves the counting to the next scan, of which there is none. */
	ASSERT_EQ(0, file_write("/sys/kernel/mm/ksm/run", "2"));
	ASSERT_EQ(0, ksm_merging());
	ASSERT_EQ(PAGES, present_in(0, self->area, SIZE));
	EXPECT_KEPT(TABLES);
	EXPECT_TRUE(intact(self->area));
	ASSERT_EQ(0, advise_pieces(self->area, SIZE, STEP, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_HARNESS_MAIN
