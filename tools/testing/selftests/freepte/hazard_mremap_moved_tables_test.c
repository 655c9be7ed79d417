// SPDX-License-Identifier: GPL-2.0
/*
 * An empty table that mremap() moves must be freed where it is then. A hint names the address at
 * which a table was seen empty; move_normal_pmd() and move_normal_pud() move tables as they are, so
 * that the hint leads to nothing and the table, which never falls empty again, stays until it is
 * unmapped: "mm/mremap: tell the reclaimer of PTE tables about moved ones".
 *
 * Takes neither knobs nor luck, but for the race with hole punches.
 */
#include "harness.h"

#include <fcntl.h>
#include <unistd.h>

#include "account.h"
#include "files.h"
#include "hazard.h"
#include "knobs.h"
#include "race.h"
#include "tables.h"

#define TABLES	8
#define SIZE	(TABLES * TABLE_SPAN)

FIXTURE(moved)
{
	char *area;
};

FIXTURE_SETUP(moved)
{
	self->area = arena(3 * SIZE);
	ASSERT_NE(NULL, self->area);
	hazard_begin(HAZARD_DEFER | HAZARD_LAZY);
	/* So that no table is freed before it is moved */
	if (have_free_user_pte())
		ASSERT_EQ(0, knob_write("delay_ms", 100));
}

FIXTURE_TEARDOWN(moved)
{
	hazard_end();
}

static bool move(char *from, char *to, size_t size)
{
	return mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
}

/* Empty each table, without giving back the whole of any. */
static bool empty(char *addr, size_t size)
{
	size_t at;

	for (at = 0; at < size; at += TABLE_SPAN)
		if (madvise(addr + at, PAGE, MADV_DONTNEED))
			return false;
	return true;
}

/* Each is told of when it is emptied and when it moves: not enough to hurry the reclaimer */
#define FEW	4

TEST_F(moved, pmd)
{
	char *from = self->area, *to = self->area + 2 * SIZE;
	int rounds = 0;

	if (!have_free_user_pte())
		SKIP(return, "nobody frees these tables here");

	ASSERT_NE(NULL, map_anon(self->area, FEW * TABLE_SPAN));
	account_open(&own_account, 0);
	write_pages(self->area, FEW * TABLE_SPAN, TABLE_SPAN);
	ASSERT_TABLES_GREW(FEW);
	while (rounds < 4) {
		char *here = from;

		write_pages(from, FEW * TABLE_SPAN, TABLE_SPAN);
		ASSERT_TRUE(empty(from, FEW * TABLE_SPAN));
		ASSERT_TRUE(move(from, to, FEW * TABLE_SPAN));
		if (account_grew(&own_account) == FEW)
			rounds++;
		else
			ASSERT_TRUE(reclaimer_delay_more());
		EXPECT_EXCESS_0();
		EXPECT_EQ(0, account_grew(&own_account));
		from = to;
		to = here;
	}
	EXPECT_FREED(4 * FEW);
	EXPECT_EQ(NULL, complaint());
}

/* A GiB at a time: one page that is not given back keeps the PMD table needed. */
TEST_F(moved, pud)
{
	const size_t size = PMD_TABLE_SPAN;
	char *from = reserve_gib();
	char *to = reserve_gib();

	if (!have_free_user_pte())
		SKIP(return, "nobody frees these tables here");

	ASSERT_NE(NULL, from);
	ASSERT_NE(NULL, to);
	ASSERT_NE(NULL, map_anon(from, size));
	from[size - PAGE] = 1;
	account_open(&own_account, 0);
	write_pages(from, size - TABLE_SPAN, 8 * TABLE_SPAN);
	ASSERT_TABLES_GREW(ENTRIES / 8);
	ASSERT_TRUE(empty(from, size - TABLE_SPAN));
	ASSERT_TRUE(move(from, to, size));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
	EXPECT_EQ(1, to[size - PAGE]);
	EXPECT_FREED(ENTRIES / 8);
	EXPECT_EQ(NULL, complaint());
}

static char *here, *there;
static int fd;

static const char *move_about(struct racer *racer)
{
	read_pages(here, SIZE, 8 * PAGE);
	if (!move(here, there, SIZE))
		return wrong("mremap: %s", strerror(errno));
	if (!move(there, here, SIZE))
		return wrong("mremap back: %s", strerror(errno));
	return NULL;
}

static const char *punch(struct racer *racer)
{
	size_t at = some(2 * TABLES) * TABLE_SPAN / 2;

	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, TABLE_SPAN / 2))
		return wrong("fallocate: %s", strerror(errno));
	return NULL;
}

/* What is punched while it moves */
TEST_F(moved, race)
{
	struct racer racers[] = {
		{ RACER(move_about), .least = 50 },
		{ RACER(punch), .least = 50 },
	};

	here = self->area;
	there = self->area + 2 * SIZE;
	fd = shmem_file(SIZE);
	ASSERT_LE(0, fd);
	ASSERT_NE(NULL, map_file(here, SIZE, fd, MAP_SHARED));
	account_open(&own_account, 0);
	if (have_free_user_pte())
		knob_write("delay_ms", 1);
	/* Most are filled again first: what moves all the time is locked most of the time. */
	race_needs("tables freed", freed, 50);
	EXPECT_HARMLESS(race(racers, 2));

	ASSERT_EQ(0, fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, SIZE));
	if (have_free_user_pte())
		EXPECT_EXCESS_0();
}

TEST_HARNESS_MAIN
