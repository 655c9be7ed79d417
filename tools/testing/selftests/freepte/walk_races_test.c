// SPDX-License-Identifier: GPL-2.0
/*
 * Whoever reads page tables while they change says what can be true: of pages that nobody changes,
 * what they are; of others, nothing that is impossible; and as much as was asked for.
 *
 * Readers are mincore(), pagemap, PAGEMAP_SCAN, smaps, smaps_rollup, clear_refs and the tree of
 * tables in debugfs; in Rust, where there is a choice. They are raced by what frees tables, takes
 * them away, moves them and puts huge pages in their place.
 */
#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hazard.h"
#include "race.h"
#include "tables.h"
#include "uapi.h"
#include "walk/pagemap.h"
#include "walk/readers.h"
#include "walk/scan.h"
#include "walk/smaps.h"
#include "walk/tree.h"

/*
 * Blocks of a table each. In every block some pages are never touched; in every other one some
 * are held, which are there all the time. The rest is churned, in pieces.
 */
#define BLOCKS		6
#define SIZE		(BLOCKS * TABLE_SPAN)
#define PAGES		(BLOCKS * ENTRIES)
#define SPARE		(2 * TABLE_SPAN)	/* above, to move things to */

#define HELD		256
#define NEVER		300
#define COUNT		8	/* of each */
#define PIECE		(16 * PAGE)
#define BELOW		(HELD * PAGE / PIECE)	/* pieces below what is held */
#define REST		320
#define ABOVE		((ENTRIES - REST) * PAGE / PIECE)

#define MARK		3
#define REGIONS		64
#define UNTOUCHED	0xa5
#define STACKS		(32L << 10)	/* KiB that a test needs besides */

static struct {
	char *area;
	int pagemap;
	bool collapses;		/* Pages come to be that nobody touched. */
	bool has_holes;		/* There is no area at times. */
	bool has_soft_dirty;
	long base;		/* KiB of memory without any of this */
} shared;

static bool is_held(size_t page)
{
	return page / ENTRIES % 2 == 0 && page % ENTRIES - HELD < COUNT;
}

static bool is_never(size_t page)
{
	return !shared.collapses && page % ENTRIES - NEVER < COUNT;
}

static char *page_at(size_t page)
{
	return shared.area + page * PAGE;
}

/* Any part of the area, of this size at most */
static size_t some_part(size_t *first, size_t most)
{
	*first = some(PAGES);
	return 1 + some(PAGES - *first < most ? PAGES - *first : most);
}

static const char *read_mincore(struct racer *racer)
{
	unsigned char answer[2 * ENTRIES + 1];
	size_t first, count = some_part(&first, 2 * ENTRIES), i;

	memset(answer, UNTOUCHED, sizeof(answer));
	if (mincore(page_at(first), count * PAGE, answer)) {
		if (errno == ENOMEM && shared.has_holes)
			return NULL;
		return wrong("mincore: %m");
	}
	for (i = 0; i < count; i++) {
		if (answer[i] > 1)
			return wrong("mincore: %#x of page %zu", answer[i], first + i);
		if (answer[i] ? is_never(first + i) : is_held(first + i))
			return wrong("mincore: page %zu is %d", first + i, answer[i]);
	}
	return answer[count] == UNTOUCHED ? NULL : wrong("mincore: more than was asked for");
}

static const char *check_entry(size_t page, uint64_t entry)
{
	if (entry & PAGEMAP_ZERO)
		return wrong("pagemap: %#llx of page %zu", (unsigned long long)entry, page);
	/* One that is on its way to elsewhere is not present, but there. */
	if (is_held(page) && (!(entry & PAGEMAP_ENTRY) || entry & PAGEMAP_FILE))
		return wrong("pagemap: held page %zu is %#llx", page, (unsigned long long)entry);
	if (is_never(page) && entry & ~PAGEMAP_SOFT_DIRTY)
		return wrong("pagemap: page %zu that was never there is %#llx", page,
			     (unsigned long long)entry);
	return NULL;
}

static const char *read_pagemap(struct racer *racer)
{
	uint64_t entries[2 * ENTRIES + 1];
	size_t first, count = some_part(&first, 2 * ENTRIES), i;
	ssize_t got;

	memset(entries, UNTOUCHED, sizeof(entries));
	got = pagemap_read(shared.pagemap, (uintptr_t)page_at(first), entries, count);
	if (got != (ssize_t)(count * sizeof(*entries)))
		return wrong("pagemap: %zd bytes of %zu entries", got, count);
	for (i = 0; i < count; i++)
		if (check_entry(first + i, entries[i]))
			return what_went_wrong();
	if (entries[count] != 0x0101010101010101ULL * UNTOUCHED)
		return wrong("pagemap: more than was asked for");
	return NULL;
}

/* Of the pages before one region, and not in any */
static const char *check_gap(size_t from, size_t to)
{
	for (; from < to; from++)
		if (is_held(from))
			return wrong("scan: held page %zu is missing", from);
	return NULL;
}

static const char *check_region(const struct page_region *region, size_t from, size_t to)
{
	for (; from < to; from++)
		if (is_never(from))
			return wrong("scan: page %zu that was never there is %#llx", from,
				     region->categories);
	return region->categories & (PAGE_IS_PRESENT | PAGE_IS_SWAPPED) ? NULL :
	       wrong("scan: a region that is %#llx", region->categories);
}

static size_t page_of(uint64_t addr)
{
	return (addr - (uintptr_t)shared.area) / PAGE;
}

static const char *check_regions(const struct pm_scan_arg *scan,
				 const struct page_region regions[], long count)
{
	uint64_t at = scan->start, found = 0;
	long i;

	for (i = 0; i < count; i++) {
		const struct page_region *region = &regions[i];

		if (region->start < at || region->end <= region->start ||
		    region->end > scan->walk_end || (region->start | region->end) % PAGE)
			return wrong("scan: %#llx-%#llx after %#llx and before %#llx",
				     region->start, region->end, (unsigned long long)at,
				     scan->walk_end);
		if (check_gap(page_of(at), page_of(region->start)) ||
		    check_region(region, page_of(region->start), page_of(region->end)))
			return what_went_wrong();
		at = region->end;
		found += (region->end - region->start) / PAGE;
	}
	if (scan->max_pages && found > scan->max_pages)
		return wrong("scan: %llu pages of %llu", (unsigned long long)found,
			     scan->max_pages);
	return check_gap(page_of(at), page_of(scan->walk_end));
}

static const char *scan_pages(struct racer *racer)
{
	struct page_region regions[REGIONS];
	size_t first, count = some_part(&first, PAGES);
	struct pm_scan_arg scan = {
		.size = sizeof(scan),
		.start = (uintptr_t)page_at(first),
		.end = (uintptr_t)page_at(first + count),
		.vec = (uintptr_t)regions,
		.vec_len = 1 + some(REGIONS),
		.max_pages = some(2) ? some(ENTRIES) : 0,
		.category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
		.return_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_HUGE | PAGE_IS_FILE,
	};
	long found = ioctl(shared.pagemap, PAGEMAP_SCAN, &scan);

	if (found < 0 || found > scan.vec_len)
		return wrong("scan: %ld regions of %llu: %m", found, scan.vec_len);
	if (scan.walk_end < scan.start || scan.walk_end > scan.end)
		return wrong("scan: ends at %#llx, of %#llx-%#llx", scan.walk_end, scan.start,
			     scan.end);
	/* It may end before the end for one reason. */
	if (scan.walk_end < scan.end && found < scan.vec_len && !scan.max_pages)
		return wrong("scan: ends with room for %llu regions", scan.vec_len - found);
	return check_regions(&scan, regions, found);
}

/* What is counted is of one kind or the other. */
static const char *check_sums(const struct smaps_area *area, const char *what)
{
	if (area->shared_clean + area->shared_dirty + area->private_clean + area->private_dirty !=
	    area->rss)
		return wrong("%s: kinds of pages are not Rss, %ld kB", what, area->rss);
	if (area->pss > area->rss || area->anonymous > area->rss || area->referenced > area->rss)
		return wrong("%s: more than Rss, %ld kB", what, area->rss);
	return NULL;
}

static bool is_all_held(const struct smaps_area *area)
{
	return area->start >= (uintptr_t)shared.area &&
	       area->end <= (uintptr_t)shared.area + SIZE && is_held(page_of(area->start)) &&
	       is_held(page_of(area->end) - 1);
}

static bool check_area(const struct smaps_area *area, void *arg)
{
	struct smaps_area *before = arg;
	const long size = (area->end - area->start) >> 10;

	if (area->end <= before->end || (!shared.has_holes && area->start < before->end))
		wrong("smaps: the area at %#llx is not in order", (unsigned long long)area->start);
	else if (area->size != size || area->rss > size)
		wrong("smaps: Rss is %ld kB of %ld", area->rss, size);
	else if (is_all_held(area) && area->rss != size)
		wrong("smaps: Rss is %ld kB of %ld that are held", area->rss, size);
	else
		check_sums(area, "smaps");
	*before = *area;
	return !what_went_wrong();
}

static bool check_rollup(const struct smaps_area *sum, void *arg)
{
	const long held = BLOCKS / 2 * COUNT * PAGE >> 10;
	/* What is moved while all is read may be seen twice. */
	const long most = shared.base + ((2 * (SIZE + SPARE)) >> 10) + STACKS;

	if (sum->rss < held || sum->rss > most)
		wrong("smaps_rollup: Rss is %ld kB, not between %ld and %ld", sum->rss, held,
		      most);
	else if (sum->start > (uintptr_t)shared.area ||
		 sum->end < (uintptr_t)shared.area + SIZE)
		wrong("smaps_rollup: is of %#llx-%#llx", (unsigned long long)sum->start,
		      (unsigned long long)sum->end);
	else
		check_sums(sum, "smaps_rollup");
	return false;
}

static const char *sum_areas(struct racer *racer)
{
	struct smaps_area before = {};

	if (some(2)) {
		if (!smaps_read("/proc/self/smaps", check_area, &before))
			return wrong("smaps: an area that is not whole");
	} else if (!smaps_read("/proc/self/smaps_rollup", check_rollup, NULL)) {
		return wrong("smaps_rollup: is not whole");
	}
	return what_went_wrong();
}

static bool is_soft_dirty(const char *page)
{
	uint64_t entry = 0;

	pagemap_read(shared.pagemap, (uintptr_t)page, &entry, 1);
	return entry & PAGEMAP_SOFT_DIRTY;
}

static int write_clear_refs(int what)
{
	const char text[] = { '0' + what, 0 };
	int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
	ssize_t done = fd < 0 ? -1 : write(fd, text, 1);

	close(fd);
	return done == 1 ? 0 : -1;
}

/* One of the pages that are held is ours: nobody else writes to it, or clears its mark. */
static const char *clear(struct racer *racer)
{
	char *page = page_at(HELD);

	if (some(2)) {
		mark_page(page, MARK);
		if (shared.has_soft_dirty && !is_soft_dirty(page))
			return wrong("clear_refs: what is written to is not dirty");
		return write_clear_refs(1 + some(3)) ? wrong("clear_refs: %m") : NULL;
	}
	if (write_clear_refs(4))
		return wrong("clear_refs: %m");
	/* What is collapsed is dirty. */
	if (shared.has_soft_dirty && !shared.collapses && is_soft_dirty(page))
		return wrong("clear_refs: it is still dirty");
	if (!page_marked(page, MARK))
		return wrong("clear_refs: a page is lost");
	return NULL;
}

/* Lines are read one after the other: they may contradict each other, not the form. */
static const char *show_tree(struct racer *racer)
{
	struct tree tree;
	const char *how;
	int err = tree_read(&tree, getpid(), &how);

	if (err)
		return wrong("page_tables: %s", how ? how : strerror(-err));
	how = tree_contradicts(&tree);
	if (!how && !tree_find(&tree, TREE_PMD, shared.area))
		how = "the table above ours is missing";
	tree_free(&tree);
	return how ? wrong("page_tables: %s", how) : NULL;
}

/* Blocks with pages that are held are one racer's, those without are the other's. */
static char *some_block(struct racer *racer)
{
	return shared.area + (2 * some(BLOCKS / 2) + racer->number) * TABLE_SPAN;
}

static char *some_piece(char *block)
{
	unsigned int number = some(BELOW + ABOVE);

	return number < BELOW ? block + number * PIECE :
	       block + REST * PAGE + (number - BELOW) * PIECE;
}

static bool owns_all(struct racer *racer)
{
	return racer->number && !shared.collapses;
}

#define AT_ONCE	3

static const char *zap(struct racer *racer)
{
	char *block = some_block(racer), *pieces[AT_ONCE];
	int i;

	for (i = 0; i < AT_ONCE; i++) {
		pieces[i] = some_piece(block);
		write_pages(pieces[i], PIECE, PAGE);
	}
	for (i = 0; i < AT_ONCE; i++)
		if (madvise(pieces[i], PIECE, MADV_DONTNEED))
			return wrong("MADV_DONTNEED: %m");
	if (owns_all(racer) && !some(4) && madvise(block, TABLE_SPAN, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return NULL;
}

/* The last page of a table goes, for the reclaimer to see to it */
static const char *leave(struct racer *racer)
{
	char *piece = some_piece(some_block(racer));
	size_t at;

	write_pages(piece, PIECE, 5 * PAGE);
	for (at = 0; at < PIECE; at += PAGE)
		if (madvise(piece + at, PAGE, MADV_DONTNEED))
			return wrong("MADV_DONTNEED: %m");
	return NULL;
}

static const char *unmap(struct racer *racer)
{
	char *block = some_block(racer);
	const bool all = owns_all(racer) && !some(4);
	char *piece = all ? block : some_piece(block);
	const size_t size = all ? TABLE_SPAN : PIECE;

	write_pages(all ? some_piece(block) : piece, PIECE, PAGE);
	if (munmap(piece, size))
		return wrong("munmap: %m");
	if (!map_anon(piece, size) || no_huge_pages(piece, size))
		return wrong("mmap: %m");
	return NULL;
}

static bool move_to(char *from, char *to, size_t size)
{
	return mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
}

static const char *move(struct racer *racer)
{
	char *block = some_block(racer);
	const bool all = owns_all(racer) && !some(4);
	char *piece = all ? block : some_piece(block);
	const size_t size = all ? TABLE_SPAN : PIECE;
	char *spare = shared.area + SIZE + racer->number * TABLE_SPAN;
	char *written = all ? some_piece(block) : piece;

	mark_pages(written, PIECE, MARK);
	if (!move_to(piece, spare, size) || !move_to(spare, piece, size))
		return wrong("mremap: %m");
	if (check_marks(written, PIECE, MARK))
		return what_went_wrong();
	return madvise(written, PIECE, MADV_DONTNEED) ? wrong("MADV_DONTNEED: %m") : NULL;
}

static const char *collapse_some(struct racer *racer)
{
	char *block = some_block(racer);
	int i;

	write_pages(some_piece(block), PIECE, PAGE);
	/* That it may fail is not the point. */
	madvise(block, TABLE_SPAN, MADV_COLLAPSE);
	for (i = 0; i < AT_ONCE; i++)
		if (madvise(some_piece(block), PIECE, MADV_DONTNEED))
			return wrong("MADV_DONTNEED: %m");
	if (racer->number && some(2) && madvise(block, TABLE_SPAN, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return NULL;
}

static const char *inherit(struct racer *racer)
{
	char *piece = some_piece(some_block(racer));
	int status;
	pid_t pid;

	mark_pages(piece, PIECE, MARK);
	pid = fork();
	if (pid < 0)
		return wrong("fork: %m");
	if (!pid) {
		const bool right = page_marked(page_at(HELD + 1), MARK);

		mark_page(piece, 1);
		mark_page(page_at(HELD + 1), 1);
		_exit(!right);
	}
	write_pages(piece, PIECE, 3 * PAGE);
	if (waitpid(pid, &status, 0) != pid || status)
		return wrong("a child ends with %#x", status);
	if (!page_marked(page_at(HELD + 1), MARK))
		return wrong("a child changed a page that is held");
	return madvise(piece, PIECE, MADV_DONTNEED) ? wrong("MADV_DONTNEED: %m") : NULL;
}

FIXTURE(walk)
{
};

FIXTURE_VARIANT(walk)
{
	const char *(*turn)(struct racer *racer);
	unsigned int flags;
	bool collapses;
	bool has_holes;
};

FIXTURE_VARIANT_ADD(walk, zap) { .turn = zap };
FIXTURE_VARIANT_ADD(walk, reclaim) { .turn = leave, .flags = HAZARD_DEFER };
FIXTURE_VARIANT_ADD(walk, collapse) { .turn = collapse_some, .collapses = true };
FIXTURE_VARIANT_ADD(walk, munmap) { .turn = unmap, .has_holes = true };
FIXTURE_VARIANT_ADD(walk, mremap) { .turn = move, .has_holes = true };
FIXTURE_VARIANT_ADD(walk, fork) { .turn = inherit };

static bool take_rss(const struct smaps_area *sum, void *arg)
{
	shared.base = sum->rss;
	return false;
}

/* Those that are held, and areas of their own unless huge pages are to map them */
static bool hold_pages(void)
{
	size_t page;

	for (page = 0; page < PAGES; page++)
		if (is_held(page))
			mark_page(page_at(page), MARK);
	for (page = HELD; page < PAGES && !shared.collapses; page += 2 * ENTRIES)
		if (mlock(page_at(page), COUNT * PAGE))
			return false;
	return true;
}

static bool detect_soft_dirty(void)
{
	char *page = page_at(HELD);

	if (write_clear_refs(4) || is_soft_dirty(page))
		return false;
	mark_page(page, MARK);
	return is_soft_dirty(page);
}

FIXTURE_SETUP(walk)
{
	memset(&shared, 0, sizeof(shared));
	ASSERT_TRUE(smaps_read("/proc/self/smaps_rollup", take_rss, NULL));
	shared.collapses = variant->collapses;
	shared.has_holes = variant->has_holes;
	shared.area = arena(SIZE + SPARE);
	ASSERT_NE(NULL, shared.area);
	ASSERT_NE(NULL, map_anon(shared.area, SIZE));
	shared.pagemap = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, shared.pagemap);
	if (madvise(shared.area, SIZE, variant->collapses ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) &&
	    variant->collapses)
		SKIP(return, NO_HUGE_PAGES);
	ASSERT_TRUE(hold_pages());
	shared.has_soft_dirty = detect_soft_dirty();
	if (!readers_lack())
		ASSERT_EQ(0, readers_use(BY_RUST));
	hazard_begin(variant->flags);
}

FIXTURE_TEARDOWN(walk)
{
	hazard_end();
	readers_restore();
}

#define RACERS	5
#define CHANGES	20
#define READS	50
#define SUMS	10
#define FREED	20

/* But for the last one, if it has no turn */
static const char *race_all(struct racer racers[RACERS])
{
	race_needs("tables freed", freed, FREED);
	return race(racers, racers[RACERS - 1].turn ? RACERS : RACERS - 1);
}

TEST_F(walk, entries)
{
	struct racer racers[RACERS] = {
		{ .turn = variant->turn, .name = "change", .number = 0, .least = CHANGES },
		{ .turn = variant->turn, .name = "change", .number = 1, .least = CHANGES },
		{ RACER(read_mincore), .least = READS },
		{ RACER(read_pagemap), .least = READS },
		{ RACER(scan_pages), .least = READS },
	};

	EXPECT_HARMLESS(race_all(racers));
}

TEST_F(walk, sums)
{
	struct racer racers[RACERS] = {
		{ .turn = variant->turn, .name = "change", .number = 0, .least = CHANGES },
		{ .turn = variant->turn, .name = "change", .number = 1, .least = CHANGES },
		{ RACER(sum_areas), .least = SUMS },
		{ RACER(clear), .least = SUMS },
		{ .turn = tree_lacks() ? NULL : show_tree, .name = "show_tree", .least = SUMS },
	};

	if (!shared.has_soft_dirty)
		TH_LOG("no soft-dirty bits: clear_refs is not checked");
	EXPECT_HARMLESS(race_all(racers));
}

TEST_HARNESS_MAIN
