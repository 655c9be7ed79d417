// SPDX-License-Identifier: GPL-2.0
/*
 * Page tables: how many a process holds, how many it needs, and places to make some.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "deadline.h"
#include "tables.h"
#include "uapi.h"

#define REGIONS	256

static int open_proc(pid_t pid, const char *name)
{
	char path[64];

	if (pid)
		snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	else
		snprintf(path, sizeof(path), "/proc/self/%s", name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* The whole of a file, in memory that stays: so that looking does not change what is seen. */
static char *read_proc(pid_t pid, const char *name)
{
	static char text[256 << 10];
	size_t len = 0;
	ssize_t got;
	int fd = open_proc(pid, name);

	if (fd < 0)
		return NULL;
	while ((got = read(fd, text + len, sizeof(text) - 1 - len)) > 0)
		len += got;
	close(fd);
	text[len] = 0;
	return got < 0 || !len ? NULL : text;
}

long tables_held(pid_t pid)
{
	char *text = read_proc(pid, "status");
	char *line = text ? strstr(text, "\nVmPTE:") : NULL;

	return line ? strtol(line + strlen("\nVmPTE:"), NULL, 10) / 4 : -1;
}

/* Numbers of one level's tables that were seen, in rising order */
struct level {
	uint64_t span;
	uint64_t next;
	long count;
};

static void level_add(struct level *level, uint64_t start, uint64_t end)
{
	uint64_t first = start / level->span;
	uint64_t last = (end - 1) / level->span;

	if (first < level->next)
		first = level->next;
	if (first > last)
		return;
	level->count += last - first + 1;
	level->next = last + 1;
}

typedef void (*region_fn)(void *arg, const struct page_region *region);

/* Call fn for each run of entries that are not none. Areas of raw page frames are left out. */
static int scan(int fd, uint64_t start, uint64_t end, region_fn fn, void *arg)
{
	static struct page_region regions[REGIONS];
	int i, count;

	while (start < end) {
		struct pm_scan_arg scan = {
			.size = sizeof(scan),
			.start = start,
			.end = end,
			.vec = (uintptr_t)regions,
			.vec_len = REGIONS,
			.category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
			.return_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED | PAGE_IS_HUGE |
				       PAGE_IS_FILE,
		};

		count = ioctl(fd, PAGEMAP_SCAN, &scan);
		if (count < 0)
			return -1;
		for (i = 0; i < count; i++)
			fn(arg, &regions[i]);
		if (scan.walk_end <= start)
			break;
		start = scan.walk_end;
	}
	return 0;
}

struct need {
	struct level pte, pmd, pud;
};

static void add_need(void *arg, const struct page_region *region)
{
	struct need *need = arg;

	/* A PMD that maps anonymous memory keeps a table in deposit; one that maps a file none. */
	if (!(region->categories & PAGE_IS_HUGE) || !(region->categories & PAGE_IS_FILE))
		level_add(&need->pte, region->start, region->end);
	level_add(&need->pmd, region->start, region->end);
	level_add(&need->pud, region->start, region->end);
}

long tables_needed(pid_t pid)
{
	struct need need = {
		.pte.span = TABLE_SPAN,
		.pmd.span = PMD_TABLE_SPAN,
		.pud.span = PUD_TABLE_SPAN,
	};
	char *text = read_proc(pid, "maps");
	int fd = open_proc(pid, "pagemap");
	long sum = -1;

	if (fd < 0 || !text)
		goto out;
	while (*text) {
		char *dash, *line = strchrnul(text, '\n');
		uint64_t start = strtoull(text, &dash, 16);
		uint64_t end = strtoull(dash + 1, NULL, 16);

		/* The last area, vsyscall, is no user's. */
		if (!(start >> 63) && scan(fd, start, end, add_need, &need))
			goto out;
		text = *line ? line + 1 : line;
	}
	sum = need.pte.count + need.pmd.count + need.pud.count;
out:
	if (fd >= 0)
		close(fd);
	return sum;
}

struct tally {
	uint64_t categories;
	long pages;
};

static void add_tally(void *arg, const struct page_region *region)
{
	struct tally *tally = arg;

	if (region->categories & tally->categories)
		tally->pages += (region->end - region->start) / PAGE;
}

static long tally_in(pid_t pid, const void *addr, size_t size, uint64_t categories)
{
	struct tally tally = { .categories = categories };
	uint64_t start = (uintptr_t)addr;
	int fd = open_proc(pid, "pagemap");
	int err;

	if (fd < 0)
		return -1;
	err = scan(fd, start, start + size, add_tally, &tally);
	close(fd);
	return err ? -1 : tally.pages;
}

long entries_in(pid_t pid, const void *addr, size_t size)
{
	return tally_in(pid, addr, size, PAGE_IS_PRESENT | PAGE_IS_SWAPPED);
}

long present_in(pid_t pid, const void *addr, size_t size)
{
	return tally_in(pid, addr, size, PAGE_IS_PRESENT);
}

long swapped_in(pid_t pid, const void *addr, size_t size)
{
	return tally_in(pid, addr, size, PAGE_IS_SWAPPED);
}

long huge_in(pid_t pid, const void *addr, size_t size)
{
	return tally_in(pid, addr, size, PAGE_IS_HUGE);
}

char *reserve_gib(void)
{
	const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
	char *space, *start;

	/*
	 * Leave a GiB above it. What is mapped later, such as the stack of a thread, goes to the
	 * highest hole that it fits in, which must not be one that a test makes.
	 */
	space = mmap(NULL, 3 * PMD_TABLE_SPAN, PROT_NONE, flags, -1, 0);
	if (space == MAP_FAILED)
		return NULL;
	start = (char *)(((uintptr_t)space + PMD_TABLE_SPAN - 1) & -PMD_TABLE_SPAN);
	if (start > space)
		munmap(space, start - space);
	munmap(start + PMD_TABLE_SPAN, space + 2 * PMD_TABLE_SPAN - start);
	return start;
}

char *arena(size_t size)
{
	char *anchor, *start = reserve_gib();

	if (!start || size > PMD_TABLE_SPAN - TABLE_SPAN)
		return NULL;
	anchor = map_anon(start + PMD_TABLE_SPAN - PAGE, PAGE);
	if (!anchor)
		return NULL;
	*anchor = 1;
	return start;
}

char *map_file(char *addr, size_t size, int fd, int flags)
{
	addr = mmap(addr, size, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_NORESERVE | flags, fd, 0);
	return addr == MAP_FAILED ? NULL : addr;
}

char *map_anon(char *addr, size_t size)
{
	return map_file(addr, size, -1, MAP_PRIVATE | MAP_ANONYMOUS);
}

char *map_shared_anon(char *addr, size_t size)
{
	return map_file(addr, size, -1, MAP_SHARED | MAP_ANONYMOUS);
}

static char byte_at(size_t at)
{
	return (at / PAGE) % 251 + 1;
}

void write_pages(char *addr, size_t size, size_t step)
{
	size_t at;

	for (at = 0; at < size; at += step)
		__atomic_store_n(addr + at, byte_at(at), __ATOMIC_RELAXED);
}

bool check_pages(const char *addr, size_t size, size_t step)
{
	size_t at;

	for (at = 0; at < size; at += step)
		if (__atomic_load_n(addr + at, __ATOMIC_RELAXED) != byte_at(at))
			return false;
	return true;
}

void read_pages(const char *addr, size_t size, size_t step)
{
	size_t at;

	for (at = 0; at < size; at += step)
		(void)__atomic_load_n(addr + at, __ATOMIC_RELAXED);
}

void shuffle(unsigned int *numbers, unsigned int count)
{
	uint32_t state = 2463534242;
	unsigned int i;

	for (i = 0; i < count; i++) {
		unsigned int j;

		state ^= state << 13;
		state ^= state >> 17;
		state ^= state << 5;
		j = state % (i + 1);
		numbers[i] = numbers[j];
		numbers[j] = i;
	}
}

int for_pieces(char *addr, size_t size, size_t piece,
	       int (*fn)(char *addr, size_t size, void *arg), void *arg)
{
	unsigned int i, count = size / piece;
	unsigned int order[count];
	int err;

	shuffle(order, count);
	for (i = 0; i < count; i++) {
		err = fn(addr + order[i] * piece, piece, arg);
		if (err)
			return err;
	}
	return 0;
}

static int advise(char *addr, size_t size, void *arg)
{
	return madvise(addr, size, *(int *)arg);
}

int advise_pieces(char *addr, size_t size, size_t piece, int advice)
{
	return for_pieces(addr, size, piece, advise, &advice);
}

bool have_huge_pages(void)
{
	return !access("/sys/kernel/mm/transparent_hugepage", F_OK);
}

int no_huge_pages(char *addr, size_t size)
{
	return have_huge_pages() ? madvise(addr, size, MADV_NOHUGEPAGE) : 0;
}

int collapse(char *addr)
{
	struct deadline deadline;
	int err;

	deadline_set(&deadline, WAIT_MS);
	do {
		err = madvise(addr, TABLE_SPAN, MADV_COLLAPSE);
	} while (err && (errno == EAGAIN || errno == EBUSY) && deadline_wait(&deadline));
	return err;
}

long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void sleep_ms(long ms)
{
	struct timespec time = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&time, NULL);
}

/* Diagnostics go to stderr: keep them and the results in order. */
static void __attribute__((constructor)) in_order(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
}
