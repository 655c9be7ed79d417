// SPDX-License-Identifier: GPL-2.0
/*
 * process_madvise(): of another process, which can be made to page out, and of one's own memory.
 */
#include "harness.h"

#include <sys/syscall.h>
#include <sys/uio.h>

#include "account.h"
#include "ext4.h"
#include "files.h"
#include "peer.h"
#include "tables.h"
#include "uapi.h"
#include "zram.h"

#define TABLES	32
#define SIZE	(TABLES * TABLE_SPAN)
#define STEP	(TABLE_SPAN / 4)
#define PAGES	((long)(SIZE / STEP))

#ifndef __NR_pidfd_open
#define __NR_pidfd_open		434
#endif
#ifndef __NR_process_madvise
#define __NR_process_madvise	440
#endif

FIXTURE(process_madvise)
{
	struct account child;
	struct peer peer;
	struct zram zram;
	struct ext4 ext4;
	char *area;
};

FIXTURE_SETUP(process_madvise)
{
	self->zram.number = -1;
	self->ext4.root = -1;
	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
}

FIXTURE_TEARDOWN(process_madvise)
{
	peer_stop(&self->peer);
	munmap(self->area, SIZE);
	zram_remove(&self->zram);
	ext4_remove(&self->ext4);
}

/* All of the area in pieces, by one system call; bytes done, or -errno */
static long advise(pid_t pid, char *area, int advice)
{
	struct iovec pieces[PAGES];
	int i, pidfd = syscall(__NR_pidfd_open, pid, 0);
	long done;

	if (pidfd < 0)
		return -errno;
	for (i = 0; i < PAGES; i++) {
		pieces[i].iov_base = area + i * STEP;
		pieces[i].iov_len = STEP;
	}
	done = syscall(__NR_process_madvise, pidfd, pieces, PAGES, advice, 0);
	if (done < 0)
		done = -errno;
	close(pidfd);
	return done;
}

static long fill(void *area)
{
	write_pages(area, SIZE, STEP);
	return check_pages(area, SIZE, STEP);
}

static long look(void *area)
{
	return check_pages(area, SIZE, STEP);
}

static long count(void *area)
{
	char *at = area;
	long right = 0;
	size_t i;

	for (i = 0; i < SIZE / STEP; i++)
		right += at[i * STEP] == (char)(i + 1);
	return right;
}

/* Some pages may be busy for a moment. */
static void page_out(struct __test_metadata *_metadata, FIXTURE_DATA(process_madvise) * self)
{
	int tries;

	ASSERT_EQ(PAGES, present_in(self->peer.pid, self->area, SIZE));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	for (tries = 0; tries < 20 && present_in(self->peer.pid, self->area, SIZE); tries++) {
		drop_page_cache();
		ASSERT_EQ(SIZE, advise(self->peer.pid, self->area, MADV_PAGEOUT));
	}
	ASSERT_EQ(0, entries_in(self->peer.pid, self->area, SIZE));
}

TEST_F(process_madvise, pageout_of_shmem)
{
	const char *reason = zram_swap_on(&self->zram, 64 << 20);

	if (reason)
		SKIP(return, "%s", reason);
	ASSERT_NE(NULL, map_shared_anon(self->area, SIZE));
	ASSERT_EQ(0, peer_start(&self->peer));
	account_open(&self->child, self->peer.pid);
	ASSERT_EQ(true, peer_call(&self->peer, fill, self->area));
	ASSERT_TABLES_GREW_OF(&self->child, TABLES);
	page_out(_metadata, self);
	EXPECT_EXCESS_0_OF(&self->child);
	EXPECT_EQ(0, account_grew(&self->child));
	EXPECT_EQ(true, peer_call(&self->peer, look, self->area));
	EXPECT_EQ(TABLES, account_grew(&self->child));
}

TEST_F(process_madvise, pageout_of_file)
{
	const char *reason = ext4_make(&self->ext4, 32 << 20);
	int fd;

	if (reason)
		SKIP(return, "%s", reason);
	fd = ext4_file(&self->ext4, SIZE, STEP);
	ASSERT_LE(0, fd);
	ASSERT_NE(NULL, map_file(self->area, SIZE, fd, MAP_SHARED));
	close(fd);
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_RANDOM));
	ASSERT_EQ(0, peer_start(&self->peer));
	account_open(&self->child, self->peer.pid);
	ASSERT_EQ(PAGES, peer_call(&self->peer, count, self->area));
	ASSERT_TABLES_GREW_OF(&self->child, TABLES);
	page_out(_metadata, self);
	EXPECT_EXCESS_0_OF(&self->child);
	EXPECT_EQ(0, account_grew(&self->child));
	EXPECT_EQ(PAGES, peer_call(&self->peer, count, self->area));
	EXPECT_EQ(TABLES, account_grew(&self->child));
}

/* Many pieces whose TLB flush is put off to the last of them */
TEST_F(process_madvise, dontneed_of_own)
{
	long done;

	ASSERT_NE(NULL, map_anon(self->area, SIZE));
	account_open(&own_account, 0);
	ASSERT_EQ(true, fill(self->area));
	ASSERT_TABLES_GREW(TABLES);
	done = advise(getpid(), self->area, MADV_DONTNEED);
	if (done == -EINVAL)
		SKIP(return, "the kernel does not let process_madvise() discard");
	ASSERT_EQ(SIZE, done);
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_HARNESS_MAIN
