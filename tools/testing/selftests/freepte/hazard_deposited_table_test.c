// SPDX-License-Identifier: GPL-2.0
/*
 * A table in deposit goes by RCU when its huge page is zapped: it was in use before.
 *
 * Without "mm/huge_memory: free a deposited PTE table by RCU" a walker that found the table before
 * the collapse, and has nothing but rcu_read_lock(), looks at freed memory. So far all walkers
 * hold more than that, so that what is to be seen without it is at most what KASAN sees. This
 * takes luck; no debug knobs.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include "harness.h"

#include "hazard.h"
#include "race.h"
#include "tables.h"
#include "uapi.h"

#define TABLES	4
#define SIZE	(TABLES * TABLE_SPAN)
/* Some pages of each table have data. */
#define STEP	(32 * PAGE)

static struct {
	char *area;
	int pagemap;
	int pipe[2];
	unsigned long collapsed;
} shared;

static const char *check(const char *start, const char *end, uint64_t mark)
{
	const char *page;

	for (page = start; page < end; page += STEP)
		if (!page_marked(page, mark))
			return wrong("%p holds %#llx, not %#llx", page,
				     *(unsigned long long *)page, (unsigned long long)mark);
	return NULL;
}

static const char *collapse_and_zap(struct racer *racer)
{
	char *start = shared.area + (2 * some(TABLES / 2) + racer->number) * TABLE_SPAN;
	char *end = start + TABLE_SPAN;
	uint64_t mark = racer->turns + 1;
	char *page;

	for (page = start; page < end; page += STEP)
		mark_page(page, mark);
	/* It may fail, as others look at the pages. */
	if (!madvise(start, TABLE_SPAN, MADV_COLLAPSE))
		__atomic_add_fetch(&shared.collapsed, 1, __ATOMIC_RELAXED);
	else if (errno != EAGAIN && errno != EINVAL && errno != EBUSY && errno != ENOMEM)
		return wrong("MADV_COLLAPSE: %m");
	if (check(start, end, mark))
		return wrong("lost by a collapse");

	switch (some(3)) {
	case 0:
		/* A split brings the table back. */
		if (madvise(start, STEP, MADV_DONTNEED))
			return wrong("MADV_DONTNEED: %m");
		if (check(start + STEP, end, mark))
			return wrong("lost by a split");
		break;
	case 1:
		if (mprotect(start, TABLE_SPAN / 2, PROT_READ) ||
		    mprotect(start, TABLE_SPAN / 2, PROT_READ | PROT_WRITE))
			return wrong("mprotect: %m");
		if (check(start, end, mark))
			return wrong("lost by mprotect");
		break;
	}
	if (madvise(start, TABLE_SPAN, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return check(start, end, 0);
}

static const char *walk(struct racer *racer)
{
	static unsigned char vec[SIZE / PAGE];
	static uint64_t entries[SIZE / PAGE];
	static char copy[64 * PAGE];
	char *from = shared.area + some(SIZE - sizeof(copy));
	struct iovec local = { .iov_base = copy, .iov_len = sizeof(copy) };
	struct iovec remote = { .iov_base = from, .iov_len = sizeof(copy) };
	off_t at = (uintptr_t)shared.area / PAGE * sizeof(uint64_t);

	if (mincore(shared.area, SIZE, vec))
		return wrong("mincore: %m");
	if (pread(shared.pagemap, entries, sizeof(entries), at) != sizeof(entries))
		return wrong("pagemap: %m");
	if (process_vm_readv(getpid(), &local, 1, &remote, 1, 0) != sizeof(copy))
		return wrong("process_vm_readv: %m");
	/* This one walks with interrupts off. */
	remote.iov_len = 8 * PAGE;
	if (vmsplice(shared.pipe[1], &remote, 1, SPLICE_F_NONBLOCK) < 0)
		return wrong("vmsplice: %m");
	while (read(shared.pipe[0], copy, sizeof(copy)) > 0)
		;
	return NULL;
}

static long collapsed(void)
{
	return __atomic_load_n(&shared.collapsed, __ATOMIC_RELAXED);
}

FIXTURE(deposited_table)
{
};

FIXTURE_SETUP(deposited_table)
{
	shared.area = arena(SIZE);
	ASSERT_NE(NULL, shared.area);
	ASSERT_NE(NULL, map_anon(shared.area, SIZE));
	shared.pagemap = open("/proc/self/pagemap", O_RDONLY);
	ASSERT_LE(0, shared.pagemap);
	ASSERT_EQ(0, pipe2(shared.pipe, O_NONBLOCK));
	*shared.area = 1;
	if (collapse(shared.area))
		SKIP(return, "no MADV_COLLAPSE (CONFIG_TRANSPARENT_HUGEPAGE)");
	ASSERT_EQ(0, madvise(shared.area, TABLE_SPAN, MADV_DONTNEED));
	hazard_begin(0);
}

FIXTURE_TEARDOWN(deposited_table)
{
	hazard_end();
}

TEST_F(deposited_table, collapse_and_zap)
{
	struct racer racers[] = {
		{ RACER(collapse_and_zap), .number = 0 },
		{ RACER(collapse_and_zap), .number = 1 },
		{ RACER(walk), .least = 20 },
	};

	race_needs("collapses", collapsed, 20);
	race_needs("tables freed", freed, 20);
	EXPECT_HARMLESS(race(racers, 3));
}

TEST_HARNESS_MAIN
