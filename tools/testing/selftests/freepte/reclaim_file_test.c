// SPDX-License-Identifier: GPL-2.0
/*
 * Tables that map a file on ext4 whose page cache is reclaimed.
 */
#include "harness.h"

#include <fcntl.h>

#include "account.h"
#include "cgroup.h"
#include "ext4.h"
#include "files.h"
#include "tables.h"
#include "uapi.h"

#define TABLES	32
#define SIZE	(TABLES * TABLE_SPAN)

FIXTURE(file)
{
	struct cgroup cgroup;
	struct ext4 ext4;
	int fd;
	char *area;
};

FIXTURE_SETUP(file)
{
	const char *reason;
	int i;

	self->cgroup.path[0] = 0;
	reason = ext4_make(&self->ext4, 16 << 20);
	if (reason)
		SKIP(return, "%s", reason);
	self->fd = ext4_file(&self->ext4, SIZE, TABLE_SPAN);
	ASSERT_LE(0, self->fd);
	reason = cgroup_enter(&self->cgroup);
	if (reason)
		SKIP(return, "%s", reason);
	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
	ASSERT_NE(NULL, map_file(self->area, SIZE, self->fd, MAP_SHARED));
	/* No readahead: the pages that are touched, and no more */
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_RANDOM));
	account_open(&own_account, 0);
	for (i = 0; i < TABLES; i++)
		ASSERT_EQ(i + 1, self->area[i * TABLE_SPAN]);
	ASSERT_TABLES_GREW(TABLES);
}

FIXTURE_TEARDOWN(file)
{
	munmap(self->area, SIZE);
	cgroup_leave(&self->cgroup);
	close(self->fd);
	ext4_remove(&self->ext4);
}

static int in_page_cache(char *area)
{
	static unsigned char pages[SIZE / PAGE];
	unsigned int i;
	int count = 0;

	if (mincore(area, SIZE, pages))
		return -1;
	for (i = 0; i < SIZE / PAGE; i++)
		count += pages[i] & 1;
	return count;
}

static void expect_empty(struct __test_metadata *_metadata, char *area)
{
	int i;

	ASSERT_EQ(0, entries_in(0, area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
	for (i = 0; i < TABLES; i++)
		ASSERT_EQ(i + 1, area[i * TABLE_SPAN]);
}

TEST_F(file, pageout)
{
	int tries;

	for (tries = 0; tries < 20 && present_in(0, self->area, SIZE); tries++) {
		ASSERT_EQ(0, drop_page_cache());
		ASSERT_EQ(0, madvise(self->area, SIZE, MADV_PAGEOUT));
	}
	EXPECT_EQ(0, in_page_cache(self->area));
	expect_empty(_metadata, self->area);
}

/* What an unlucky process sees when its cgroup has not enough memory */
TEST_F(file, memcg_reclaim)
{
	ASSERT_TRUE(cgroup_reclaim_area(&self->cgroup, self->area, SIZE));
	EXPECT_EQ(0, in_page_cache(self->area));
	expect_empty(_metadata, self->area);
}

/*
 * drop_caches leaves alone what is mapped. What does take it away is to unmap it first, which
 * MADV_DONTNEED does and the mapping stays.
 */
TEST_F(file, drop_caches)
{
	ASSERT_EQ(0, drop_page_cache());
	ASSERT_EQ(TABLES, present_in(0, self->area, SIZE));
	EXPECT_KEPT(TABLES);
	ASSERT_EQ(0, advise_pieces(self->area, SIZE, TABLE_SPAN / 4, MADV_DONTNEED));
	ASSERT_EQ(0, drop_page_cache());
	EXPECT_EQ(0, in_page_cache(self->area));
	expect_empty(_metadata, self->area);
}

/* Pages that are dirty are written back before they go. */
TEST_F(file, dirty_pageout)
{
	int i, tries;

	for (i = 0; i < TABLES; i++)
		self->area[i * TABLE_SPAN + 1] = 100;
	ASSERT_EQ(0, fsync(self->fd));
	for (tries = 0; tries < 20 && present_in(0, self->area, SIZE); tries++) {
		ASSERT_EQ(0, drop_page_cache());
		ASSERT_EQ(0, madvise(self->area, SIZE, MADV_PAGEOUT));
	}
	expect_empty(_metadata, self->area);
	for (i = 0; i < TABLES; i++)
		ASSERT_EQ(100, self->area[i * TABLE_SPAN + 1]);
}

TEST_HARNESS_MAIN
