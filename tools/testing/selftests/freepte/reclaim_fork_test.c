// SPDX-License-Identifier: GPL-2.0
/*
 * A process and the child that it forked: each has tables of its own, and empties its own only.
 */
#include "harness.h"

#include "account.h"
#include "files.h"
#include "knobs.h"
#include "peer.h"
#include "tables.h"

#define TABLES	32
/* So few that the ring of hints is not half full, when the delay is cut short */
#define FEW	12
#define SIZE	(TABLES * TABLE_SPAN)
#define STEP	(TABLE_SPAN / 8)
#define PAGES	((long)(SIZE / STEP))

FIXTURE(fork)
{
	struct account child;
	struct peer peer;
	char *area;
};

FIXTURE_SETUP(fork)
{
	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
	ASSERT_NE(NULL, map_anon(self->area, SIZE));
	account_open(&own_account, 0);
}

FIXTURE_TEARDOWN(fork)
{
	peer_stop(&self->peer);
	knobs_restore();
}

static long give_back(void *area)
{
	return advise_pieces(area, SIZE, STEP, MADV_DONTNEED);
}

static long check(void *area)
{
	return check_pages(area, SIZE, STEP);
}

static long fill(void *area)
{
	write_pages(area, SIZE, STEP);
	return check_pages(area, SIZE, STEP);
}

/* A child with all the pages that its parent has; what it held then is where it starts from. */
static void begin(struct __test_metadata *_metadata, FIXTURE_DATA(fork) * self)
{
	write_pages(self->area, SIZE, STEP);
	ASSERT_TABLES_GREW(TABLES);
	ASSERT_EQ(0, peer_start(&self->peer));
	ASSERT_EQ(true, peer_call(&self->peer, check, self->area));
	ASSERT_EQ(PAGES, entries_in(self->peer.pid, self->area, SIZE));
	account_open(&self->child, self->peer.pid);
	ASSERT_EQ(own_account.base, self->child.base);
}

TEST_F(fork, child_empties)
{
	begin(_metadata, self);
	ASSERT_EQ(0, peer_call(&self->peer, give_back, self->area));
	ASSERT_EQ(0, entries_in(self->peer.pid, self->area, SIZE));
	EXPECT_EXCESS_0_OF(&self->child);
	EXPECT_EQ(-TABLES, account_grew(&self->child));

	EXPECT_EQ(PAGES, entries_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(TABLES, account_grew(&own_account));
	EXPECT_TRUE(check_pages(self->area, SIZE, STEP));
}

TEST_F(fork, parent_empties)
{
	begin(_metadata, self);
	ASSERT_EQ(0, give_back(self->area));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));

	EXPECT_EQ(PAGES, entries_in(self->peer.pid, self->area, SIZE));
	EXPECT_EXCESS_0_OF(&self->child);
	EXPECT_EQ(0, account_grew(&self->child));
	EXPECT_EQ(true, peer_call(&self->peer, check, self->area));
}

/* Both at once, each its half; then all is filled again. */
TEST_F(fork, each_a_half)
{
	const size_t half = SIZE / 2;

	begin(_metadata, self);
	write_pages(self->area + half, half, STEP);
	ASSERT_EQ(0, advise_pieces(self->area, half, STEP, MADV_DONTNEED));
	ASSERT_EQ(0, peer_call(&self->peer, give_back, self->area));
	EXPECT_EXCESS_0();
	EXPECT_EXCESS_0_OF(&self->child);
	EXPECT_EQ(TABLES / 2, account_grew(&own_account));
	EXPECT_EQ(-TABLES, account_grew(&self->child));
	EXPECT_TRUE(check_pages(self->area + half, half, STEP));

	EXPECT_EQ(true, peer_call(&self->peer, fill, self->area));
	EXPECT_EQ(0, account_grew(&self->child));
	EXPECT_EXCESS_0_OF(&self->child);
}

/* Tables that are empty, and about to be freed, when their owner forks */
TEST_F(fork, when_just_emptied)
{
	for (;;) {
		write_pages(self->area, FEW * TABLE_SPAN, STEP);
		ASSERT_TABLES_GREW(FEW);
		ASSERT_EQ(0, advise_pieces(self->area, FEW * TABLE_SPAN, STEP, MADV_DONTNEED));
		ASSERT_EQ(0, peer_start(&self->peer));
		if (account_grew(&own_account) == FEW)
			break;
		peer_stop(&self->peer);
		EXPECT_EXCESS_0();
		ASSERT_TRUE(reclaimer_delay_more());
	}
	self->child = own_account;
	self->child.pid = self->peer.pid;
	EXPECT_EXCESS_0_OF(&self->child);
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
	EXPECT_EQ(0, entries_in(self->peer.pid, self->area, SIZE));
}

/* Pages that both map go from the tables of both when their file is cut. */
TEST_F(fork, shared_file_is_cut)
{
	int fd = shmem_file(SIZE);

	ASSERT_LE(0, fd);
	ASSERT_NE(NULL, map_file(self->area, SIZE, fd, MAP_SHARED));
	write_pages(self->area, SIZE, STEP);
	ASSERT_TABLES_GREW(TABLES);
	ASSERT_EQ(0, peer_start(&self->peer));
	/* fork() does not copy what a fault can find again. */
	ASSERT_EQ(true, peer_call(&self->peer, check, self->area));
	ASSERT_LE(PAGES, entries_in(self->peer.pid, self->area, SIZE));
	account_open(&self->child, self->peer.pid);
	ASSERT_EQ(own_account.base, self->child.base);

	ASSERT_EQ(0, ftruncate(fd, 0));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	ASSERT_EQ(0, entries_in(self->peer.pid, self->area, SIZE));
	EXPECT_EXCESS_0_OF(&self->child);
	EXPECT_EXCESS_0();
	EXPECT_EQ(-TABLES, account_grew(&self->child));
	EXPECT_EQ(0, account_grew(&own_account));
	close(fd);
}

TEST_HARNESS_MAIN
