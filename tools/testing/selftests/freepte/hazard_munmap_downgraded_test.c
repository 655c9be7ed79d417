// SPDX-License-Identifier: GPL-2.0
/*
 * The reclaimer must leave tables alone that munmap() frees. munmap() of a VMA, once that cannot be
 * found any more, frees tables without any lock that the reclaimer takes: both would free the same.
 * Hence the rule that the reclaimer touches only tables of a block that a VMA intersects which it
 * has locked (mm/free_user_pte/reclaim.rs).
 *
 * Takes luck. A table freed twice shows as a negative pgtables_bytes when the child exits, as a bad
 * page, or with KASAN.
 */
#include "harness.h"

#include "hazard.h"
#include "race.h"
#include "tables.h"

#define MAPPERS	2
#define TABLES	4
/* A VMA has two pages, and two are left free before the next. */
#define SLOT	(4 * PAGE)

static char *area;

FIXTURE(munmap)
{
};

FIXTURE_SETUP(munmap)
{
	area = arena((TABLES + 1) * TABLE_SPAN);
	ASSERT_NE(NULL, area);
	ASSERT_EQ(0, munmap(area, (TABLES + 1) * TABLE_SPAN));
	hazard_begin(0);
}

FIXTURE_TEARDOWN(munmap)
{
	hazard_end();
}

/* Fill one's half of a block with VMAs, and unmap them: in pieces, and the rest at once. */
static const char *map_and_unmap(struct racer *racer)
{
	char *half = area + some(TABLES) * TABLE_SPAN + racer->number * TABLE_SPAN / MAPPERS;
	unsigned int i, count = 1 + some(8);

	for (i = 0; i < count; i++) {
		char *slot = half + i * SLOT;

		if (!map_anon(slot, 2 * PAGE))
			return wrong("mmap: %s", strerror(errno));
		mark_page(slot, racer->turns);
		mark_page(slot + PAGE, racer->turns);
	}
	for (i = 0; i < count; i++) {
		char *slot = half + i * SLOT;

		if (madvise(slot, PAGE, MADV_DONTNEED))
			return wrong("madvise: %s", strerror(errno));
		if (!page_zero(slot) || !page_marked(slot + PAGE, racer->turns))
			return wrong("the wrong page was given back");
		if (some(2) && madvise(slot, 2 * PAGE, MADV_DONTNEED))
			return wrong("madvise: %s", strerror(errno));
		if (some(2) && munmap(slot, 2 * PAGE))
			return wrong("munmap: %s", strerror(errno));
	}
	/* The reclaimer comes while this is on its way, or just before. */
	if (some(2))
		usleep(some(300));
	if (munmap(half, TABLE_SPAN / MAPPERS))
		return wrong("munmap: %s", strerror(errno));
	return NULL;
}

/* All alone in a block: what munmap() leaves there is a hole. */
static const char *zap(struct racer *racer)
{
	char *far = area + TABLES * TABLE_SPAN;

	if (!map_anon(far, 2 * PAGE))
		return wrong("mmap: %s", strerror(errno));
	mark_page(far, 1);
	if (madvise(far, PAGE, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	if (some(2))
		usleep(some(300));
	if (munmap(far, 2 * PAGE))
		return wrong("munmap: %s", strerror(errno));
	return NULL;
}

static const char *body(void *arg)
{
	struct racer racers[] = {
		{ RACER(map_and_unmap), .number = 0, .least = 50 },
		{ RACER(map_and_unmap), .number = 1, .least = 50 },
		{ RACER(zap), .least = 50 },
	};

	return race(racers, 3);
}

TEST_F(munmap, race)
{
	race_needs("tables freed", freed_deferred, 50);
	EXPECT_HARMLESS(in_child(body, NULL));
}

TEST_HARNESS_MAIN
