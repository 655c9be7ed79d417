// SPDX-License-Identifier: GPL-2.0
/*
 * fork() and mremap() must not leave empty tables behind. Both allocate the destination table
 * before they know if there is anything to put in it, and a table that was never populated never
 * becomes empty, so that nobody would hear of it: "mm: have tables looked at that fork() or
 * mremap() left empty".
 *
 * Takes neither knobs nor luck, but for the storm.
 */
#include "harness.h"

#include <sys/wait.h>

#include "account.h"
#include "hazard.h"
#include "knobs.h"
#include "race.h"
#include "tables.h"

#define TABLES	8
#define SIZE	(TABLES * TABLE_SPAN)
#define HALF	(TABLE_SPAN / 2)

FIXTURE(left_empty)
{
	char *area;
};

FIXTURE_SETUP(left_empty)
{
	if (!have_free_user_pte())
		SKIP(return, "nobody frees these tables here");
	self->area = arena(2 * SIZE);
	ASSERT_NE(NULL, self->area);
	hazard_begin(HAZARD_LAZY);
	account_open(&own_account, 0);
}

FIXTURE_TEARDOWN(left_empty)
{
	hazard_end();
}

/* Each block has pages of a VMA that stays behind, and a VMA that had pages once. */
static const char *fill_blocks(char *area)
{
	int i;

	for (i = 0; i < TABLES; i++) {
		char *block = area + i * TABLE_SPAN;

		if (!map_anon(block, HALF - PAGE) || !map_anon(block + HALF, HALF))
			return wrong("mmap: %s", strerror(errno));
		mark_page(block, i);
		mark_page(block + HALF, i);
		if (madvise(block, HALF - PAGE, MADV_DONTFORK) ||
		    madvise(block + HALF, HALF, MADV_DONTNEED))
			return wrong("madvise: %s", strerror(errno));
	}
	return NULL;
}

static const char *settle(void *arg)
{
	/* It is the parent's, but for where it is. */
	struct balance balance = account_settle(&own_account);

	if (balance.excess)
		return wrong("a child has %ld tables and needs %ld", balance.held, balance.needed);
	return NULL;
}

TEST_F(left_empty, fork)
{
	EXPECT_HARMLESS(fill_blocks(self->area));
	ASSERT_TABLES_GREW(TABLES);
	EXPECT_HARMLESS(in_child(settle, NULL));
	/* Were there such tables? Those of the parent are all needed. */
	EXPECT_FREED_BY(freed_deferred, TABLES);
	EXPECT_KEPT(TABLES);
}

TEST_F(left_empty, mremap)
{
	int i;

	EXPECT_HARMLESS(fill_blocks(self->area));
	ASSERT_TABLES_GREW(TABLES);
	for (i = 0; i < TABLES; i++) {
		char *from = self->area + i * TABLE_SPAN + HALF;
		char *to = self->area + SIZE + i * TABLE_SPAN + PAGE;

		ASSERT_EQ(to, mremap(from, HALF, HALF, MREMAP_MAYMOVE | MREMAP_FIXED, to));
	}
	EXPECT_EXCESS_0();
	EXPECT_EQ(TABLES, account_grew(&own_account));
	EXPECT_FREED_BY(freed_deferred, TABLES);
	EXPECT_EQ(NULL, complaint());
}

/* With the parent's tables coming and going */
static char *blocks;

static const char *come_and_go(struct racer *racer)
{
	char *block = blocks + some(TABLES) * TABLE_SPAN;

	mark_page(block + HALF, 1);
	mark_page(block, 1);
	if (madvise(block + HALF, PAGE, MADV_DONTNEED) || madvise(block, PAGE, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	return NULL;
}

static const char *fork_some(struct racer *racer)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return wrong("fork: %s", strerror(errno));
	if (!pid)
		_exit(!!settle(NULL));
	if (waitpid(pid, &status, 0) != pid || status)
		return wrong("a child ended with status %#x", status);
	return NULL;
}

TEST_F(left_empty, storm)
{
	struct racer racers[] = {
		{ RACER(come_and_go), .least = 50 },
		{ RACER(fork_some), .least = 10 },
	};

	blocks = self->area;
	EXPECT_HARMLESS(fill_blocks(self->area));
	race_needs("tables freed", freed_deferred, 10 * TABLES);
	EXPECT_HARMLESS(race(racers, 2));
}

TEST_HARNESS_MAIN
