// SPDX-License-Identifier: GPL-2.0
/*
 * A place in the address space, and processes that make a shape there and stand still.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "files.h"
#include "walk/readers.h"
#include "walk/site.h"

#define SWAP_SIZE	(64UL << 20)
#define NR_HUGEPAGES	"/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages"
#define FREE_HUGEPAGES	"/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages"
/* Enough for twins */
#define HUGE_PAGES	24

/* Of a shape with a stride, at each multiple; of a large area of a process */
#define WINDOW		(2 * TABLE_SPAN)
/* Larger areas are no part of what is looked at: places to read to, and address space. */
#define LARGE		(64UL << 20)

struct site site = { .zram.number = -1, .huge_before = -1 };

static long number_in(const char *path)
{
	char text[32];

	return file_read(path, text, sizeof(text)) ? -1 : atol(text);
}

static const char *get_huge_pages(void)
{
	char text[32];

	site.huge_before = number_in(NR_HUGEPAGES);
	if (site.huge_before < 0)
		return "no hugetlb pages of 2 MiB (CONFIG_HUGETLBFS)";
	snprintf(text, sizeof(text), "%ld", site.huge_before + HUGE_PAGES);
	file_write(NR_HUGEPAGES, text);
	return number_in(FREE_HUGEPAGES) < HUGE_PAGES ? "too few hugetlb pages are to be had" :
	       NULL;
}

/* Aligned to 1 GiB, so that it is in no table with other things; but for the tables above. */
static char *reserve(size_t size)
{
	const size_t all = size + 3 * PMD_TABLE_SPAN;
	char *space = mmap(NULL, all, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			   0);

	if (space == MAP_FAILED)
		return NULL;
	return (char *)(((uintptr_t)space + 2 * PMD_TABLE_SPAN - 1) & -PMD_TABLE_SPAN);
}

const char *site_open(const struct shape *shape)
{
	const char *reason = NULL;

	site.shape = shape;
	/* What a shape is made with is not in question. */
	if (!readers_lack() && readers_use(BY_C))
		return "the readers cannot be switched";
	site.at = reserve(shape->size);
	if (!site.at)
		return "no address space";
	if (shape->needs & NEEDS_SWAP)
		reason = zram_swap_on(&site.zram, SWAP_SIZE);
	if (!reason && shape->needs & NEEDS_HUGETLB)
		reason = get_huge_pages();
	return reason;
}

void site_close(void)
{
	char text[32];

	zram_remove(&site.zram);
	if (site.huge_before >= 0) {
		snprintf(text, sizeof(text), "%ld", site.huge_before);
		file_write(NR_HUGEPAGES, text);
		site.huge_before = -1;
	}
	readers_restore();
}

uint64_t site_start(void)
{
	return (uintptr_t)site.at - EDGE;
}

uint64_t site_end(void)
{
	return (uintptr_t)site.at + site.shape->size + EDGE;
}

static long make(void *arg)
{
	if (munmap(site.at - EDGE, EDGE) || munmap(site.at + site.shape->size, EDGE))
		return (long)"munmap failed";
	return (long)site.shape->make(site.at);
}

const char *site_people(struct peer *peer)
{
	long reason;

	if (peer_start(peer))
		return "fork failed";
	reason = peer_call(peer, make, NULL);
	if (reason < 0 && reason > -4096)
		return "the process that was to make the shape is dead";
	return (const char *)reason;
}

/* The areas of a process, and a page on both sides */
static unsigned int windows_of(pid_t pid, struct window windows[WINDOWS])
{
	static char text[64 << 10];
	unsigned int count = 0;
	char *line = text;

	if (file_read_n("/proc/%d/maps", pid, text, sizeof(text)))
		return 0;
	while (*line && count < WINDOWS) {
		char *dash;
		uint64_t start = strtoull(line, &dash, 16);
		uint64_t end = strtoull(dash + 1, NULL, 16);

		/* The last area, vsyscall, is no user's. */
		if (!(start >> 63) && end - start <= LARGE)
			windows[count++] = (struct window){ start - PAGE, end + PAGE };
		line = strchrnul(line, '\n');
		line += *line == '\n';
	}
	return count;
}

unsigned int site_windows(pid_t pid, struct window windows[WINDOWS])
{
	const size_t stride = site.shape->stride;
	unsigned int count = 0;
	uint64_t at;

	if (site.shape->whole)
		return windows_of(pid, windows);
	if (!stride) {
		windows[0] = (struct window){ site_start(), site_end() };
		return 1;
	}
	for (at = 0; at <= site.shape->size && count < WINDOWS; at += stride) {
		windows[count].start = (uintptr_t)site.at + at - WINDOW / 2;
		windows[count].end = windows[count].start + WINDOW;
		count++;
	}
	return count;
}
