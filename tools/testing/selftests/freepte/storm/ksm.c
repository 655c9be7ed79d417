// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that are alike, so that ksmd makes one of them, in this crew and in others; and ksmd.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"

#include "storm.h"

#define RUN	"/sys/kernel/mm/ksm/run"
#define TABLES	4
#define PAGES	32	/* of each table */
#define KINDS	3

static char *area;
/* What is in each page; 0: zeroes */
static unsigned char kinds[TABLES][PAGES];

static const char *ksm_lacks(void)
{
	return access(RUN, W_OK) ? "no KSM" : NULL;
}

static const char *ksm_start(struct part *part)
{
	area = arena(TABLES * TABLE_SPAN);
	if (!area || !map_anon(area, TABLES * TABLE_SPAN) ||
	    madvise(area, TABLES * TABLE_SPAN, MADV_MERGEABLE))
		return wrong("ksm: %m");
	return NULL;
}

static const char *look_at(unsigned int table, unsigned int number)
{
	const char *page = area + table * TABLE_SPAN + number * PAGE;

	if (page_marked(page, kinds[table][number]))
		return NULL;
	return wrong("ksm: page %u of table %u holds %#llx, not %u", number, table,
		     (unsigned long long)word_read(page), kinds[table][number]);
}

static const char *ksm_turn(struct part *part)
{
	unsigned int table = pick(&part->random, TABLES), number;
	const char *_wrong = NULL;

	for (number = 0; !_wrong && number < PAGES; number++) {
		char *page = area + table * TABLE_SPAN + number * PAGE;

		_wrong = look_at(table, number);
		if (!_wrong && one_in(&part->random, 4)) {
			kinds[table][number] = 1 + pick(&part->random, KINDS);
			mark_page(page, kinds[table][number]);
		}
	}
	if (!_wrong && one_in(&part->random, 4)) {
		memset(kinds[table], 0, PAGES);
		if (madvise(area + table * TABLE_SPAN, PAGES * PAGE, MADV_DONTNEED))
			_wrong = wrong("ksm: madvise: %m");
	}
	/* Until ksmd comes around */
	nap(20);
	return _wrong;
}

/* The last one lets go of all that is merged, which breaks what the others merge. */
static const char *ksmd_turn(struct part *part)
{
	static const char *const how[] = { "1", "1", "1", "0", "2" };
	const char *run = how[pick(&part->random, ARRAY_SIZE(how))];
	int err = file_write(RUN, run);

	if (err && err != -EINTR && err != -ENOMEM)
		return wrong("ksmd: %s", strerror(-err));
	nap(*run == '1' ? 2000 : 100);
	return NULL;
}

/* Whatever was merged is let go, so that nothing of it is in the account of the end. */
static void ksmd_end(struct part *part)
{
	file_write(RUN, "2");
}

const struct actor ksm_actor = {
	.name = "ksm",
	.lacks = ksm_lacks,
	.start = ksm_start,
	.turn = ksm_turn,
};

const struct actor ksmd_actor = {
	.name = "ksmd",
	.world = true,
	.lacks = ksm_lacks,
	.turn = ksmd_turn,
	.end = ksmd_end,
};
