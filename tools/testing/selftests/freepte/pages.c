// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that are still there: by whom they are pinned, to whom they are charged, where they lie.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest.h"

#include "deadline.h"
#include "files.h"
#include "knobs.h"
#include "pages.h"
#include "tables.h"

#define KPAGECGROUP	"/proc/kpagecgroup"
#define KPAGEFLAGS	"/proc/kpageflags"
/* Of kpageflags: memory that can be swapped out, as opposed to files on a disk and to tables */
#define SWAPBACKED	(1ULL << 14)
/* Of pagemap */
#define PRESENT		(1ULL << 63)
#define FRAME		((1ULL << 55) - 1)
#define AT_ONCE		4096

long pins_held(void)
{
	long acquired, released;

	/* What the CPUs have counted for themselves */
	if (file_write("/proc/sys/vm/stat_refresh", "1"))
		return PINS_UNKNOWN;
	acquired = vm_counter("nr_foll_pin_acquired");
	released = vm_counter("nr_foll_pin_released");
	return acquired < 0 || released < 0 ? PINS_UNKNOWN : acquired - released;
}

const char *pages_lack(void)
{
	if (access(KPAGECGROUP, R_OK) || access(KPAGEFLAGS, R_OK))
		return "no " KPAGECGROUP " (CONFIG_MEMCG, CONFIG_PROC_PAGE_MONITOR)";
	return NULL;
}

/* Those of some pages that are charged to a control group; negative: nobody knows */
static long charged_of(uint64_t ino, const uint64_t *owners, long pages, int flags_fd, off_t at)
{
	static uint64_t flags[AT_ONCE];
	ssize_t size = pages * sizeof(*flags);
	long i, count = 0;

	for (i = 0; i < pages && owners[i] != ino; i++)
		;
	/* What pages are takes long to find out. */
	if (i == pages)
		return 0;
	if (pread(flags_fd, flags, size, at) != size)
		return -1;
	for (i = 0; i < pages; i++)
		count += owners[i] == ino && (flags[i] & SWAPBACKED);
	return count;
}

long pages_charged(const struct cgroup *cgroup)
{
	static uint64_t owners[AT_ONCE];
	int cgroup_fd, flags_fd;
	struct stat stat_buf;
	off_t at = 0;
	long count = 0;
	ssize_t got;

	if (stat(cgroup->path, &stat_buf))
		return -1;
	/* Pages wait in the CPUs' batches, with a reference. */
	drop_page_cache();
	cgroup_fd = open(KPAGECGROUP, O_RDONLY | O_CLOEXEC);
	flags_fd = open(KPAGEFLAGS, O_RDONLY | O_CLOEXEC);
	while ((got = pread(cgroup_fd, owners, sizeof(owners), at)) > 0) {
		long charged = charged_of(stat_buf.st_ino, owners, got / sizeof(*owners), flags_fd,
					  at);

		if (charged < 0)
			break;
		count += charged;
		at += got;
	}
	close(cgroup_fd);
	close(flags_fd);
	return got ? -1 : count;
}

long pages_settle(const struct cgroup *cgroup, long wanted)
{
	struct deadline deadline;
	long count;

	deadline_set(&deadline, WAIT_MS);
	do
		count = pages_charged(cgroup);
	while (count != wanted && deadline_wait(&deadline));
	return count;
}

/* Frames of the zone, from /proc/zoneinfo; false if there is none. */
static bool movable_zone(uint64_t *start, uint64_t *end)
{
	static char text[64 << 10];
	unsigned long long first, spanned;
	char *zone, *at;

	if (file_read("/proc/zoneinfo", text, sizeof(text)))
		return false;
	zone = strstr(text, "zone  Movable");
	if (!zone)
		return false;
	at = strstr(zone, "spanned ");
	if (!at || sscanf(at, "spanned %llu", &spanned) != 1 || !spanned)
		return false;
	at = strstr(zone, "start_pfn:");
	if (!at || sscanf(at, "start_pfn: %llu", &first) != 1)
		return false;
	*start = first;
	*end = first + spanned;
	return true;
}

long pages_movable(const void *addr, size_t size)
{
	uint64_t start, end, entry;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	long count = -1;
	size_t at;

	if (movable_zone(&start, &end)) {
		count = 0;
		for (at = (uintptr_t)addr / PAGE; at < ((uintptr_t)addr + size) / PAGE; at++) {
			if (pread(fd, &entry, sizeof(entry), at * sizeof(entry)) != sizeof(entry))
				break;
			count += (entry & PRESENT) && (entry & FRAME) >= start &&
				 (entry & FRAME) < end;
		}
	}
	close(fd);
	return count;
}
