// SPDX-License-Identifier: GPL-2.0
/*
 * Tables that userfaultfd empties: sources of UFFDIO_MOVE, and markers of write protection.
 */
#include "harness.h"

#include "account.h"
#include "tables.h"
#include "uffd.h"

#define TABLES	8
#define SIZE	(TABLES * TABLE_SPAN)
#define PER	4

FIXTURE(uffd)
{
	int uffd;
	char *area;
};

FIXTURE_SETUP(uffd)
{
	self->uffd = -1;
	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
	ASSERT_NE(NULL, map_anon(self->area, SIZE));
}

FIXTURE_TEARDOWN(uffd)
{
	if (self->uffd >= 0)
		close(self->uffd);
}

/* Page by page into a single table */
TEST_F(uffd, move_source)
{
	char *to = arena(TABLE_SPAN);
	int i, j;

	ASSERT_NE(NULL, to);
	ASSERT_NE(NULL, map_anon(to, TABLE_SPAN));
	self->uffd = uffd_open(UFFD_FEATURE_MOVE);
	if (self->uffd < 0)
		SKIP(return, "no UFFDIO_MOVE");
	ASSERT_EQ(0, uffd_register(self->uffd, to, TABLE_SPAN, UFFDIO_REGISTER_MODE_MISSING));
	account_open(&own_account, 0);
	for (i = 0; i < TABLES; i++)
		write_pages(self->area + i * TABLE_SPAN, PER * PAGE, PAGE);
	ASSERT_TABLES_GREW(TABLES);
	for (i = 0; i < TABLES; i++)
		for (j = 0; j < PER; j++)
			ASSERT_EQ((long)PAGE, uffd_move(self->uffd, to + (i * PER + j) * PAGE,
							self->area + i * TABLE_SPAN + j * PAGE,
							PAGE, 0));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	ASSERT_EQ(TABLES * PER, present_in(0, to, TABLE_SPAN));
	EXPECT_EXCESS_0();
	EXPECT_EQ(1, account_grew(&own_account));
	for (i = 0; i < TABLES; i++)
		EXPECT_TRUE(check_pages(to + i * PER * PAGE, PER * PAGE, PAGE));
}

/* All of it in one call, holes and all */
TEST_F(uffd, move_source_with_holes)
{
	char *to = arena(SIZE);

	ASSERT_NE(NULL, to);
	ASSERT_NE(NULL, map_anon(to, SIZE));
	self->uffd = uffd_open(UFFD_FEATURE_MOVE);
	if (self->uffd < 0)
		SKIP(return, "no UFFDIO_MOVE");
	ASSERT_EQ(0, uffd_register(self->uffd, to, SIZE, UFFDIO_REGISTER_MODE_MISSING));
	account_open(&own_account, 0);
	write_pages(self->area, SIZE, TABLE_SPAN / 4);
	ASSERT_TABLES_GREW(TABLES);
	ASSERT_EQ((long)SIZE, uffd_move(self->uffd, to, self->area, SIZE,
					UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	ASSERT_EQ(4 * TABLES, present_in(0, to, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(TABLES, account_grew(&own_account));
	EXPECT_TRUE(check_pages(to, SIZE, TABLE_SPAN / 4));
}

/* Write protection of what is not there: a marker in each entry of a page in each table */
static void set_markers(struct __test_metadata *_metadata, int uffd, char *area)
{
	int i;

	ASSERT_EQ(0, uffd_register(uffd, area, SIZE, UFFDIO_REGISTER_MODE_WP));
	account_open(&own_account, 0);
	for (i = 0; i < TABLES; i++)
		ASSERT_EQ(0, uffd_protect(uffd, area + i * TABLE_SPAN, PER * PAGE, 1));
	ASSERT_EQ(TABLES * PER, swapped_in(0, area, SIZE));
	ASSERT_TABLES_GREW(TABLES);
	EXPECT_KEPT(TABLES);
}

TEST_F(uffd, markers_removed)
{
	int i;

	self->uffd = uffd_open(UFFD_FEATURE_WP_UNPOPULATED);
	if (self->uffd < 0)
		SKIP(return, "no markers (UFFD_FEATURE_WP_UNPOPULATED)");
	set_markers(_metadata, self->uffd, self->area);
	for (i = 0; i < TABLES; i++)
		ASSERT_EQ(0, uffd_protect(self->uffd, self->area + i * TABLE_SPAN, PER * PAGE, 0));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_F(uffd, markers_unregistered)
{
	self->uffd = uffd_open(UFFD_FEATURE_WP_UNPOPULATED);
	if (self->uffd < 0)
		SKIP(return, "no markers (UFFD_FEATURE_WP_UNPOPULATED)");
	set_markers(_metadata, self->uffd, self->area);
	ASSERT_EQ(0, uffd_unregister(self->uffd, self->area, SIZE));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* A page of shared memory that was write-protected leaves a marker when it is zapped. */
TEST_F(uffd, markers_of_shmem)
{
	self->uffd = uffd_open(UFFD_FEATURE_WP_HUGETLBFS_SHMEM);
	if (self->uffd < 0)
		SKIP(return, "no markers (UFFD_FEATURE_WP_HUGETLBFS_SHMEM)");
	ASSERT_NE(NULL, map_shared_anon(self->area, SIZE));
	ASSERT_EQ(0, uffd_register(self->uffd, self->area, SIZE, UFFDIO_REGISTER_MODE_WP));
	account_open(&own_account, 0);
	write_pages(self->area, SIZE, TABLE_SPAN / PER);
	ASSERT_TABLES_GREW(TABLES);
	ASSERT_EQ(0, uffd_protect(self->uffd, self->area, SIZE, 1));
	ASSERT_EQ(0, advise_pieces(self->area, SIZE, TABLE_SPAN / PER, MADV_DONTNEED));
	ASSERT_EQ(0, present_in(0, self->area, SIZE));
	ASSERT_LE(TABLES * PER, swapped_in(0, self->area, SIZE));
	EXPECT_KEPT(TABLES);
	ASSERT_EQ(0, uffd_protect(self->uffd, self->area, SIZE, 0));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_HARNESS_MAIN
