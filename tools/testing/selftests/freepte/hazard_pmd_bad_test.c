// SPDX-License-Identifier: GPL-2.0
/*
 * A PMD whose table goes away is not a bad one.
 *
 * Without "mm: do not take a pmd for bad that is just being cleared", and a compiler that reads
 * the PMD twice, a walk takes an entry that has just become none for a corrupt one: the kernel
 * says "bad pmd" and clears it, with the live table that may be there by then. This takes luck,
 * and that compiler; no debug knobs.
 */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#include "hazard.h"
#include "race.h"
#include "tables.h"
#include "uapi.h"

#define TABLES	16
#define SIZE	(TABLES * TABLE_SPAN)

static char *area;

/* Each writer has a page of its own in each table. */
static const char *write_and_zap(struct racer *racer)
{
	char *page = area + some(TABLES) * TABLE_SPAN + racer->number * 37 * PAGE;

	mark_page(page, racer->turns + 1);
	if (!page_marked(page, racer->turns + 1))
		return wrong("a page is lost that was just written");
	if (madvise(page, PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	if (!page_zero(page))
		return wrong("a page is back that was zapped");
	if (madvise(page, PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return NULL;
}

static const char *walk_mincore(struct racer *racer)
{
	static unsigned char vec[SIZE / PAGE];

	return mincore(area, SIZE, vec) ? wrong("mincore: %m") : NULL;
}

static const char *walk_smaps(struct racer *racer)
{
	static char text[4096];
	int fd = open(racer->turns & 1 ? "/proc/self/smaps_rollup" : "/proc/self/smaps", O_RDONLY);
	ssize_t got;

	if (fd < 0)
		return wrong("smaps: %m");
	while ((got = read(fd, text, sizeof(text))) > 0)
		;
	close(fd);
	return got ? wrong("smaps: %m") : NULL;
}

static const char *walk_madvise(struct racer *racer)
{
	static const int advice[] = { MADV_COLD, MADV_PAGEOUT, MADV_POPULATE_READ, MADV_WILLNEED };
	int which = advice[racer->turns % 4];
	size_t at = some(TABLES) * TABLE_SPAN;

	if (which == MADV_POPULATE_READ) {
		/* It comes and goes with the others. */
		if (madvise(area + at + 500 * PAGE, PAGE, which) ||
		    madvise(area + at + 500 * PAGE, PAGE, MADV_DONTNEED))
			return wrong("MADV_POPULATE_READ: %m");
		return NULL;
	}
	return madvise(area, SIZE, which) ? wrong("madvise: %m") : NULL;
}

static const char *walk_mlock(struct racer *racer)
{
	char *start = area + some(TABLES) * TABLE_SPAN;

	/* Locked pages cannot be zapped, so lock a part that nobody uses, over the table's end. */
	start += 400 * PAGE;
	if (start + TABLE_SPAN / 4 > area + SIZE)
		return NULL;
	if (mlock2(start, 90 * PAGE, MLOCK_ONFAULT))
		return wrong("mlock: %m");
	return munlock(start, 90 * PAGE) ? wrong("munlock: %m") : NULL;
}

static const char *walk_mprotect(struct racer *racer)
{
	char *start = area + some(TABLES - 1) * TABLE_SPAN + 400 * PAGE;

	if (mprotect(start, 100 * PAGE, PROT_READ))
		return wrong("mprotect: %m");
	return mprotect(start, 100 * PAGE, PROT_READ | PROT_WRITE) ? wrong("mprotect: %m") : NULL;
}

static const char *walk_fork(struct racer *racer)
{
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return wrong("fork: %m");
	if (!pid)
		_exit(0);
	if (waitpid(pid, &status, 0) != pid || status)
		return wrong("the child ends with %#x", status);
	return NULL;
}

FIXTURE(pmd_bad)
{
};

FIXTURE_SETUP(pmd_bad)
{
	area = arena(SIZE);
	ASSERT_NE(NULL, area);
	ASSERT_NE(NULL, map_anon(area, SIZE));
	ASSERT_EQ(0, no_huge_pages(area, SIZE));
	hazard_begin(0);
}

FIXTURE_TEARDOWN(pmd_bad)
{
	hazard_end();
}

#define RACE(function, turns_least) do {						\
	struct racer racers[] = {							\
		{ RACER(write_and_zap), .number = 1 },					\
		{ RACER(write_and_zap), .number = 2 },					\
		{ RACER(function), .least = (turns_least) },				\
	};										\
											\
	race_needs("tables freed", freed, 50);						\
	EXPECT_HARMLESS(race(racers, 3));						\
} while (0)

TEST_F(pmd_bad, mincore)
{
	RACE(walk_mincore, 50);
}

TEST_F(pmd_bad, smaps)
{
	RACE(walk_smaps, 20);
}

TEST_F(pmd_bad, madvise)
{
	RACE(walk_madvise, 50);
}

TEST_F(pmd_bad, mlock)
{
	RACE(walk_mlock, 50);
}

TEST_F(pmd_bad, mprotect)
{
	RACE(walk_mprotect, 50);
}

TEST_F(pmd_bad, fork)
{
	RACE(walk_fork, 20);
}

TEST_HARNESS_MAIN
