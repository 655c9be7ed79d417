// SPDX-License-Identifier: GPL-2.0
/*
 * mremap() must not move entries to a table that was just freed. move_ptes() maps the destination
 * table and then takes its lock: in between others may empty and unhook it, a neighbour that gives
 * back its part of the same 2 MiB, or a hole punch that zaps what has been moved so far. Then the
 * process loses its data, and what was mapped stays in the counters, which is noticed when it
 * exits: "mm/mremap: recheck the destination table after taking its lock".
 *
 * The reclaimer does it by the lock of the neighbour's VMA. So does the neighbour where its zap frees the
 * table itself, which it does while many hints wait: see the test of the crowd, which takes little
 * luck. The other tests take more of it.
 */
#include "harness.h"

#include <fcntl.h>

#include "files.h"
#include "hazard.h"
#include "knobs.h"
#include "race.h"
#include "tables.h"

#define MOVED	(1UL << 20)
#define FEW	(4 * PAGE)
/* Tables that are emptied all the time: more than there is room for hints */
#define CROWD	64

/* The neighbour has the first half of a block, and the moved VMA comes and goes in the second. */
static char *source, *block, *destination, *crowd;
static int fd;

FIXTURE(destination)
{
};

FIXTURE_SETUP(destination)
{
	char *area = arena((4 + CROWD) * TABLE_SPAN);

	ASSERT_NE(NULL, area);
	/* Two tables feed that of the destination. */
	source = area + TABLE_SPAN - MOVED / 2;
	block = area + 3 * TABLE_SPAN;
	destination = block + TABLE_SPAN - MOVED;
	crowd = block + TABLE_SPAN;
	hazard_begin(0);
}

FIXTURE_TEARDOWN(destination)
{
	hazard_end();
}

static const char *give_back(struct racer *racer)
{
	size_t at = some(16) * PAGE;

	mark_page(block + at, 1);
	if (madvise(block, 16 * PAGE, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	return page_zero(block + at) ? NULL : wrong("what was given back is there");
}

static bool move(char *from, char *to)
{
	return mremap(from, MOVED, MOVED, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
}

static const char *move_about(struct racer *racer)
{
	const char *fault;

	if (!move(source, destination))
		return wrong("mremap: %s", strerror(errno));
	fault = check_marks(destination, MOVED, racer->turns);
	mark_pages(destination, MOVED, racer->turns + 1);
	if (!move(destination, source))
		return wrong("mremap back: %s", strerror(errno));
	return fault ? fault : check_marks(source, MOVED, racer->turns + 1);
}

static const char *with_neighbour(void *arg)
{
	struct racer racers[] = {
		{ RACER(move_about), .least = 20 },
		{ RACER(give_back) },
	};

	if (!map_anon(source, MOVED) || !map_anon(block, MOVED - PAGE))
		return wrong("mmap: %s", strerror(errno));
	mark_pages(source, MOVED, 0);
	return race(racers, 2);
}

TEST_F(destination, neighbour)
{
	race_needs("tables freed", freed, 20);
	EXPECT_HARMLESS(in_child(with_neighbour, NULL));
}

/*
 * The same, with so many hints that a zap frees the tables that it empties. A move of few pages
 * meets more zaps.
 */
static const char *give_back_many(struct racer *racer)
{
	char *page = crowd + racer->turns % CROWD * TABLE_SPAN;

	mark_page(page, 1);
	if (madvise(page, PAGE, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	return racer->turns % 4 ? NULL : give_back(racer);
}

static const char *move_few(struct racer *racer)
{
	char *to = destination + MOVED - FEW;
	const char *fault;

	if (mremap(source, FEW, FEW, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		return wrong("mremap: %s", strerror(errno));
	fault = check_marks(to, FEW, racer->turns);
	mark_pages(to, FEW, racer->turns + 1);
	if (mremap(to, FEW, FEW, MREMAP_MAYMOVE | MREMAP_FIXED, source) != source)
		return wrong("mremap back: %s", strerror(errno));
	return fault ? fault : check_marks(source, FEW, racer->turns + 1);
}

static const char *with_crowd(void *arg)
{
	struct racer racers[] = {
		{ RACER(move_few), .least = 20 },
		{ RACER(give_back_many) },
	};

	if (!map_anon(source, FEW) || !map_anon(block, MOVED - PAGE) ||
	    !map_anon(crowd, CROWD * TABLE_SPAN) ||
	    no_huge_pages(crowd, CROWD * TABLE_SPAN))
		return wrong("mmap: %s", strerror(errno));
	mark_pages(source, FEW, 0);
	return race(racers, 2);
}

TEST_F(destination, crowd)
{
	/* The ring has to fill faster than it is looked at, on the slowest machine. */
	hazard_begin(HAZARD_LAZY);
	if (have_free_user_pte())
		ASSERT_EQ(0, knob_write("delay_ms", 100));
	race_needs("tables freed at once", freed_sync, 20);
	EXPECT_HARMLESS(in_child(with_crowd, NULL));
}

static const char *punch(struct racer *racer)
{
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, MOVED / 2))
		return wrong("fallocate: %s", strerror(errno));
	return NULL;
}

/* The first half is pages of the file, which go away; the second half is ours alone. */
static const char *move_file(struct racer *racer)
{
	const char *fault;

	read_pages(source, MOVED / 2, PAGE);
	if (!move(source, destination))
		return wrong("mremap: %s", strerror(errno));
	fault = check_marks(destination + MOVED / 2, MOVED / 2, 7);
	read_pages(destination, MOVED / 2, 32 * PAGE);
	if (!move(destination, source))
		return wrong("mremap back: %s", strerror(errno));
	return fault ? fault : check_marks(source + MOVED / 2, MOVED / 2, 7);
}

static const char *with_punch(void *arg)
{
	struct racer racers[] = { { RACER(move_file), .least = 20 }, { RACER(punch) } };

	fd = shmem_file(MOVED);
	if (fd < 0 || !map_file(source, MOVED, fd, MAP_PRIVATE))
		return wrong("mmap: %s", strerror(errno));
	mark_pages(source + MOVED / 2, MOVED / 2, 7);
	return race(racers, 2);
}

TEST_F(destination, punch)
{
	race_needs("tables freed", freed, 20);
	EXPECT_HARMLESS(in_child(with_punch, NULL));
}

TEST_HARNESS_MAIN
