// SPDX-License-Identifier: GPL-2.0
/*
 * Tables that were allocated, and then nothing was put into them: nobody has emptied those.
 */
#include "harness.h"

#include <stdint.h>
#include <sys/ioctl.h>

#include "account.h"
#include "tables.h"
#include "uffd.h"

#define TABLES	16
#define SIZE	(TABLES * TABLE_SPAN)
#define HALF	(TABLE_SPAN / 2)

FIXTURE(never_filled)
{
	char *area;
	int uffd;
	int pipe[2];
};

FIXTURE_SETUP(never_filled)
{
	self->uffd = -1;
	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
	ASSERT_NE(NULL, map_anon(self->area, SIZE));
	ASSERT_EQ(0, pipe(self->pipe));
}

FIXTURE_TEARDOWN(never_filled)
{
	if (self->uffd >= 0)
		close(self->uffd);
}

/* A fault that finds no page and nobody who has one: the system call fails for that. */
static void fault_in_vain(struct __test_metadata *_metadata, FIXTURE_DATA(never_filled) * self)
{
	int i;

	ASSERT_EQ(0, uffd_register(self->uffd, self->area, SIZE, UFFDIO_REGISTER_MODE_MISSING));
	account_open(&own_account, 0);
	for (i = 0; i < TABLES; i++) {
		ASSERT_EQ(-1, write(self->pipe[1], self->area + i * TABLE_SPAN, 1));
		ASSERT_EQ(EFAULT, errno);
	}
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	ASSERT_TABLES_GREW(TABLES);
}

TEST_F(never_filled, zapped)
{
	self->uffd = uffd_open(UFFD_FEATURE_SIGBUS);
	if (self->uffd < 0)
		SKIP(return, "no userfaultfd (CONFIG_USERFAULTFD)");
	fault_in_vain(_metadata, self);
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_F(never_filled, zapped_in_pieces)
{
	self->uffd = uffd_open(UFFD_FEATURE_SIGBUS);
	if (self->uffd < 0)
		SKIP(return, "no userfaultfd (CONFIG_USERFAULTFD)");
	fault_in_vain(_metadata, self);
	ASSERT_EQ(0, advise_pieces(self->area, SIZE, TABLE_SPAN / 4, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* What is moved has no entries, but what stays beside it has: there is a table to move from. */
TEST_F(never_filled, moved)
{
	char *to = arena(SIZE);
	int i;

	ASSERT_NE(NULL, to);
	account_open(&own_account, 0);
	for (i = 0; i < TABLES; i++) {
		char *from = self->area + i * TABLE_SPAN;

		write_pages(from, PAGE, PAGE);
		ASSERT_EQ(to + i * TABLE_SPAN,
			  mremap(from + HALF, HALF, HALF, MREMAP_MAYMOVE | MREMAP_FIXED,
				 to + i * TABLE_SPAN));
	}
	ASSERT_EQ(0, entries_in(0, to, SIZE));
	ASSERT_EQ(TABLES, present_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
	EXPECT_EQ(TABLES, account_grew(&own_account));
}

/* What is to be copied cannot be read. */
TEST_F(never_filled, copied_from_nowhere)
{
	char *nowhere = arena(PAGE);
	int i;

	self->uffd = uffd_open(0);
	if (self->uffd < 0)
		SKIP(return, "no userfaultfd (CONFIG_USERFAULTFD)");
	ASSERT_NE(NULL, nowhere);
	ASSERT_EQ(0, uffd_register(self->uffd, self->area, SIZE, UFFDIO_REGISTER_MODE_MISSING));
	account_open(&own_account, 0);
	for (i = 0; i < TABLES; i++) {
		struct uffdio_copy copy = {
			.dst = (uintptr_t)self->area + i * TABLE_SPAN,
			.src = (uintptr_t)nowhere,
			.len = PAGE,
		};

		ASSERT_EQ(-1, ioctl(self->uffd, UFFDIO_COPY, &copy));
		ASSERT_EQ(EFAULT, errno);
	}
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* There is nothing but holes to be moved. */
TEST_F(never_filled, moved_holes)
{
	char *to = arena(SIZE);

	self->uffd = uffd_open(UFFD_FEATURE_MOVE);
	if (self->uffd < 0)
		SKIP(return, "no UFFDIO_MOVE");
	ASSERT_NE(NULL, to);
	ASSERT_NE(NULL, map_anon(to, SIZE));
	ASSERT_EQ(0, uffd_register(self->uffd, to, SIZE, UFFDIO_REGISTER_MODE_MISSING));
	account_open(&own_account, 0);
	ASSERT_EQ(SIZE, uffd_move(self->uffd, to, self->area, SIZE,
				  UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_HARNESS_MAIN
