// SPDX-License-Identifier: GPL-2.0
/*
 * The stacks of threads that are no more.
 */
#include "harness.h"

#include <pthread.h>

#include "account.h"
#include "tables.h"

#define THREADS		32
#define SIZE		(THREADS * TABLE_SPAN)
/* One in each 2 MiB, the rest of which is mapped, but empty */
#define STACK		(256UL << 10)
#define DEPTH		(192UL << 10)

/* A stack of the C library's own, of the size that most have */
#define DEEP_STACK	(8UL << 20)
#define DEEP		(6UL << 20)

FIXTURE(thread)
{
	char *area;
	pthread_t threads[THREADS];
};

FIXTURE_SETUP(thread)
{
	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
	ASSERT_NE(NULL, map_anon(self->area, SIZE));
	account_open(&own_account, 0);
}

FIXTURE_TEARDOWN(thread)
{
}

static void *go_deep(void *depth)
{
	char frame[(size_t)depth];

	write_pages(frame, sizeof(frame), PAGE);
	return depth;
}

static char *stack_of(char *area, int thread)
{
	/* Not at the same place in each 2 MiB */
	return area + thread * TABLE_SPAN + thread % 8 * STACK;
}

static void run_threads(struct __test_metadata *_metadata, FIXTURE_DATA(thread) * self)
{
	pthread_attr_t attr;
	void *depth;
	int i;

	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_attr_init(&attr));
		ASSERT_EQ(0, pthread_attr_setstack(&attr, stack_of(self->area, i), STACK));
		ASSERT_EQ(0, pthread_create(&self->threads[i], &attr, go_deep, (void *)DEPTH));
		pthread_attr_destroy(&attr);
	}
	for (i = 0; i < THREADS; i++) {
		ASSERT_EQ(0, pthread_join(self->threads[i], &depth));
		ASSERT_EQ(DEPTH, (size_t)depth);
	}
	ASSERT_LE(THREADS * (long)(DEPTH / PAGE), present_in(0, self->area, SIZE));
	ASSERT_LE(THREADS, account_grew(&own_account));
	/* The C library's memory for them stays, as do its tables. */
	EXPECT_EXCESS_0();
}

TEST_F(thread, stacks_unmapped)
{
	int i;

	run_threads(_metadata, self);
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, munmap(stack_of(self->area, i), STACK));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
}

/* What a pool of stacks does: it keeps the address space. */
TEST_F(thread, stacks_given_back)
{
	int i;

	run_threads(_metadata, self);
	for (i = 0; i < THREADS; i++)
		ASSERT_EQ(0, madvise(stack_of(self->area, i), STACK, MADV_DONTNEED));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	EXPECT_EXCESS_0();
}

/*
 * The C library keeps such a stack for the next thread, and gives its memory back but for what is
 * at its top, by one MADV_DONTNEED: PT_RECLAIM frees what that covers wholly.
 */
TEST_F(thread, stack_of_the_library)
{
	pthread_attr_t attr;
	pthread_t thread;
	long grew;

	ASSERT_EQ(0, pthread_attr_init(&attr));
	ASSERT_EQ(0, pthread_attr_setstacksize(&attr, DEEP_STACK));
	ASSERT_EQ(0, pthread_create(&thread, &attr, go_deep, (void *)DEEP));
	ASSERT_EQ(0, pthread_join(thread, NULL));
	pthread_attr_destroy(&attr);
	EXPECT_EXCESS_0();
	/* The top of the stack, and what malloc() took for it */
	grew = account_grew(&own_account);
	EXPECT_GE(3, grew);
}

TEST_HARNESS_MAIN
