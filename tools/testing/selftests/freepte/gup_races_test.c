// SPDX-License-Identifier: GPL-2.0
/*
 * Who takes pages without a lock gets those that are mapped there, whatever happens to the mapping.
 *
 * One racer changes how pages are mapped; another pins them, and a third one takes references. Each
 * page carries a mark that names its place in the area: no other must ever be seen. Where memory
 * belongs to who pins it, it must be the mark that was written last, by the processor.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#include "files.h"
#include "gup_test.h"
#include "hazard.h"
#include "knobs.h"
#include "pages.h"
#include "race.h"
#include "tables.h"
#include "uapi.h"

#define TABLES	2
#define SIZE	(TABLES * TABLE_SPAN)
#define PIECE	16
#define PINNERS	2
#define SPLIT	"/sys/kernel/debug/split_huge_pages"

static struct {
	char *area;
	int file;
	int pipe[2];
	/* How the area is mapped: by whoever maps it again */
	int prot, flags;
	unsigned long pinned, got;
} shared;

/* Each has a file of the driver of its own, and in some races pages of its own. */
struct pinner {
	int gup;
	char copy[PIECE * PAGE];
};

static uint64_t mark_at(const char *page, unsigned long turn)
{
	return mark_of(shared.area, page, turn);
}

static void mark_all(char *start, size_t size, unsigned long turn)
{
	char *page;

	for (page = start; page < start + size; page += PAGE)
		mark_page(page, mark_at(page, turn));
}

/* Somewhere, across the border of two tables now and then */
static char *some_piece(void)
{
	return shared.area + some((SIZE - PIECE * PAGE) / PAGE + 1) * PAGE;
}

/* What was seen is of that page, or nothing has been written there yet. */
static const char *check_places(const char *copy, const char *piece)
{
	size_t at, word;

	for (at = 0; at < PIECE * PAGE; at += PAGE) {
		for (word = 0; word < PAGE; word += PAGE - sizeof(uint64_t)) {
			uint64_t mark = *(const uint64_t *)(copy + at + word);

			if (mark && !is_mark_of(shared.area, piece + at, mark))
				return wrong("page %zu has the mark %#llx",
					     (piece + at - shared.area) / PAGE,
					     (unsigned long long)mark);
		}
	}
	return NULL;
}

static const char *check_turn(const char *copy, const char *piece, unsigned long turn)
{
	size_t at;

	for (at = 0; at < PIECE * PAGE; at += PAGE)
		if (!page_marked(copy + at, mark_at(piece + at, turn)))
			return wrong("who pins page %zu sees %#llx, the process %#llx",
				     (piece + at - shared.area) / PAGE,
				     *(const unsigned long long *)(copy + at),
				     (unsigned long long)mark_at(piece + at, turn));
	return NULL;
}

/* For long, without a lock: 0, or the errno */
static int pin(struct pinner *pinner, const char *piece, bool write)
{
	struct pin_longterm_test test = {
		.addr = (uintptr_t)piece,
		.size = PIECE * PAGE,
		.flags = PIN_LONGTERM_TEST_FLAG_USE_FAST |
			 (write ? PIN_LONGTERM_TEST_FLAG_USE_WRITE : 0),
	};

	if (ioctl(pinner->gup, PIN_LONGTERM_TEST_START, &test))
		return errno;
	__atomic_fetch_add(&shared.pinned, 1, __ATOMIC_RELAXED);
	return 0;
}

static const char *look_and_unpin(struct pinner *pinner)
{
	__u64 to = (uintptr_t)pinner->copy;

	if (ioctl(pinner->gup, PIN_LONGTERM_TEST_READ, &to))
		return wrong("read: %m");
	if (ioctl(pinner->gup, PIN_LONGTERM_TEST_STOP))
		return wrong("unpin: %m");
	return NULL;
}

/* Pins what others change. There may be nothing now, or something that can't move now. */
static const char *pin_any(struct racer *racer)
{
	char *piece = some_piece();
	int err = pin(racer->arg, piece, some(2));

	if (err)
		return err == EFAULT || err == ENOMEM || err == EAGAIN ? NULL :
		       wrong("pin: %s", strerror(err));
	if (look_and_unpin(racer->arg))
		return what_went_wrong();
	return check_places(((struct pinner *)racer->arg)->copy, piece);
}

/* The same with references, through a pipe */
static const char *get_any(struct racer *racer)
{
	static __thread char copy[PIECE * PAGE];
	char *piece = some_piece();
	struct iovec iov = { .iov_base = piece, .iov_len = PIECE * PAGE };
	ssize_t done = vmsplice(shared.pipe[1], &iov, 1, SPLICE_F_NONBLOCK);

	if (done < 0)
		return errno == EFAULT || errno == EAGAIN ? NULL : wrong("vmsplice: %m");
	memset(copy, 0, sizeof(copy));
	if (read(shared.pipe[0], copy, done) != done)
		return wrong("read: %m");
	__atomic_fetch_add(&shared.got, 1, __ATOMIC_RELAXED);
	return check_places(copy, piece);
}

/* Of the pages that one of them pins, and nobody else writes to */
static char *own_piece(long number)
{
	return shared.area + number * TABLE_SPAN / 2 + some(64) * PAGE;
}

/* Pins its own memory, writes, and sees by the pin what it wrote. */
static const char *pin_own(struct racer *racer)
{
	struct pinner *pinner = racer->arg;
	char *piece = own_piece(racer->number);
	unsigned long turn = 2 * racer->turns + 1;
	int err;

	mark_all(piece, PIECE * PAGE, turn);
	err = pin(pinner, piece, some(2));
	if (err)
		return err == EAGAIN || err == ENOMEM ? NULL : wrong("pin: %s", strerror(err));
	mark_all(piece, PIECE * PAGE, turn + 1);
	if (look_and_unpin(pinner))
		return what_went_wrong();
	return check_turn(pinner->copy, piece, turn + 1);
}

static const char *map_again(struct racer *racer)
{
	char *piece = some_piece();

	if (munmap(piece, PIECE * PAGE))
		return wrong("munmap: %m");
	if (mmap(piece, PIECE * PAGE, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != piece)
		return wrong("mmap: %m");
	mark_all(piece, PIECE * PAGE, racer->turns);
	return NULL;
}

/* Both tables become empty, and are freed. */
static const char *empty_tables(struct racer *racer)
{
	char *piece = some_piece();

	if (madvise(shared.area, SIZE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	mark_all(piece, PIECE * PAGE, racer->turns);
	return NULL;
}

/* A child that writes to some of what it shares with its parent, where others pin at the time */
static const char *fork_and_write(struct racer *racer)
{
	char *piece = own_piece(some(PINNERS));
	int status;
	pid_t pid = fork();
	size_t at;

	if (!pid) {
		for (at = 0; at < PIECE * PAGE; at += PAGE)
			mark_page(piece + at, ~0ULL);
		_exit(0);
	}
	if (pid < 0)
		return wrong("fork: %m");
	if (waitpid(pid, &status, 0) != pid || status)
		return wrong("a child ended with %#x", status);
	return NULL;
}

/* The same of huge pages, if they can be made again */
static const char *fork_huge(struct racer *racer)
{
	madvise(shared.area + some(TABLES) * TABLE_SPAN, TABLE_SPAN, MADV_COLLAPSE);
	return fork_and_write(racer);
}

static const char *split(struct racer *racer)
{
	char *table = shared.area + some(TABLES) * TABLE_SPAN;
	char *last = table + TABLE_SPAN - PAGE;
	char words[96];

	switch (some(3)) {
	case 0:
		/* The entry alone, by a page that nobody else writes to */
		if (mprotect(last, PAGE, PROT_READ) ||
		    mprotect(last, PAGE, PROT_READ | PROT_WRITE))
			return wrong("mprotect: %m");
		break;
	case 1:
		/* The folio, unless somebody has a reference */
		snprintf(words, sizeof(words), "%d,%#lx,%#lx", getpid(), (unsigned long)table,
			 (unsigned long)table + TABLE_SPAN);
		file_write(SPLIT, words);
		break;
	default:
		if (madvise(table, TABLE_SPAN, MADV_COLLAPSE) && errno != EAGAIN &&
		    errno != EBUSY && errno != EINVAL && errno != ENOMEM)
			return wrong("MADV_COLLAPSE: %m");
		break;
	}
	return NULL;
}

static const char *truncate_file(struct racer *racer)
{
	off_t at = some_piece() - shared.area;
	char *page = shared.area + at;
	uint64_t mark;
	size_t i;

	switch (some(3)) {
	case 0:
		if (fallocate(shared.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at,
			      PIECE * PAGE))
			return wrong("punch: %m");
		break;
	case 1:
		if (ftruncate(shared.file, at) || ftruncate(shared.file, SIZE))
			return wrong("ftruncate: %m");
		break;
	}
	for (i = 0; i < PIECE; i++, page += PAGE) {
		mark = mark_at(page, racer->turns);
		if (pwrite(shared.file, &mark, sizeof(mark), page - shared.area) != sizeof(mark))
			return wrong("pwrite: %m");
	}
	return NULL;
}

FIXTURE(gup_races)
{
	struct pinner *pinners;
	long pins;
};

FIXTURE_SETUP(gup_races)
{
	int i;

	if (access(GUP_TEST, R_OK | W_OK))
		SKIP(return, "no " GUP_TEST " (CONFIG_GUP_TEST)");
	shared.area = arena(SIZE);
	ASSERT_NE(NULL, shared.area);
	ASSERT_EQ(0, pipe(shared.pipe));
	shared.pinned = 0;
	shared.got = 0;
	self->pinners = calloc(PINNERS, sizeof(*self->pinners));
	ASSERT_NE(NULL, self->pinners);
	for (i = 0; i < PINNERS; i++) {
		self->pinners[i].gup = open(GUP_TEST, O_RDWR | O_CLOEXEC);
		ASSERT_LE(0, self->pinners[i].gup);
	}
	hazard_begin(0);
	self->pins = pins_held();
	ASSERT_NE(PINS_UNKNOWN, self->pins);
}

FIXTURE_TEARDOWN(gup_races)
{
	hazard_end();
	free(self->pinners);
}

static char *small_pages(void)
{
	if (!map_anon(shared.area, SIZE) || no_huge_pages(shared.area, SIZE))
		return NULL;
	return shared.area;
}

static long pinned(void)
{
	return __atomic_load_n(&shared.pinned, __ATOMIC_RELAXED);
}

static long got(void)
{
	return __atomic_load_n(&shared.got, __ATOMIC_RELAXED);
}

/* @changes: how often the first of them has to change what the others take */
#define EXPECT_RACE(changes, change, one, other) do {					\
	struct racer racers[] = {							\
		{ RACER(change), .least = (changes) },					\
		{ RACER(one), .arg = &self->pinners[0], .number = 0 },			\
		{ RACER(other), .arg = &self->pinners[1], .number = 1 },		\
	};										\
											\
	race_needs("pins", pinned, PINS);						\
	EXPECT_HARMLESS(race(racers, ARRAY_SIZE(racers)));				\
	EXPECT_EQ(self->pins, pins_held());						\
} while (0)

#define PINS	200
#define GOT	200

TEST_F(gup_races, unmap)
{
	ASSERT_NE(NULL, small_pages());
	race_needs("references", got, GOT);
	EXPECT_RACE(100, map_again, pin_any, get_any);
}

TEST_F(gup_races, table_reclaim)
{
	ASSERT_NE(NULL, small_pages());
	race_needs("references", got, GOT);
	race_needs("tables freed", freed, 100);
	EXPECT_RACE(100, empty_tables, pin_any, get_any);
}

TEST_F(gup_races, fork)
{
	ASSERT_NE(NULL, small_pages());
	mark_all(shared.area, SIZE, 0);
	EXPECT_RACE(50, fork_and_write, pin_own, pin_own);
}

TEST_F(gup_races, huge_fork)
{
	if (!have_huge_pages())
		SKIP(return, NO_HUGE_PAGES);
	ASSERT_NE(NULL, map_anon(shared.area, SIZE));
	ASSERT_EQ(0, madvise(shared.area, SIZE, MADV_HUGEPAGE));
	mark_all(shared.area, SIZE, 0);
	if (!huge_in(0, shared.area, SIZE))
		SKIP(return, "no huge pages");
	EXPECT_RACE(50, fork_huge, pin_own, pin_own);
}

static long splits_before;

static long splits(void)
{
	return vm_counter("thp_split_pmd") - splits_before;
}

TEST_F(gup_races, huge_split)
{
	if (!have_huge_pages())
		SKIP(return, NO_HUGE_PAGES);
	ASSERT_NE(NULL, map_anon(shared.area, SIZE));
	ASSERT_EQ(0, madvise(shared.area, SIZE, MADV_HUGEPAGE));
	mark_all(shared.area, SIZE, 0);
	if (!huge_in(0, shared.area, SIZE))
		SKIP(return, "no huge pages");
	splits_before = vm_counter("thp_split_pmd");
	race_needs("splits", splits, 20);
	race_needs("references", got, GOT);
	EXPECT_RACE(50, split, pin_own, get_any);
}

TEST_F(gup_races, truncation)
{
	shared.file = shmem_file(SIZE);
	ASSERT_LE(0, shared.file);
	ASSERT_NE(NULL, map_file(shared.area, SIZE, shared.file, MAP_SHARED));
	race_needs("references", got, GOT);
	EXPECT_RACE(100, truncate_file, pin_any, get_any);
	close(shared.file);
}

TEST_HARNESS_MAIN
