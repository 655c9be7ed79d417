// SPDX-License-Identifier: GPL-2.0
/*
 * Tables that map a file which is truncated, or has holes punched in it.
 */
#include "harness.h"

#include <fcntl.h>

#include "account.h"
#include "ext4.h"
#include "files.h"
#include "tables.h"
#include "uapi.h"

#define TABLES	24
#define SIZE	(TABLES * TABLE_SPAN)
#define STEP	(TABLE_SPAN / 2)
#define PAGES	((long)(SIZE / STEP))

FIXTURE(truncate)
{
	struct ext4 ext4;
	int fd;
	char *area;
};

FIXTURE_VARIANT(truncate)
{
	bool ext4;
	int flags;
};

FIXTURE_VARIANT_ADD(truncate, shmem)
{
	.flags = MAP_SHARED,
};

FIXTURE_VARIANT_ADD(truncate, shmem_private)
{
	.flags = MAP_PRIVATE,
};

FIXTURE_VARIANT_ADD(truncate, ext4)
{
	.ext4 = true,
	.flags = MAP_SHARED,
};

FIXTURE_SETUP(truncate)
{
	self->ext4.root = -1;
	if (variant->ext4) {
		const char *reason = ext4_make(&self->ext4, 16 << 20);

		if (reason)
			SKIP(return, "%s", reason);
		self->fd = ext4_file(&self->ext4, SIZE, STEP);
	} else {
		self->fd = shmem_file(SIZE);
	}
	ASSERT_LE(0, self->fd);
	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
	ASSERT_NE(NULL, map_file(self->area, SIZE, self->fd, variant->flags));
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_RANDOM));
	account_open(&own_account, 0);
	write_pages(self->area, SIZE, STEP);
	ASSERT_EQ(PAGES, present_in(0, self->area, SIZE));
	ASSERT_TABLES_GREW(TABLES);
}

FIXTURE_TEARDOWN(truncate)
{
	munmap(self->area, SIZE);
	close(self->fd);
	ext4_remove(&self->ext4);
}

static void expect_empty(struct __test_metadata *_metadata, char *area)
{
	ASSERT_EQ(0, entries_in(0, area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_F(truncate, at_once)
{
	ASSERT_EQ(0, ftruncate(self->fd, 0));
	expect_empty(_metadata, self->area);
}

TEST_F(truncate, in_steps)
{
	long at;

	for (at = SIZE - PAGE; at > 0; at -= STEP)
		ASSERT_EQ(0, ftruncate(self->fd, at));
	ASSERT_EQ(0, ftruncate(self->fd, 0));
	expect_empty(_metadata, self->area);
}

/* A mapping's first table keeps the file's first page. */
TEST_F(truncate, to_a_page)
{
	ASSERT_EQ(0, ftruncate(self->fd, PAGE));
	ASSERT_EQ(1, entries_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(1, account_grew(&own_account));
	EXPECT_TRUE(check_pages(self->area, PAGE, PAGE));
}

struct punch {
	const char *area;
	int fd;
};

static int punch(char *addr, size_t size, void *arg)
{
	const struct punch *punch = arg;

	return fallocate(punch->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			 addr - punch->area, size);
}

TEST_F(truncate, punch_hole)
{
	struct punch arg = { .area = self->area, .fd = self->fd };
	int err;

	/* A hole takes what a private mapping has of the file, not what it has of its own. */
	if (variant->flags == MAP_PRIVATE) {
		ASSERT_EQ(0, punch(self->area, SIZE, &arg));
		ASSERT_EQ(PAGES, present_in(0, self->area, SIZE));
		EXPECT_KEPT(TABLES);
		EXPECT_TRUE(check_pages(self->area, SIZE, STEP));
		return;
	}
	err = for_pieces(self->area, SIZE, STEP, punch, &arg);
	if (err && errno == EOPNOTSUPP)
		SKIP(return, "no holes in this file system");
	ASSERT_EQ(0, err);
	expect_empty(_metadata, self->area);
}

TEST_F(truncate, madv_remove)
{
	if (variant->flags == MAP_PRIVATE) {
		/* There is no such thing. */
		ASSERT_EQ(-1, madvise(self->area, SIZE, MADV_REMOVE));
		EXPECT_EQ(EACCES, errno);
		return;
	}
	ASSERT_EQ(0, advise_pieces(self->area, SIZE, STEP, MADV_REMOVE));
	expect_empty(_metadata, self->area);
}

TEST_HARNESS_MAIN
