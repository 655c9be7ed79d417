// SPDX-License-Identifier: GPL-2.0
/*
 * UFFDIO_MOVE must not fail because a table vanished. Its destination mostly is empty, and so is
 * its source once the last page was moved by another thread; it used to take that for a mistake of
 * user space and to say -EINVAL: "mm/userfaultfd: retry UFFDIO_MOVE when a PTE table vanished".
 *
 * Takes luck; force_free and delay_us of a debug kernel help it.
 */
#include "harness.h"

#include <sys/ioctl.h>

#include "hazard.h"
#include "race.h"
#include "tables.h"
#include "uffd.h"

#define MOVERS	2
#define PAGES	4
#define SIZE	(MOVERS * PAGES * PAGE)

static char *source, *destination;
static int uffd;

FIXTURE(move)
{
};

FIXTURE_SETUP(move)
{
	char *area = arena(2 * TABLE_SPAN);

	ASSERT_NE(NULL, area);
	source = area;
	destination = area + TABLE_SPAN;
	ASSERT_NE(NULL, map_anon(source, SIZE));
	ASSERT_NE(NULL, map_anon(destination, SIZE));
	ASSERT_NE(NULL, map_anon(source + TABLE_SPAN / 2, TABLE_SPAN / 2));
	ASSERT_NE(NULL, map_anon(destination + TABLE_SPAN / 2, TABLE_SPAN / 2));
	uffd = uffd_open(UFFD_FEATURE_MOVE);
	if (uffd < 0)
		SKIP(return, "no UFFDIO_MOVE");
	ASSERT_EQ(0, uffd_register(uffd, destination, SIZE, UFFDIO_REGISTER_MODE_MISSING));
	hazard_begin(0);
}

FIXTURE_TEARDOWN(move)
{
	hazard_end();
}

/* Move as user space does: it goes on where it got to, and tries again if it is told to. */
static int move_all(char *to, char *from, size_t size, __u64 mode)
{
	struct uffdio_move move = {
		.dst = (uintptr_t)to,
		.src = (uintptr_t)from,
		.len = size,
		.mode = mode,
	};

	while (ioctl(uffd, UFFDIO_MOVE, &move)) {
		if (errno != EAGAIN)
			return -errno;
		if (move.move > 0) {
			move.dst += move.move;
			move.src += move.move;
			move.len -= move.move;
		}
	}
	return 0;
}

static const char *move_and_give_back(struct racer *racer)
{
	size_t start = racer->number * PAGES * PAGE;
	size_t size = (1 + some(PAGES)) * PAGE;
	const char *fault;
	int err;

	mark_pages(source + start, size, racer->turns);
	err = move_all(destination + start, source + start, size, 0);
	if (err)
		return wrong("UFFDIO_MOVE: %s", strerror(-err));
	fault = check_marks(destination + start, size, racer->turns);
	if (!fault && !page_zero(source + start))
		fault = wrong("what was moved away is still there");
	if (madvise(destination + start, size, MADV_DONTNEED) ||
	    madvise(source + start, size, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	return fault;
}

/* The neighbours of both, which are what keeps the tables now and then */
static const char *give_back(struct racer *racer)
{
	char *block = some(2) ? source : destination;
	char *page = block + TABLE_SPAN / 2 + some(64) * PAGE;

	mark_page(page, 1);
	if (madvise(page, PAGE, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	return NULL;
}

TEST_F(move, race)
{
	struct racer racers[] = {
		{ RACER(move_and_give_back), .number = 0, .least = 50 },
		{ RACER(move_and_give_back), .number = 1, .least = 50 },
		{ RACER(give_back) },
	};

	race_needs("tables freed", freed, 100);
	EXPECT_HARMLESS(race(racers, 3));
}

/* Holes of the source are passed over, or told; even when there is no table at all. */
static const char *move_a_hole(struct racer *racer)
{
	size_t start = racer->number * PAGES * PAGE;
	const size_t size = PAGES * PAGE;
	int err;

	mark_page(source + start + PAGE, 1 + racer->turns);
	err = move_all(destination + start, source + start, size,
		       UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES);
	if (err)
		return wrong("UFFDIO_MOVE with holes: %s", strerror(-err));
	if (!page_marked(destination + start + PAGE, 1 + racer->turns))
		return wrong("the page was not moved");
	if (madvise(destination + start, size, MADV_DONTNEED) ||
	    madvise(source + start, size, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	err = move_all(destination + start, source + start, PAGE, 0);
	if (err != -ENOENT)
		return wrong("UFFDIO_MOVE of a hole: %s", strerror(-err));
	return NULL;
}

TEST_F(move, holes)
{
	struct racer racers[] = {
		{ RACER(move_a_hole), .number = 0, .least = 50 },
		{ RACER(move_a_hole), .number = 1, .least = 50 },
		{ RACER(give_back) },
	};

	race_needs("tables freed", freed, 100);
	EXPECT_HARMLESS(race(racers, 3));
}

TEST_HARNESS_MAIN
