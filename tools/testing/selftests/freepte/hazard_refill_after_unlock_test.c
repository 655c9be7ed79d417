// SPDX-License-Identifier: GPL-2.0
/*
 * A zap that has been through a whole table may have dropped the table's lock on the way, and
 * others may have filled what it had emptied. To free the table for what the zap saw loses their
 * pages, leaks them, and upsets the counters of the mm: see the fix of zap_pte_range() of February
 * 2025. mm/memory.c must ask the count, under the lock, at the end.
 *
 * Takes luck: the table must be refilled between two looks at it. That a zap has to drop the lock
 * is made likely by dirty pages of a shared file, of which a small batch fits before a flush.
 */
#include "harness.h"

#include "files.h"
#include "hazard.h"
#include "race.h"
#include "tables.h"

#define FILLERS	2

static char *area;
static uint64_t words[FILLERS][ENTRIES];

FIXTURE(refill)
{
};

FIXTURE_VARIANT(refill)
{
	bool shared;
};

FIXTURE_VARIANT_ADD(refill, anonymous)
{
	.shared = false,
};

FIXTURE_VARIANT_ADD(refill, shared_file)
{
	.shared = true,
};

FIXTURE_SETUP(refill)
{
	area = arena(TABLE_SPAN);
	ASSERT_NE(NULL, area);
	if (variant->shared)
		area = map_file(area, TABLE_SPAN, shmem_file(TABLE_SPAN), MAP_SHARED);
	else
		area = map_anon(area, TABLE_SPAN);
	ASSERT_NE(NULL, area);
	hazard_begin(0);
}

FIXTURE_TEARDOWN(refill)
{
	hazard_end();
}

/*
 * Each filler has words of its own in each page. A word is either what it wrote last or, if the
 * page is anonymous, 0 if that was given back; but never anything older.
 */
static const char *fill(struct racer *racer)
{
	unsigned int page = some(ENTRIES);
	uint64_t *word = (uint64_t *)(area + page * PAGE) + racer->number;
	uint64_t *last = &words[racer->number][page];
	uint64_t value = word_read(word);

	if (value != *last && (racer->arg || value))
		return wrong("page %u: %#llx instead of %#llx", page, (unsigned long long)value,
			     (unsigned long long)*last);
	word_write(word, ++*last);
	/* Let the zap see the table empty now and then. */
	if (!some(256))
		sleep_ms(1);
	return NULL;
}

static const char *zap(struct racer *racer)
{
	if (madvise(area, TABLE_SPAN, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	return NULL;
}

static const char *body(void *arg)
{
	struct racer racers[FILLERS + 1] = { { RACER(zap), .least = 50 } };
	unsigned int i;

	for (i = 0; i < FILLERS; i++)
		racers[i + 1] = (struct racer){ RACER(fill), .number = i, .arg = arg, .least = 500 };
	return race(racers, FILLERS + 1);
}

/* In a child: what is lost for the counters of its mm is noticed when it exits. */
TEST_F(refill, race)
{
	race_needs("tables freed at once", freed_sync, 20);
	EXPECT_HARMLESS(in_child(body, variant->shared ? self : NULL));
}

/* What is written when the zap is over must be there. */
TEST_F(refill, then_check)
{
	uint64_t mark = 0;

	race_needs("tables freed at once", freed_sync, 10);
	while (race_goes_on()) {
		mark_pages(area, TABLE_SPAN, ++mark);
		EXPECT_HARMLESS(check_marks(area, TABLE_SPAN, mark));
		ASSERT_EQ(0, madvise(area, TABLE_SPAN, MADV_DONTNEED));
		if (variant->shared)
			EXPECT_HARMLESS(check_marks(area, TABLE_SPAN, mark));
	}
	EXPECT_HARMLESS(what_went_wrong());
}

TEST_HARNESS_MAIN
