// SPDX-License-Identifier: GPL-2.0
/*
 * hugetlb's entries, which are changed like PTEs, are not counted like them.
 *
 * Without "x86/hugetlb: keep huge PTEs out of the accounting of PTE tables" the count is kept
 * where a PMD table counts those that share it, so that it is freed while it is shared, or never.
 * A mutant fails at once, with no knobs: in the number of tables held, or in the kernel's
 * complaints.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#include "files.h"
#include "hazard.h"
#include "race.h"
#include "tables.h"

#define HUGE		(2UL << 20)
#define HUGE_PAGES	24
#define NR_HUGEPAGES	"/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define FREE_HUGEPAGES	"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"
#define MARK		11

static struct {
	char *area;	/* Small pages, beside the others in the same PMD table */
	char *huge;	/* Private huge pages */
	int file;
} shared;

static const char *zap_small(struct racer *racer)
{
	char *page = shared.area + some(4) * TABLE_SPAN + some(64) * PAGE;

	mark_page(page, racer->turns + 1);
	if (!page_marked(page, racer->turns + 1))
		return wrong("a small page is lost");
	if (madvise(page, PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return NULL;
}

static const char *zap_huge(struct racer *racer)
{
	char *page = shared.huge + some(4) * HUGE;

	mark_page(page, racer->turns + 1);
	if (mprotect(page, HUGE, PROT_READ) || mprotect(page, HUGE, PROT_READ | PROT_WRITE))
		return wrong("mprotect: %m");
	if (!page_marked(page, racer->turns + 1))
		return wrong("a huge page is lost");
	if (madvise(page, HUGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return page_zero(page) ? NULL : wrong("a huge page is back that was zapped");
}

/* Nothing is reserved: forks and zaps leave reservations behind on any kernel. */
static char *map_huge(char *addr, size_t size)
{
	addr = mmap(addr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
		    MAP_NORESERVE | MAP_FIXED, -1, 0);
	return addr == MAP_FAILED ? NULL : addr;
}

static const char *move_huge(struct racer *racer)
{
	char *page = shared.huge + 4 * HUGE, *to = shared.huge + 5 * HUGE;

	mark_page(page, racer->turns + 1);
	if (mremap(page, HUGE, HUGE, MREMAP_MAYMOVE | MREMAP_FIXED, to) != to)
		return wrong("mremap: %m");
	if (!page_marked(to, racer->turns + 1))
		return wrong("a huge page is lost on the move");
	if (munmap(to, HUGE))
		return wrong("munmap: %m");
	return map_huge(page, HUGE) ? NULL : wrong("mmap: %m");
}

static const char *fork_huge(struct racer *racer)
{
	char *page = shared.huge + 6 * HUGE;
	int status;
	pid_t pid;

	mark_page(page, racer->turns + 1);
	pid = fork();
	if (pid < 0)
		return wrong("fork: %m");
	if (!pid) {
		bool right = page_marked(page, racer->turns + 1);

		mark_page(page, 1);
		madvise(page, HUGE, MADV_DONTNEED);
		_exit(!right);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return wrong("the child ends with %#x", status);
	return page_marked(page, racer->turns + 1) ? NULL : wrong("a child changed our huge page");
}

static char *map_whole(char *at)
{
	char *map = mmap(at, PMD_TABLE_SPAN, PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_NORESERVE | (at ? MAP_FIXED : 0), shared.file, 0);

	return map == MAP_FAILED ? NULL : map;
}

/* Children come and go, and share a PMD table with us: there is none of theirs to see. */
static const char *share(struct racer *racer)
{
	char *at = shared.huge + PMD_TABLE_SPAN;
	int status, i;
	pid_t pid;

	for (i = 0; i < 4; i++)
		mark_page(at + i * HUGE, MARK + i);
	pid = fork();
	if (pid < 0)
		return wrong("fork: %m");
	if (!pid) {
		bool right = true;

		if (!map_whole(at))
			_exit(2);
		for (i = 0; i < 4; i++)
			right &= page_marked(at + i * HUGE, MARK + i);
		if (some(2) && mprotect(at, PMD_TABLE_SPAN, PROT_READ))
			_exit(3);
		if (some(2) && munmap(at, PMD_TABLE_SPAN))
			_exit(4);
		_exit(!right);
	}
	/* Pages vanish from a file, and come back. */
	i = 4 + some(2);
	mark_page(at + i * HUGE, racer->turns);
	if (!page_marked(at + i * HUGE, racer->turns))
		return wrong("a shared huge page is lost");
	if (fallocate(shared.file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, i * HUGE, HUGE))
		return wrong("fallocate: %m");
	if (waitpid(pid, &status, 0) != pid || status)
		return wrong("the child ends with %#x", status);
	for (i = 0; i < 4; i++)
		if (!page_marked(at + i * HUGE, MARK + i))
			return wrong("a shared huge page is lost");
	return NULL;
}

/*
 * Who looks at our tables meets those that others share with us, and leave to us, or we to them, at
 * any time. On a kernel that has the file; on one with KASAN a table that is gone is seen.
 */
static const char *look(struct racer *racer)
{
	char path[64], text[PAGE];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/sys/kernel/debug/page_tables/%d", getpid());
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	while ((got = read(fd, text, sizeof(text))) > 0)
		;
	close(fd);
	return got ? wrong("reading page tables: %m") : NULL;
}

static long number_in(const char *path)
{
	char text[32];

	return file_read(path, text, sizeof(text)) ? -1 : atol(text);
}

FIXTURE(hugetlb)
{
	long before;
	long was_free;
};

FIXTURE_SETUP(hugetlb)
{
	char text[32];

	self->before = number_in(NR_HUGEPAGES);
	if (self->before < 0)
		SKIP(return, "no hugetlb pages of 2 MiB (CONFIG_HUGETLBFS)");
	snprintf(text, sizeof(text), "%ld", self->before + HUGE_PAGES);
	file_write(NR_HUGEPAGES, text);
	self->was_free = number_in(FREE_HUGEPAGES);
	if (self->was_free < HUGE_PAGES)
		SKIP(return, "only %ld hugetlb pages are to be had", self->was_free);

	/* One GiB for private pages of either kind, and one that is a file */
	shared.huge = mmap(NULL, 3 * PMD_TABLE_SPAN, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	ASSERT_NE(MAP_FAILED, shared.huge);
	shared.huge = (char *)(((uintptr_t)shared.huge + PMD_TABLE_SPAN - 1) & -PMD_TABLE_SPAN);
	shared.area = map_anon(shared.huge + 16 * HUGE, 4 * TABLE_SPAN);
	ASSERT_NE(NULL, shared.area);
	ASSERT_EQ(0, no_huge_pages(shared.area, 4 * TABLE_SPAN));
	ASSERT_NE(NULL, map_huge(shared.huge, 8 * HUGE));
	shared.file = memfd_create("freepte", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB);
	ASSERT_LE(0, shared.file);
	ASSERT_EQ(0, ftruncate(shared.file, PMD_TABLE_SPAN));
	hazard_begin(0);
}

FIXTURE_TEARDOWN(hugetlb)
{
	char text[32];

	hazard_end();
	if (self->before < 0)
		return;
	/* All that was reserved, too */
	if (shared.huge)
		munmap(shared.huge, 2 * PMD_TABLE_SPAN);
	snprintf(text, sizeof(text), "%ld", self->before);
	file_write(NR_HUGEPAGES, text);
}

TEST_F(hugetlb, private)
{
	struct racer racers[] = {
		{ RACER(zap_small) },
		{ RACER(zap_huge), .least = 20 },
		{ RACER(move_huge), .least = 20 },
		{ RACER(fork_huge), .least = 10 },
	};

	race_needs("tables freed", freed, 20);
	EXPECT_HARMLESS(race(racers, 4));
	EXPECT_EQ(0, munmap(shared.huge, 8 * HUGE));
	EXPECT_EQ(self->was_free, number_in(FREE_HUGEPAGES));
}

TEST_F(hugetlb, shared_pmd)
{
	struct racer racers[] = {
		{ RACER(share), .least = 10 },
		{ RACER(zap_small) },
		{ RACER(look), .least = 10 },
	};

	ASSERT_NE(NULL, map_whole(shared.huge + PMD_TABLE_SPAN));
	race_needs("tables freed", freed, 20);
	EXPECT_HARMLESS(race(racers, 3));

	EXPECT_EQ(0, munmap(shared.huge + PMD_TABLE_SPAN, PMD_TABLE_SPAN));
	close(shared.file);
	/* Nobody has the file any more, nor its pages. */
	EXPECT_EQ(self->was_free, number_in(FREE_HUGEPAGES));
}

TEST_HARNESS_MAIN
