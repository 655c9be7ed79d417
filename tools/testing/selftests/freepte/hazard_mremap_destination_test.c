// SPDX-License-Identifier: GPL-2.0
/*
 * mremap() must not move entries to a table that was just freed. move_ptes() maps the destination
 * table and then takes its lock: in between others may empty and unhook it, a neighbour that gives
 * back its part of the same 2 MiB, or a hole punch that zaps what has been moved so far. Then the
 * process loses its data, and what was mapped stays in the counters, which is noticed when it
 * exits: "mm/mremap: recheck the destination table after taking its lock".
 *
 * Takes luck, and more than that: the reclaimer, who frees all but whole tables, needs mmap_lock
 * for reading. This fails only where zaps free such tables themselves.
 */
#include "kselftest_harness.h"

#include <fcntl.h>

#include "files.h"
#include "hazard.h"
#include "knobs.h"
#include "tables.h"

#define MOVED	(1UL << 20)

/* The neighbour has the first half of a block, and the moved VMA comes and goes in the second. */
static char *source, *block, *destination;
static int fd;

FIXTURE(destination)
{
};

FIXTURE_SETUP(destination)
{
	char *area = arena(4 * TABLE_SPAN);

	ASSERT_NE(NULL, area);
	/* Two tables feed that of the destination. */
	source = area + TABLE_SPAN - MOVED / 2;
	block = area + 3 * TABLE_SPAN;
	destination = block + TABLE_SPAN - MOVED;
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
	struct racer racers[] = { { .turn = move_about }, { .turn = give_back } };

	if (!map_anon(source, MOVED) || !map_anon(block, MOVED - PAGE))
		return wrong("mmap: %s", strerror(errno));
	mark_pages(source, MOVED, 0);
	return race(racers, 2, HAZARD_MS);
}

TEST_F_TIMEOUT(destination, neighbour, HAZARD_TIMEOUT)
{
	EXPECT_HARMLESS(in_child(with_neighbour, NULL));
	EXPECT_FREED(20);
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
	struct racer racers[] = { { .turn = move_file }, { .turn = punch } };

	fd = shmem_file(MOVED);
	if (fd < 0 || !map_file(source, MOVED, fd, MAP_PRIVATE))
		return wrong("mmap: %s", strerror(errno));
	mark_pages(source + MOVED / 2, MOVED / 2, 7);
	return race(racers, 2, HAZARD_MS);
}

TEST_F_TIMEOUT(destination, punch, HAZARD_TIMEOUT)
{
	EXPECT_HARMLESS(in_child(with_punch, NULL));
	EXPECT_FREED(20);
}

TEST_HARNESS_MAIN
