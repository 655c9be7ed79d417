// SPDX-License-Identifier: GPL-2.0
/*
 * A CPU must not walk through a table that has been freed. One that is idle, or runs a kernel
 * thread, keeps the last address space loaded, and is left out of most flushes; one that runs
 * another process keeps what it knows about the last ones by their PCIDs. Both have upper entries
 * in their caches and go on from there, by themselves even, so that the flush before a table is
 * freed has to say that it is about a table (freed_tables): pte_free_tlb() sees to that.
 *
 * Here a thread reads memory whose table is freed, again and again, while its CPU is idle or runs
 * another process; and what was a table gets other content, which looks like entries that map
 * memory which is not zero. A CPU that still goes through it shows that memory.
 *
 * Takes luck, and a processor with such caches: an emulator may have none. Two CPUs at least.
 */
#include "harness.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu.h"
#include "hazard.h"
#include "race.h"
#include "tables.h"

#define TABLES	4
#define SIZE	(TABLES * TABLE_SPAN)
/* Present, writable, user, accessed, dirty: a page of the kernel's text, which is only read */
#define ENTRY	0x1000067UL
#define SPRAY	(64 * PAGE)

static char *area, *spray;
static long switches;

FIXTURE(lazy_cpu)
{
	pid_t other;
};

FIXTURE_SETUP(lazy_cpu)
{
	self->other = 0;
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "one CPU");
	area = arena(SIZE);
	ASSERT_NE(NULL, area);
	ASSERT_NE(NULL, map_anon(area, SIZE));
	ASSERT_EQ(0, no_huge_pages(area, SIZE));
	spray = mmap(NULL, SPRAY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, spray);
	switches = 0;
	hazard_begin(0);
}

FIXTURE_TEARDOWN(lazy_cpu)
{
	hazard_end();
	if (self->other > 0) {
		kill(self->other, SIGKILL);
		waitpid(self->other, NULL, 0);
	}
}

/* What is read is mapped for reading only: zeroes. The table goes when all of that is zapped. */
static const char *read_and_rest(struct racer *racer)
{
	struct rusage usage;
	size_t at;

	if (!racer->turns && !run_on(1))
		return wrong("sched_setaffinity: %m");
	for (at = 0; at < SIZE; at += TABLE_SPAN) {
		const char *page = area + at + some(ENTRIES) * PAGE;

		if (!page_zero(page))
			return wrong("%p holds %#llx", page, (unsigned long long)word_read(page));
	}
	/* To the idle task, which borrows this address space, or to the other process */
	if (racer->turns % 2)
		usleep(1 + some(200));
	else
		sched_yield();
	getrusage(RUSAGE_THREAD, &usage);
	__atomic_store_n(&switches, usage.ru_nvcsw, __ATOMIC_RELAXED);
	return NULL;
}

static const char *free_tables(struct racer *racer)
{
	size_t at;

	if (!racer->turns && !run_on(0))
		return wrong("sched_setaffinity: %m");
	for (at = 0; at < SIZE; at += TABLE_SPAN)
		if (madvise(area + at, TABLE_SPAN, MADV_DONTNEED))
			return wrong("MADV_DONTNEED: %m");
	return NULL;
}

/* On any CPU, as each has its own list of free pages */
static const char *fill_freed(struct racer *racer)
{
	uint64_t *word;

	for (word = (uint64_t *)spray; word < (uint64_t *)(spray + SPRAY); word++)
		*word = ENTRY;
	if (madvise(spray, SPRAY, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return NULL;
}

static long times_away(void)
{
	return __atomic_load_n(&switches, __ATOMIC_RELAXED);
}

static void expect_harmless(struct __test_metadata *_metadata)
{
	struct racer racers[] = {
		{ RACER(read_and_rest) },
		{ RACER(free_tables) },
		{ RACER(fill_freed), .least = 20 },
	};

	race_needs("times away from the CPU", times_away, 100);
	race_needs("tables freed", freed, 100);
	EXPECT_HARMLESS(race(racers, ARRAY_SIZE(racers)));
}

TEST_F(lazy_cpu, idle)
{
	expect_harmless(_metadata);
}

/* Its address space and ours take turns on the CPU, each with a PCID. */
TEST_F(lazy_cpu, other_process)
{
	self->other = fork();
	ASSERT_LE(0, self->other);
	if (!self->other) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		run_on(1);
		for (;;) {
			area[some(TABLES) * TABLE_SPAN]++;
			sched_yield();
		}
	}
	expect_harmless(_metadata);
}

TEST_HARNESS_MAIN
