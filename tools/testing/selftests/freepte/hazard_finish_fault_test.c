// SPDX-License-Identifier: GPL-2.0
/*
 * A file fault whose table goes away while its page is read is taken again.
 *
 * Without "mm/memory: do not allocate a PTE table under the folio lock" a table is allocated then
 * and there. In a control group that is at its limit this waits for writeback, which may wait for
 * the very folio: a deadlock. It takes a limit, dirty pages, a slow device and much luck; what is
 * certain is that the path is taken, with no debug knobs: the data must be right, and nobody
 * killed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

#include "cgroup.h"
#include "ext4.h"
#include "files.h"
#include "hazard.h"
#include "knobs.h"
#include "race.h"
#include "tables.h"
#include "uapi.h"

/* Data lies in the first pages of each table, far more than the limit allows. */
#define TABLES		16
#define SIZE		(TABLES * TABLE_SPAN)
#define PAGES		256
#define LIMIT		"12M"

static struct {
	char *area;
	char *anon;
} shared;

static uint64_t mark_for(unsigned int table, unsigned int page)
{
	return (table + 1) << 16 | page;
}

static char *page_at(unsigned int table, unsigned int page)
{
	return shared.area + table * TABLE_SPAN + page * PAGE;
}

/* Pages out of the page cache too, so that their next fault reads, with the table in place. */
static const char *fault(struct racer *racer)
{
	unsigned int table = some(TABLES), page = some(PAGES);
	char *addr = page_at(table, page);

	if (!page_marked(addr, mark_for(table, page)))
		return wrong("table %u page %u holds %#llx", table, page,
			     *(unsigned long long *)addr);
	/* Dirty, but the same as before */
	if (some(2))
		mark_page(addr, mark_for(table, page));
	if (some(2) && madvise(addr, PAGE, MADV_PAGEOUT))
		return wrong("MADV_PAGEOUT: %m");
	return NULL;
}

/* What makes the table go */
static const char *zap(struct racer *racer)
{
	unsigned int table = some(TABLES);
	char *start = page_at(table, 0);
	int err;

	switch (some(8)) {
	case 0:
		err = madvise(start, PAGES * PAGE, MADV_PAGEOUT);
		break;
	case 1:
		err = madvise(start, TABLE_SPAN, MADV_DONTNEED);
		break;
	default:
		err = madvise(start, PAGES * PAGE, MADV_DONTNEED);
	}
	return err ? wrong("madvise: %m") : NULL;
}

/* Keeps the group at its limit */
static const char *fill(struct racer *racer)
{
	size_t at = some(1024) * PAGE;

	mark_page(shared.anon + at, 1);
	if (racer->turns % 1024 == 1023 && madvise(shared.anon, 1024 * PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	if (racer->turns % 64 == 0)
		usleep(500);
	return NULL;
}

FIXTURE(finish_fault)
{
	struct ext4 ext4;
	struct cgroup cgroup;
	int file;
};

FIXTURE_SETUP(finish_fault)
{
	const char *reason;
	char path[192];
	unsigned int i, j;

	self->cgroup.path[0] = 0;
	self->ext4.root = -1;
	self->file = -1;
	memset(&shared, 0, sizeof(shared));
	reason = ext4_make(&self->ext4, SIZE / 2 + (8 << 20));
	if (reason)
		SKIP(return, "%s", reason);
	self->file = openat(self->ext4.root, "data", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_LE(0, self->file);
	ASSERT_EQ(0, ftruncate(self->file, SIZE));
	for (i = 0; i < TABLES; i++) {
		char *pages = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
				   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		ASSERT_NE(MAP_FAILED, pages);
		for (j = 0; j < PAGES; j++)
			mark_page(pages + j * PAGE, mark_for(i, j));
		ASSERT_EQ(PAGES * PAGE, pwrite(self->file, pages, PAGES * PAGE, i * TABLE_SPAN));
		munmap(pages, PAGES * PAGE);
	}
	ASSERT_EQ(0, fsync(self->file));
	ASSERT_EQ(0, posix_fadvise(self->file, 0, 0, POSIX_FADV_DONTNEED));

	reason = cgroup_enter(&self->cgroup);
	if (reason)
		SKIP(return, "%s", reason);
	snprintf(path, sizeof(path), "%s/memory.max", self->cgroup.path);
	ASSERT_EQ(0, file_write(path, LIMIT));
	shared.area = arena(SIZE + TABLE_SPAN * 2);
	ASSERT_NE(NULL, shared.area);
	ASSERT_NE(NULL, map_file(shared.area, SIZE, self->file, MAP_SHARED));
	ASSERT_EQ(0, madvise(shared.area, SIZE, MADV_RANDOM));
	shared.anon = map_anon(shared.area + SIZE, 1024 * PAGE);
	ASSERT_NE(NULL, shared.anon);
	ASSERT_EQ(0, no_huge_pages(shared.anon, 1024 * PAGE));
	hazard_begin(0);
}

FIXTURE_TEARDOWN(finish_fault)
{
	hazard_end();
	cgroup_leave(&self->cgroup);
	if (self->file >= 0)
		close(self->file);
	ext4_remove(&self->ext4);
}

/* "oom_kill 0" of the group, or -1 */
static long oom_kills(const struct cgroup *cgroup)
{
	char path[192], text[512], *line;

	snprintf(path, sizeof(path), "%s/memory.events", cgroup->path);
	if (file_read(path, text, sizeof(text)))
		return -1;
	line = strstr(text, "\noom_kill ");
	return line ? strtol(line + strlen("\noom_kill "), NULL, 10) : -1;
}

static long faults_before;

static long major_faults(void)
{
	return vm_counter("pgmajfault") - faults_before;
}

TEST_F(finish_fault, at_the_limit)
{
	struct racer racers[] = {
		{ RACER(fault), .least = 50 },
		{ RACER(fault), .least = 50 },
		{ RACER(zap), .least = 20 },
		{ RACER(fill) },
	};

	faults_before = vm_counter("pgmajfault");
	race_needs("major faults", major_faults, 20);
	race_needs("tables freed", freed, 20);
	EXPECT_HARMLESS(race(racers, 4));
	EXPECT_EQ(0, oom_kills(&self->cgroup));
}

TEST_HARNESS_MAIN
