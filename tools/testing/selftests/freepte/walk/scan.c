// SPDX-License-Identifier: GPL-2.0
/*
 * ioctl PAGEMAP_SCAN
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "kselftest.h"

#include "tables.h"
#include "walk/scan.h"

#define UNTOUCHED	0xa5
#define ALL		((1ULL << CATEGORIES) - 1)

/* One more, to see that nothing is written there */
static struct page_region regions[SCAN_MOST_REGIONS + 1];

static const uint64_t some_lens[] = { 1, 2, 3, 5, 64, 511, 512, 513, SCAN_MOST_REGIONS };
static const uint64_t some_pages[] = { 0, 1, 3, 7, 511, 512, 513, 1024, 5000 };

static struct pm_scan_arg scan_of(uint64_t start, uint64_t end)
{
	return (struct pm_scan_arg){
		.size = sizeof(struct pm_scan_arg),
		.start = start,
		.end = end,
		.vec = (uintptr_t)regions,
		.vec_len = SCAN_MOST_REGIONS,
		.walk_end = 0x5a5a,
		.return_mask = ALL,
	};
}

void note_scan(struct transcript *to, int fd, struct pm_scan_arg scan)
{
	const size_t room = (scan.vec_len + 1) * sizeof(*regions);
	const bool ours = scan.vec == (uintptr_t)regions && room <= sizeof(regions);
	char words[200];
	long ret;

	snprintf(words, sizeof(words),
		 "scan %#llx-%#llx flags %llx, inverted %llx mask %llx anyof %llx return %llx, %llu regions %llu pages",
		 scan.start, scan.end, scan.flags, scan.category_inverted, scan.category_mask,
		 scan.category_anyof_mask, scan.return_mask, scan.vec_len, scan.max_pages);
	if (ours)
		memset(regions, UNTOUCHED, room);
	ret = ioctl(fd, PAGEMAP_SCAN, &scan);
	note_returned(to, ret, words);
	note_number(to, scan.walk_end, "walk_end");
	/* All that could have been written to, if it is not too much for hundreds of notes */
	if (ours)
		note(to, regions, ret < 0 ? room : (ret + 1) * sizeof(*regions), "its regions");
}

static void note_masks(struct transcript *to, int fd, struct pm_scan_arg scan, uint64_t inverted,
		       uint64_t mask, uint64_t anyof, uint64_t return_mask)
{
	scan.category_inverted = inverted;
	scan.category_mask = mask;
	scan.category_anyof_mask = anyof;
	scan.return_mask = return_mask;
	note_scan(to, fd, scan);
}

void note_scan_table(struct transcript *to, int fd, uint64_t start, uint64_t end)
{
	static const uint64_t masks[][4] = {
		/* inverted, mask, anyof, return */
		{ 0, 0, 0, ALL },
		{ 0, 0, 0, 0 },
		{ ALL, 0, 0, ALL },
		{ 0, 0, ALL, ALL },
		{ 0, PAGE_IS_PRESENT, 0, PAGE_IS_PRESENT },
		{ 0, 0, PAGE_IS_PRESENT | PAGE_IS_SWAPPED, ALL },
		{ PAGE_IS_FILE, PAGE_IS_PRESENT | PAGE_IS_FILE, 0, PAGE_IS_PRESENT | PAGE_IS_HUGE },
		{ PAGE_IS_PFNZERO, PAGE_IS_PFNZERO, PAGE_IS_PRESENT | PAGE_IS_SWAPPED, ALL },
		/* The kernel does it in another way if it is just this. */
		{ 0, PAGE_IS_WRITTEN, 0, PAGE_IS_WRITTEN },
		{ 0, PAGE_IS_WRITTEN | PAGE_IS_WPALLOWED, 0, PAGE_IS_WRITTEN },
		{ PAGE_IS_WRITTEN, PAGE_IS_WRITTEN, 0, ALL },
		{ PAGE_IS_WPALLOWED, PAGE_IS_WPALLOWED, 0, ALL },
		{ 0, PAGE_IS_SOFT_DIRTY, 0, PAGE_IS_SOFT_DIRTY },
		{ PAGE_IS_SOFT_DIRTY, PAGE_IS_SOFT_DIRTY, PAGE_IS_PRESENT, PAGE_IS_SOFT_DIRTY },
	};
	const struct pm_scan_arg scan = scan_of(start, end);
	struct pm_scan_arg other;
	int i;

	for (i = 0; i < ARRAY_SIZE(masks); i++)
		note_masks(to, fd, scan, masks[i][0], masks[i][1], masks[i][2], masks[i][3]);
	for (i = 0; i < CATEGORIES; i++) {
		const uint64_t category = 1ULL << i;

		note_masks(to, fd, scan, 0, category, 0, ALL);
		note_masks(to, fd, scan, category, category, 0, ALL);
		note_masks(to, fd, scan, 0, 0, category, category);
		note_masks(to, fd, scan, 0, 0, 0, category);
	}
	/* Whoever asks for nothing gets nothing, and learns where it ended. */
	other = scan;
	other.vec = 0;
	other.vec_len = 0;
	note_scan(to, fd, other);
	other.max_pages = 3;
	note_scan(to, fd, other);
	other = scan;
	other.flags = PM_SCAN_CHECK_WPASYNC;
	note_scan(to, fd, other);
	/* An end within a page, and a range that is none */
	other = scan;
	other.end -= 1;
	note_scan(to, fd, other);
	other.end = other.start;
	note_scan(to, fd, other);
}

void note_scan_limits(struct transcript *to, int fd, uint64_t start, uint64_t end)
{
	int i, j, k;

	for (i = 0; i < ARRAY_SIZE(some_lens); i++) {
		for (j = 0; j < ARRAY_SIZE(some_pages); j++) {
			for (k = 0; k < 2; k++) {
				struct pm_scan_arg scan = scan_of(start, end);

				scan.vec_len = some_lens[i];
				scan.max_pages = some_pages[j];
				if (k)
					scan.category_anyof_mask = PAGE_IS_PRESENT |
								   PAGE_IS_SWAPPED;
				note_scan(to, fd, scan);
			}
		}
	}
}

void note_scan_errors(struct transcript *to, int fd, uint64_t start, uint64_t end)
{
	const struct pm_scan_arg scan = scan_of(start, end);
	struct pm_scan_arg other;
	char *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

#define NOTE_WITH(field, value) do {							\
	other = scan;									\
	other.field = value;								\
	note_scan(to, fd, other);							\
} while (0)

	NOTE_WITH(size, 0);
	NOTE_WITH(size, sizeof(other) - 8);
	NOTE_WITH(size, sizeof(other) + 8);
	NOTE_WITH(flags, 1 << 2);
	NOTE_WITH(flags, 1ULL << 63);
	NOTE_WITH(category_mask, 1ULL << CATEGORIES);
	NOTE_WITH(category_inverted, 1ULL << 40);
	NOTE_WITH(category_anyof_mask, ~0ULL);
	NOTE_WITH(return_mask, 1ULL << 63);
	NOTE_WITH(start, start + 1);
	NOTE_WITH(start, end + PAGE);
	NOTE_WITH(end, ~0ULL);
	NOTE_WITH(vec, 0);
	NOTE_WITH(vec, 0xffff888000000000);
	NOTE_WITH(vec, 16);
	NOTE_WITH(vec_len, ~0ULL);
#undef NOTE_WITH
	note_returned(to, ioctl(fd, PAGEMAP_SCAN, 16), "arguments that are nowhere");
	note_returned(to, ioctl(fd, _IO('f', 16), &other), "another ioctl");
	if (page == MAP_FAILED)
		return;
	/* They can be read, and where it ended cannot be written. */
	memcpy(page, &scan, sizeof(scan));
	mprotect(page, PAGE, PROT_READ);
	note_returned(to, ioctl(fd, PAGEMAP_SCAN, page), "arguments that are read-only");
	munmap(page, PAGE);
}

/* None, a few, or all */
static uint64_t any_mask(struct random *random)
{
	uint64_t mask = 0;
	int i;

	if (one_in(random, 8))
		return ALL;
	for (i = pick(random, 4); i; i--)
		mask |= 1ULL << pick(random, CATEGORIES);
	return mask;
}

struct pm_scan_arg scan_any(struct random *random, uint64_t start, uint64_t end, uint64_t most)
{
	const uint64_t pages = (end - start) / PAGE;
	struct pm_scan_arg scan = scan_of(start, end);

	if (!one_in(random, 3)) {
		scan.start = start + random_next(random) % pages * PAGE;
		scan.end = scan.start + random_next(random) % (end - scan.start) + 1;
	}
	if (scan.end - scan.start > most)
		scan.end = scan.start + most;
	if (one_in(random, 2))
		scan.vec_len = some_lens[pick(random, ARRAY_SIZE(some_lens))];
	scan.max_pages = some_pages[pick(random, ARRAY_SIZE(some_pages))];
	scan.category_inverted = one_in(random, 2) ? any_mask(random) : 0;
	scan.category_mask = one_in(random, 2) ? any_mask(random) : 0;
	scan.category_anyof_mask = one_in(random, 2) ? any_mask(random) : 0;
	scan.return_mask = one_in(random, 3) ? any_mask(random) : ALL;
	return scan;
}
