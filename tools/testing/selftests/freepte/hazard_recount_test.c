// SPDX-License-Identifier: GPL-2.0
/*
 * The count of a table is right whatever is done to its entries, by many at once.
 *
 * There is no single patch to it: each way to change an entry must count. One that does not leaves
 * a table that is never freed, which is seen in the end by its excess, or one that is freed with
 * live entries, which is seen as data that is lost. Debug kernels count the entries of each table
 * anew when its lock is dropped, and complain at once.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#include "account.h"
#include "files.h"
#include "hazard.h"
#include "knobs.h"
#include "ksm.h"
#include "race.h"
#include "tables.h"
#include "uapi.h"
#include "uffd.h"
#include "zram.h"

#define TABLES		8
#define SIZE		(TABLES * TABLE_SPAN)
/* Each racer has a part of each table; the last one is another area, with a userfaultfd. */
#define PARTS		8
#define PART		(TABLE_SPAN / PARTS)
#define PIECE		(64UL << 10)
#define UFFD_PART	(PARTS - 1)

#define MTHP		"/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled"
#define MTHP_SWPIN	"/sys/kernel/mm/transparent_hugepage/hugepages-64kB/stats/swpin"
#define SWAP_SIZE	(64UL << 20)

static struct {
	char *area;
	int uffd;
	struct zram zram;
} shared;

static char *own_piece(struct racer *racer)
{
	return shared.area + some(TABLES) * TABLE_SPAN + racer->number * PART +
	       some(PART / PIECE) * PIECE;
}

static const char *advise(char *addr, size_t size, int advice)
{
	return madvise(addr, size, advice) ? wrong("madvise(%d): %m", advice) : NULL;
}

/* Large folios go to swap as one, and come back as one or in pieces. */
static const char *swap(struct racer *racer)
{
	const char *_wrong;
	char *piece = own_piece(racer);
	size_t some_pages = (1 + some(PIECE / PAGE)) * PAGE;

	mark_pages(piece, PIECE, racer->turns);
	_wrong = advise(piece, some_pages, MADV_PAGEOUT);
	if (!_wrong && some(2))
		_wrong = advise(piece, PIECE, MADV_WILLNEED);
	if (!_wrong && some(2))
		_wrong = check_marks(piece, PIECE, racer->turns);
	if (!_wrong && some(4))
		_wrong = advise(piece + some(PIECE / PAGE) * PAGE, PAGE, MADV_DONTNEED);
	return _wrong ? _wrong : advise(piece, PIECE, MADV_DONTNEED);
}

static const char *lazyfree(struct racer *racer)
{
	const char *_wrong;
	char *piece = own_piece(racer);
	uint64_t mark = racer->turns + 1;

	mark_page(piece, mark);
	mark_page(piece + 5 * PAGE, mark);
	_wrong = advise(piece, PIECE, MADV_FREE);
	if (!_wrong && some(2))
		_wrong = advise(piece, PIECE, MADV_PAGEOUT);
	if (_wrong)
		return _wrong;
	if (!page_marked(piece, mark) && !page_zero(piece))
		return wrong("a page that may be freed is neither there nor gone");
	mark_page(piece, mark + 1);
	if (!page_marked(piece, mark + 1))
		return wrong("a page that was written again is lost");
	return advise(piece, PIECE, MADV_DONTNEED);
}

static const char *guard_piece(struct racer *racer)
{
	const char *_wrong;
	char *piece = own_piece(racer);
	size_t pages = (1 + some(PIECE / PAGE)) * PAGE;

	mark_page(piece, racer->turns);
	if (madvise(piece, pages, MADV_GUARD_INSTALL)) {
		/* EINTR: others fault pages in, or there are no guards. */
		return errno == EINTR || errno == EINVAL ? NULL : wrong("a guard: %m");
	}
	_wrong = advise(piece, PIECE, MADV_DONTNEED);
	if (!_wrong)
		_wrong = advise(piece, PIECE, MADV_GUARD_REMOVE);
	if (!_wrong && !page_zero(piece))
		_wrong = wrong("a guarded page is back");
	return _wrong ? _wrong : advise(piece, PIECE, MADV_DONTNEED);
}

static const char *protect(struct racer *racer)
{
	const char *_wrong = NULL;
	char *piece = own_piece(racer);

	if (some(2))
		mark_page(piece, 1);
	if (uffd_protect(shared.uffd, piece, PIECE, 1))
		return wrong("UFFDIO_WRITEPROTECT: %m");
	if (some(2))
		_wrong = advise(piece, PIECE, MADV_PAGEOUT);
	if (some(2))
		mark_page(piece + PAGE, 1);
	if (!_wrong && some(2))
		_wrong = advise(piece, PIECE, MADV_DONTNEED);
	if (!_wrong && uffd_protect(shared.uffd, piece, PIECE, 0))
		return wrong("UFFDIO_WRITEPROTECT: %m");
	return _wrong ? _wrong : advise(piece, PIECE, MADV_DONTNEED);
}

/* Equal pages become one. Its entries are replaced by others, and by those of copies. */
static const char *merge(struct racer *racer)
{
	char *piece = own_piece(racer);
	size_t at;

	for (at = 0; at < PIECE; at += PAGE)
		mark_page(piece + at, 5);
	usleep(1000);
	mark_page(piece, racer->turns);
	if (!page_marked(piece, racer->turns) || !page_marked(piece + PAGE, 5))
		return wrong("a merged page is lost");
	return advise(piece, PIECE, MADV_DONTNEED);
}

static const char *inherit(struct racer *racer)
{
	char *piece = own_piece(racer);
	int status;
	pid_t pid;

	mark_pages(piece, PIECE, racer->turns);
	if (some(2) && madvise(piece, PIECE / 2, MADV_PAGEOUT))
		return wrong("MADV_PAGEOUT: %m");
	pid = fork();
	if (pid < 0)
		return wrong("fork: %m");
	if (!pid) {
		const char *_wrong = check_marks(piece, PIECE, racer->turns);

		mark_page(piece, 1);
		madvise(piece, PIECE / 4, MADV_DONTNEED);
		_exit(!!_wrong);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return wrong("a child ends with %#x", status);
	if (check_marks(piece, PIECE, racer->turns))
		return wrong("a child took our pages");
	return advise(piece, PIECE, MADV_DONTNEED);
}

/* A move within the table, and back */
static const char *move_piece(struct racer *racer)
{
	char *piece = shared.area + some(TABLES) * TABLE_SPAN + racer->number * PART;
	char *to = piece + PART / 2;

	mark_pages(piece, PIECE, racer->turns);
	if (mprotect(piece, PIECE / 2, PROT_READ) ||
	    mprotect(piece, PIECE / 2, PROT_READ | PROT_WRITE))
		return wrong("mprotect: %m");
	if (mremap(piece, PIECE, PIECE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		return wrong("mremap: %m");
	if (check_marks(to, PIECE, racer->turns))
		return wrong("lost on the move");
	if (mremap(to, PIECE, PIECE, MREMAP_MAYMOVE | MREMAP_FIXED, piece) != piece)
		return wrong("mremap: %m");
	if (!map_anon(to, PIECE))
		return wrong("mmap: %m");
	if (check_marks(piece, PIECE, racer->turns))
		return wrong("lost on the way back");
	usleep(1000);
	return advise(piece, PIECE, MADV_DONTNEED);
}

/* All that is in swap comes back at once. */
static const char *swap_off_and_on(struct racer *racer)
{
	const char *reason;

	usleep(300 * 1000);
	if (zram_swap_off(&shared.zram))
		return wrong("swapoff: %m");
	zram_remove(&shared.zram);
	reason = zram_swap_on(&shared.zram, SWAP_SIZE);
	return reason ? wrong("%s", reason) : NULL;
}

FIXTURE(recount)
{
	char mthp[128];
};

FIXTURE_SETUP(recount)
{
	const char *reason;
	int i;

	memset(&shared, 0, sizeof(shared));
	shared.zram.number = -1;
	self->mthp[0] = 0;
	reason = zram_swap_on(&shared.zram, SWAP_SIZE);
	if (reason)
		SKIP(return, "%s", reason);
	shared.area = arena(SIZE);
	ASSERT_NE(NULL, shared.area);
	ASSERT_NE(NULL, map_anon(shared.area, SIZE));
	if (file_read(MTHP, self->mthp, sizeof(self->mthp)) || file_write(MTHP, "always"))
		self->mthp[0] = 0;
	/* No table is one area, so that no page is as large as that. */
	shared.uffd = uffd_open(UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_ASYNC);
	for (i = 0; shared.uffd >= 0 && i < TABLES; i++)
		ASSERT_EQ(0, uffd_register(shared.uffd, shared.area + i * TABLE_SPAN +
					   UFFD_PART * PART, PART, UFFDIO_REGISTER_MODE_WP));
	account_open(&own_account, 0);
	hazard_begin(0);
}

FIXTURE_TEARDOWN(recount)
{
	char *start = strchr(self->mthp, '[');

	hazard_end();
	if (start) {
		start[strcspn(start, "]")] = 0;
		file_write(MTHP, start + 1);
	}
	ksm_restore();
	zram_remove(&shared.zram);
}

#define RACE(count) do {								\
	race_needs("tables freed", freed, 20);						\
	EXPECT_HARMLESS(race(racers, count));						\
	ASSERT_EQ(0, madvise(shared.area, SIZE, MADV_DONTNEED));			\
	if (have_free_user_pte())							\
		EXPECT_EXCESS_0();							\
	EXPECT_EQ(0, entries_in(0, shared.area, SIZE));					\
} while (0)

/* Large folios that came back from swap as such: many entries set at once over swap entries */
static long large_swapped_in(void)
{
	char text[32];

	return file_read(MTHP_SWPIN, text, sizeof(text)) ? -1 : atol(text);
}

static long large_before, swapped_before;

static long large_came_back(void)
{
	return large_swapped_in() - large_before;
}

static long swapped_out(void)
{
	return vm_counter("pswpout") - swapped_before;
}

TEST_F(recount, swap)
{
	struct racer racers[] = {
		{ RACER(swap), .number = 0, .least = 20 },
		{ RACER(lazyfree), .number = 1, .least = 20 },
		{ RACER(swap), .number = 2, .least = 20 },
	};

	swapped_before = vm_counter("pswpout");
	race_needs("pages swapped out", swapped_out, 100);
	large_before = large_swapped_in();
	if (self->mthp[0] && large_before >= 0)
		race_needs("large folios swapped in", large_came_back, 5);
	RACE(3);
}

TEST_F(recount, swap_off)
{
	struct racer racers[] = {
		{ RACER(swap), .number = 0, .least = 20 },
		{ RACER(swap), .number = 1, .least = 20 },
		{ RACER(swap_off_and_on), .least = 5 },
	};

	RACE(3);
}

TEST_F(recount, markers)
{
	struct racer racers[] = {
		{ RACER(guard_piece), .number = 0, .least = 50 },
		{ RACER(protect), .number = UFFD_PART, .least = 50 },
		{ RACER(swap), .number = 2, .least = 20 },
	};

	if (shared.uffd < 0)
		SKIP(return, "no userfaultfd with markers");
	RACE(3);
}

static long scans_before;

static long scans(void)
{
	return ksm_read("full_scans") - scans_before;
}

TEST_F(recount, merged)
{
	struct racer racers[] = {
		{ RACER(merge), .number = 0, .least = 20 },
		{ RACER(merge), .number = 1, .least = 20 },
		{ RACER(lazyfree), .number = 2, .least = 20 },
	};

	if (!ksm_start())
		SKIP(return, "no KSM (CONFIG_KSM)");
	ASSERT_EQ(0, madvise(shared.area, SIZE, MADV_MERGEABLE));
	scans_before = ksm_read("full_scans");
	ASSERT_LE(0, scans_before);
	race_needs("scans by ksmd", scans, 3);
	RACE(3);
}

TEST_F(recount, mixture)
{
	struct racer racers[] = {
		{ RACER(swap), .number = 0, .least = 20 },
		{ RACER(lazyfree), .number = 1, .least = 20 },
		{ RACER(guard_piece), .number = 2, .least = 20 },
		{ RACER(inherit), .number = 3, .least = 20 },
		{ RACER(move_piece), .number = 4, .least = 20 },
	};

	RACE(5);
}

TEST_HARNESS_MAIN
