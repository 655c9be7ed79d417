// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/PID/pagemap, read.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tables.h"
#include "walk/pagemap.h"

#define MOST		(64UL << 10)	/* entries */
#define BEHIND		2
#define UNTOUCHED	0xa5
#define NOBODY		65534
/* Where user space ends */
#define TASK_SIZE	(0x800000000000 - PAGE)

static uint64_t buffer[MOST + BEHIND];

int pagemap_open(pid_t pid, bool privileged)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/pagemap", pid);
	if (!privileged && (setegid(NOBODY) || seteuid(NOBODY)))
		return -1;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (!privileged && (seteuid(0) || setegid(0))) {
		close(fd);
		return -1;
	}
	return fd;
}

static off_t offset_of(uint64_t addr)
{
	return addr / PAGE * sizeof(uint64_t);
}

ssize_t pagemap_read(int fd, uint64_t start, uint64_t *entries, size_t count)
{
	return pread(fd, entries, count * sizeof(*entries), offset_of(start));
}

static size_t count_entries(size_t count)
{
	size_t i, sum = 0;

	for (i = 0; i < count; i++)
		sum += !!(buffer[i] & PAGEMAP_ENTRY);
	return sum;
}

/* Read so many bytes, and note all that came, and that nothing came behind it. */
static ssize_t note_read(struct transcript *to, int fd, off_t offset, size_t bytes, uint64_t mask)
{
	const size_t room = (bytes / sizeof(*buffer) + BEHIND) * sizeof(*buffer);
	ssize_t got;
	size_t i;

	memset(buffer, UNTOUCHED, room);
	got = pread(fd, buffer, bytes, offset);
	note_returned(to, got, "read of pagemap");
	for (i = 0; got > 0 && i < got / sizeof(*buffer); i++)
		buffer[i] &= mask;
	note(to, buffer, room, "pagemap: %zu bytes at %#llx, for %#llx", bytes,
	     (unsigned long long)offset, (unsigned long long)offset / sizeof(*buffer) * PAGE);
	return got;
}

size_t note_pagemap(struct transcript *to, int fd, uint64_t start, uint64_t end,
		    struct pagemap_how how)
{
	size_t entries = 0;
	ssize_t got;

	for (; start < end; start += how.piece * PAGE) {
		size_t count = (end - start) / PAGE;

		if (count > how.piece)
			count = how.piece;
		got = note_read(to, fd, offset_of(start), count * sizeof(*buffer), how.mask);
		if (got > 0)
			entries += count_entries(got / sizeof(*buffer));
	}
	return entries;
}

/* To where nothing may be written, at once or in the midst of it */
static void note_bad_buffers(struct transcript *to, int fd, uint64_t start)
{
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);
	const size_t many = 4 * ENTRIES * sizeof(uint64_t);

	if (pages == MAP_FAILED || munmap(pages + PAGE, PAGE))
		return;
	memset(pages, UNTOUCHED, PAGE);
	note_returned(to, pread(fd, pages + PAGE, 64, offset_of(start)), "to where nothing is");
	note_returned(to, pread(fd, pages + PAGE - 64, many, offset_of(start)),
		      "to the end of an area");
	note(to, pages, PAGE, "what is at the end of an area");
	munmap(pages, PAGE);
}

void note_pagemap_errors(struct transcript *to, int fd, uint64_t start)
{
	static const int counts[] = { 0, 1, 4, 7, 9, 12, 4095 };
	static const int offsets[] = { 1, 3, 4, 7 };
	static const uint64_t ends[] = {
		TASK_SIZE - 4 * PAGE, TASK_SIZE - PAGE, TASK_SIZE, TASK_SIZE + PAGE,
		1UL << 56, ~0UL - PAGE + 1,
	};
	int i;

	for (i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		note_read(to, fd, offset_of(start), counts[i], ~0ULL);
	for (i = 0; i < sizeof(offsets) / sizeof(*offsets); i++)
		note_read(to, fd, offset_of(start) + offsets[i], 64, ~0ULL);
	for (i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		note_read(to, fd, offset_of(ends[i]), 16 * sizeof(*buffer), ~0ULL);
	note_read(to, fd, INT64_MAX & ~7, 64, ~0ULL);
	note_read(to, fd, (1LL << 55) - 8, 64, ~0ULL);
	note_bad_buffers(to, fd, start);

	/* The place in the file moves on, by what was read. */
	note_returned(to, lseek(fd, offset_of(start), SEEK_SET), "lseek");
	note_returned(to, read(fd, buffer, 5 * sizeof(*buffer)), "read");
	note_returned(to, read(fd, buffer, 7 * sizeof(*buffer)), "read on");
	note(to, buffer, 7 * sizeof(*buffer), "what came then");
	note_returned(to, lseek(fd, 0, SEEK_CUR), "where that was");
}
