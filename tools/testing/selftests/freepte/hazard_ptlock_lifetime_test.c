// SPDX-License-Identifier: GPL-2.0
/*
 * The lock of a table must live as long as those may take it who found the table under RCU. Where
 * a lock does not fit into the table's descriptor, as with lockdep, it is an object of its own;
 * PT_RECLAIM once freed it when the table was unhooked, and not with the table's memory: a
 * use-after-free in pte_offset_map_lock(), found by syzbot in December 2024.
 *
 * Takes luck: somebody must have found a table, and not yet its lock, while it is unhooked.
 * delay_us of a debug kernel makes the time until it is freed long. Fails by a complaint of KASAN
 * or lockdep.
 */
#include "harness.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"
#include "hazard.h"
#include "knobs.h"
#include "race.h"
#include "tables.h"
#include "uapi.h"

#define TABLES	2
#define SIZE	(TABLES * TABLE_SPAN)
/* Of each table one page is a filler's; the others are for those who only look. */
#define FILLERS	2

static char *area;
static int fd, pagemap;

FIXTURE(ptlock)
{
};

FIXTURE_VARIANT(ptlock)
{
	unsigned int flags;
	long (*how)(void);
};

/* Freed by the zap that emptied it */
FIXTURE_VARIANT_ADD(ptlock, at_once)
{
	.flags = 0,
	.how = freed,
};

FIXTURE_VARIANT_ADD(ptlock, deferred)
{
	.flags = HAZARD_DEFER,
	.how = freed_deferred,
};

FIXTURE_SETUP(ptlock)
{
	area = arena(SIZE);
	fd = shmem_file(SIZE);
	ASSERT_NE(NULL, area);
	ASSERT_LE(0, fd);
	ASSERT_NE(NULL, map_file(area, SIZE, fd, MAP_SHARED));
	pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, pagemap);
	hazard_begin(variant->flags);
	if (have_debug_knobs())
		ASSERT_EQ(0, knob_write("delay_us", 500));
}

FIXTURE_TEARDOWN(ptlock)
{
	hazard_end();
	close(fd);
	close(pagemap);
}

/* A fault finds the table, or makes one, and takes its lock. */
static const char *fill(struct racer *racer)
{
	size_t at = some(TABLES) * TABLE_SPAN + racer->number * PAGE;
	char *page = area + at;
	uint64_t mark = racer->number << 16 | at / TABLE_SPAN | 1UL << 32;
	uint64_t found = word_read(page);

	if (found && found != mark)
		return wrong("%#llx instead of %#llx", (unsigned long long)found,
			     (unsigned long long)mark);
	mark_page(page, mark);
	return NULL;
}

static const char *empty(struct racer *racer)
{
	char *block = area + some(TABLES) * TABLE_SPAN;

	if (madvise(block, some(2) ? TABLE_SPAN : FILLERS * PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return NULL;
}

/* Who looks at all entries takes the lock of each table. */
static const char *look(struct racer *racer)
{
	static uint64_t entries[SIZE / PAGE];
	static unsigned char vec[SIZE / PAGE];
	off_t at = (uintptr_t)area / PAGE * sizeof(uint64_t);

	if (mincore(area, SIZE, vec))
		return wrong("mincore: %m");
	if (pread(pagemap, entries, sizeof(entries), at) != sizeof(entries))
		return wrong("pagemap: %m");
	return NULL;
}

/* Reclaim finds the table by the rmap of a page, with no lock of the address space. */
static const char *reclaim(struct racer *racer)
{
	size_t at = some(TABLES) * TABLE_SPAN;

	if (madvise(area + at, FILLERS * PAGE, MADV_PAGEOUT))
		return wrong("MADV_PAGEOUT: %m");
	/* So does a hole punch. */
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, FILLERS * PAGE))
		return wrong("fallocate: %m");
	return NULL;
}

static const char *body(void *arg)
{
	struct racer racers[] = {
		{ RACER(fill), .number = 0, .least = 50 },
		{ RACER(fill), .number = 1, .least = 50 },
		{ RACER(empty), .least = 50 },
		{ RACER(look), .least = 50 },
		{ RACER(reclaim), .least = 20 },
	};

	return race(racers, ARRAY_SIZE(racers));
}

/* In a child, so that its end checks the counters of its address space */
TEST_F(ptlock, lifetime)
{
	race_needs("tables freed", variant->how, 100);
	EXPECT_HARMLESS(in_child(body, NULL));
}

TEST_HARNESS_MAIN
