// SPDX-License-Identifier: GPL-2.0
/*
 * Whoever looks up user pages without a lock gets the right ones, while tables go away.
 *
 * There is no patch to it: gup_fast walks with interrupts off, a freed table stays until a grace
 * period is over, and the walk checks the PMD again once it has a reference. If any of this did
 * not hold, a page of somebody else would be seen. This takes luck; no debug knobs.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "harness.h"

#include "ext4.h"
#include "files.h"
#include "gup_test.h"
#include "hazard.h"
#include "race.h"
#include "tables.h"

#define TABLES		2
#define SIZE		(TABLES * TABLE_SPAN)
#define FILE_SIZE	(1 << 20)

static struct {
	char *area;
	int file;
	int gup;
	int pipe[2];
} shared;

/* Each racer has pages of its own, beside those of the others in the same tables. */
static char *own_page(struct racer *racer)
{
	return shared.area + some(TABLES) * TABLE_SPAN + (racer->number * 64 + some(64)) * PAGE;
}

/* What others see of a page: zeroes, or what was written to it, never something else's */
static uint64_t mark_at(const char *page, unsigned long turn)
{
	return mark_of(shared.area, page, turn);
}

static const char *zap(struct racer *racer)
{
	char *page = own_page(racer);

	mark_page(page, mark_at(page, racer->turns));
	if (madvise(page, PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return NULL;
}

static const char *peek(struct racer *racer)
{
	static __thread char copy[PAGE];
	struct iovec local = { .iov_base = copy, .iov_len = PAGE };
	struct iovec remote = { .iov_len = PAGE };
	uint64_t mark;
	char *page;

	page = shared.area + some(SIZE / PAGE) * PAGE;
	remote.iov_base = page;
	if (racer->turns & 1) {
		if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != PAGE)
			return wrong("process_vm_readv: %m");
	} else {
		if (vmsplice(shared.pipe[1], &remote, 1, 0) != PAGE)
			return wrong("vmsplice: %m");
		if (read(shared.pipe[0], copy, PAGE) != PAGE)
			return wrong("read: %m");
	}
	mark = *(uint64_t *)copy;
	if (mark && !is_mark_of(shared.area, page, mark))
		return wrong("a page of another address was read: %#llx",
			     (unsigned long long)mark);
	/* What was read for reading only is a page of zeroes now. */
	if (page_zero(page) && madvise(page, PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return NULL;
}

/* A page's data arrives where it is mapped, and is read from there. */
static const char *transfer(struct racer *racer)
{
	char *page = own_page(racer), *back = own_page(racer);
	struct iovec iov = { .iov_base = page, .iov_len = PAGE };
	uint64_t mark = mark_at(page, racer->turns + 1);
	off_t at = some(FILE_SIZE / PAGE) * PAGE;

	/* By gup_fast for reading, through a pipe */
	mark_page(page, mark);
	if (vmsplice(shared.pipe[1], &iov, 1, 0) != PAGE)
		return wrong("vmsplice: %m");
	if (madvise(page, PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	if (read(shared.pipe[0], back, PAGE) != PAGE)
		return wrong("read: %m");
	if (!page_marked(back, mark))
		return wrong("a page is lost in a pipe");
	if (madvise(back, PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	if (shared.file < 0)
		return NULL;

	/* By gup_fast for reading, then for writing, straight to and from a file */
	mark_page(page, mark);
	if (pwrite(shared.file, page, PAGE, at) != PAGE)
		return wrong("O_DIRECT write: %m");
	if (madvise(page, PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	if (pread(shared.file, back, PAGE, at) != PAGE)
		return wrong("O_DIRECT read: %m");
	if (!page_marked(back, mark))
		return wrong("a page is lost on its way to a file, or back");
	if (madvise(back, PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return NULL;
}

static const char *benchmark(struct racer *racer)
{
	/* Pages of zeroes cannot be pinned, which gup_test complains about. */
	bool pin = racer->turns & 1;
	struct gup_test test = {
		.addr = (uintptr_t)shared.area + racer->number * 64 * PAGE,
		.size = 64 * PAGE,
		.nr_pages_per_call = 16,
		.gup_flags = pin || racer->turns & 2 ? FOLL_WRITE : 0,
	};

	if (ioctl(shared.gup, pin ? PIN_FAST_BENCHMARK : GUP_FAST_BENCHMARK, &test))
		return wrong("gup_test: %m");
	if (test.size != 64 * PAGE)
		return wrong("gup_test got %llu bytes", (unsigned long long)test.size);
	if (madvise((void *)(uintptr_t)test.addr, 64 * PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return NULL;
}

FIXTURE(gup_fast)
{
	struct ext4 ext4;
};

FIXTURE_SETUP(gup_fast)
{
	self->ext4.root = -1;
	shared.area = arena(SIZE);
	ASSERT_NE(NULL, shared.area);
	ASSERT_NE(NULL, map_anon(shared.area, SIZE));
	ASSERT_EQ(0, no_huge_pages(shared.area, SIZE));
	ASSERT_EQ(0, pipe(shared.pipe));
	shared.file = -1;
	hazard_begin(0);
}

FIXTURE_TEARDOWN(gup_fast)
{
	hazard_end();
	ext4_remove(&self->ext4);
}

TEST_F(gup_fast, peek)
{
	struct racer racers[] = {
		{ RACER(zap), .number = 0 },
		{ RACER(zap), .number = 1 },
		{ RACER(peek), .least = 200 },
	};

	race_needs("tables freed", freed, 100);
	EXPECT_HARMLESS(race(racers, 3));
	TH_LOG("%lu peeks, %ld tables freed", racers[2].turns, freed());
}

TEST_F(gup_fast, transfer)
{
	struct racer racers[] = {
		{ RACER(transfer), .number = 0, .least = 50 },
		{ RACER(zap), .number = 1 },
	};
	const char *reason = ext4_make(&self->ext4, 8 << 20);

	if (!reason) {
		int file = ext4_file(&self->ext4, FILE_SIZE, FILE_SIZE);
		char path[64];

		snprintf(path, sizeof(path), "/proc/self/fd/%d", file);
		shared.file = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
		close(file);
	}
	if (shared.file < 0)
		TH_LOG("without O_DIRECT: %s", reason ? reason : "it cannot be opened so");
	race_needs("tables freed", freed, 100);
	EXPECT_HARMLESS(race(racers, 2));
	TH_LOG("%lu transfers, %ld tables freed", racers[0].turns, freed());
	if (shared.file >= 0)
		close(shared.file);
}

TEST_F(gup_fast, benchmark)
{
	struct racer racers[] = {
		{ RACER(benchmark), .number = 2, .least = 50 },
		{ RACER(benchmark), .number = 3, .least = 50 },
		{ RACER(zap), .number = 0 },
	};

	shared.gup = open(GUP_TEST, O_RDWR);
	if (shared.gup < 0)
		SKIP(return, "no " GUP_TEST " (CONFIG_GUP_TEST)");
	race_needs("tables freed", freed, 100);
	EXPECT_HARMLESS(race(racers, 3));
	TH_LOG("%lu rounds, %ld tables freed", racers[0].turns + racers[1].turns, freed());
	close(shared.gup);
}

TEST_HARNESS_MAIN
