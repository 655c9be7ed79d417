// SPDX-License-Identifier: GPL-2.0
/*
 * A range can be collapsed to a huge page whatever becomes of its table meanwhile.
 *
 * Without "mm/khugepaged: collapse where the PTE table vanished meanwhile" MADV_COLLAPSE of a file
 * says -EINVAL when others zap the range, or the reclaimer comes, while it replaces the table. A
 * debug kernel that looks at tables at once (force_free) shows it more often; others take luck.
 *
 * Without "mm/khugepaged: account for what retract_page_tables() discards" a table is freed with
 * markers in it that its count includes: the kernel complains, for certain.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

#include "ext4.h"
#include "files.h"
#include "hazard.h"
#include "meet.h"
#include "race.h"
#include "tables.h"
#include "uapi.h"
#include "uffd.h"

#define MARK	7
#define PIECE	(16 * PAGE)

static struct {
	char *area;
	unsigned long collapsed;
	struct meeting meeting;
} shared;

/* An errno that MADV_COLLAPSE may have whenever others use the pages */
static bool is_passing(int err)
{
	return err == EAGAIN || err == EBUSY || err == ENOMEM;
}

/*
 * Have small entries map the end of the huge page, and nothing the rest: while the area is two,
 * faults cannot map it as a whole.
 */
static const char *map_small(char *area)
{
	if (mprotect(area, PAGE, PROT_READ) || madvise(area, TABLE_SPAN, MADV_DONTNEED))
		return wrong("mprotect: %m");
	read_pages(area + TABLE_SPAN - 2 * PIECE, 2 * PIECE, PAGE);
	if (mprotect(area, PAGE, PROT_READ | PROT_WRITE))
		return wrong("mprotect: %m");
	return NULL;
}

static const char *collapse_small(struct racer *racer)
{
	const char *_wrong = map_small(shared.area);

	if (_wrong)
		return _wrong;
	if (!meet(&shared.meeting, 0))
		return NULL;
	/* The reclaimer is to come before, while and after. */
	dawdle(racer->turns % 4 ? 4000 : 500);
	if (!madvise(shared.area, TABLE_SPAN, MADV_COLLAPSE))
		shared.collapsed++;
	else if (!is_passing(errno))
		return wrong("MADV_COLLAPSE: %m, in lap %lu", racer->turns);
	if (!meet(&shared.meeting, 0))
		return NULL;
	/* Fewer than all pages, as this takes its time */
	return check_marks(shared.area, PIECE, MARK);
}

static const char *zap_rest(struct racer *racer)
{
	char *rest = shared.area + TABLE_SPAN - 2 * PIECE;

	if (!meet(&shared.meeting, 1))
		return NULL;
	dawdle(1000);
	if (madvise(rest, PIECE, MADV_DONTNEED) || madvise(rest + PIECE, PIECE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	meet(&shared.meeting, 1);
	return NULL;
}

/* All of this at once: what is right is the data, and the errnos that mean to try again. */
static const char *collapse_again(struct racer *racer)
{
	if (!madvise(shared.area, TABLE_SPAN, MADV_COLLAPSE))
		__atomic_add_fetch(&shared.collapsed, 1, __ATOMIC_RELAXED);
	else if (!is_passing(errno) && errno != EINVAL)
		return wrong("MADV_COLLAPSE: %m");
	return NULL;
}

/* The pages above the first half are zapped, the others are not. */
static const char *zap_any(struct racer *racer)
{
	char *page = shared.area + TABLE_SPAN / 2 + some(ENTRIES / 2) * PAGE;

	if (madvise(page, some(4) ? PAGE : TABLE_SPAN - (page - shared.area), MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return NULL;
}

static const char *check_any(struct racer *racer)
{
	return check_marks(shared.area, TABLE_SPAN / 2, MARK);
}

static long collapsed(void)
{
	return __atomic_load_n(&shared.collapsed, __ATOMIC_RELAXED);
}

FIXTURE(collapse)
{
	struct ext4 ext4;
	int file;
};

FIXTURE_SETUP(collapse)
{
	self->ext4.root = -1;
	self->file = -1;
	memset(&shared, 0, sizeof(shared));
	shared.area = arena(4 * TABLE_SPAN);
	ASSERT_NE(NULL, shared.area);
	ASSERT_NE(NULL, map_anon(shared.area, TABLE_SPAN));
	*shared.area = 1;
	if (collapse(shared.area))
		SKIP(return, "no MADV_COLLAPSE (CONFIG_TRANSPARENT_HUGEPAGE)");
	hazard_begin(0);
}

FIXTURE_TEARDOWN(collapse)
{
	hazard_end();
	if (self->file >= 0)
		close(self->file);
	ext4_remove(&self->ext4);
}

TEST_F(collapse, shmem)
{
	struct racer racers[] = { { RACER(collapse_small) }, { RACER(zap_rest) } };

	self->file = shmem_file(TABLE_SPAN);
	ASSERT_LE(0, self->file);
	ASSERT_NE(NULL, map_file(shared.area, TABLE_SPAN, self->file, MAP_SHARED));
	mark_pages(shared.area, TABLE_SPAN, MARK);
	ASSERT_EQ(0, collapse(shared.area))
		TH_LOG("shared memory cannot be collapsed: %m");
	ASSERT_EQ(ENTRIES, huge_in(0, shared.area, TABLE_SPAN));
	ASSERT_EQ(NULL, map_small(shared.area));
	ASSERT_EQ(0, huge_in(0, shared.area, TABLE_SPAN));

	race_needs("collapses", collapsed, 20);
	race_needs("tables freed", freed, 20);
	EXPECT_HARMLESS(race(racers, 2));
	EXPECT_EQ(NULL, check_marks(shared.area, TABLE_SPAN, MARK));
}

TEST_F(collapse, anon)
{
	struct racer racers[] = {
		{ RACER(collapse_again) },
		{ RACER(zap_any), .least = 100 },
		{ RACER(check_any), .least = 20 },
	};

	mark_pages(shared.area, TABLE_SPAN, MARK);
	race_needs("collapses", collapsed, 20);
	EXPECT_HARMLESS(race(racers, 3));
	EXPECT_EQ(NULL, check_marks(shared.area, TABLE_SPAN / 2, MARK));
}

/* A file of a file system, and a private mapping of it, whose table a collapse leaves in place */
TEST_F(collapse, file)
{
	struct racer racers[] = { { RACER(collapse_small) }, { RACER(zap_rest) } };
	const char *reason = ext4_make(&self->ext4, 16 << 20);
	char *copy;

	if (reason)
		SKIP(return, "%s", reason);
	copy = mmap(NULL, TABLE_SPAN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, copy);
	mark_pages(copy, TABLE_SPAN, MARK);
	self->file = openat(self->ext4.root, "huge", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	ASSERT_LE(0, self->file);
	ASSERT_EQ(TABLE_SPAN, pwrite(self->file, copy, TABLE_SPAN, 0));
	ASSERT_EQ(0, fsync(self->file));
	/* Not if somebody may write to it */
	close(self->file);
	self->file = openat(self->ext4.root, "huge", O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->file);
	ASSERT_NE(NULL, map_file(shared.area, TABLE_SPAN, self->file, MAP_PRIVATE));
	read_pages(shared.area, TABLE_SPAN, PAGE);
	if (collapse(shared.area))
		SKIP(return, "ext4 cannot be collapsed: %m");
	/* With an anonymous page once, it does not lose its table to the collapse of the file. */
	shared.area[TABLE_SPAN - 1] = 1;
	ASSERT_EQ(0, madvise(shared.area, TABLE_SPAN, MADV_DONTNEED));
	hazard_begin(0);

	race_needs("collapses", collapsed, 20);
	race_needs("tables freed", freed, 20);
	EXPECT_HARMLESS(race(racers, 2));
}

#ifndef UFFDIO_POISON
struct uffdio_poison {
	struct uffdio_range range;
	__u64 mode;
	__s64 updated;
};

#define UFFD_FEATURE_POISON	(1 << 14)
#define UFFDIO_POISON		_IOWR(UFFDIO, 0x08, struct uffdio_poison)
#endif

static unsigned long laps;

static long retracted(void)
{
	return laps;
}

/* Markers that survive until the table of their mapping is retracted */
TEST_F(collapse, retract_markers)
{
	int uffd = uffd_open(UFFD_FEATURE_POISON | UFFD_FEATURE_MISSING_SHMEM);
	struct uffdio_poison poison = { .range.len = PAGE };
	const char *_wrong = NULL;
	char *other;

	if (uffd < 0)
		SKIP(return, "no UFFDIO_POISON");
	self->file = shmem_file(TABLE_SPAN);
	ASSERT_LE(0, self->file);
	ASSERT_NE(NULL, map_file(shared.area, TABLE_SPAN, self->file, MAP_SHARED));
	race_needs("tables retracted with a marker", retracted, 10);

	while (!_wrong && race_goes_on()) {
		other = map_file(shared.area + 2 * TABLE_SPAN, TABLE_SPAN, self->file, MAP_SHARED);
		ASSERT_NE(NULL, other);
		/* A hole, and all pages are small again. */
		ASSERT_EQ(0, fallocate(self->file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
				       TABLE_SPAN));
		mark_pages(shared.area, TABLE_SPAN, MARK + laps);
		ASSERT_EQ(0, uffd_register(uffd, other, TABLE_SPAN, UFFDIO_REGISTER_MODE_MISSING));
		poison.range.start = (uintptr_t)other + (laps % ENTRIES) * PAGE;
		ASSERT_EQ(0, ioctl(uffd, UFFDIO_POISON, &poison));
		ASSERT_EQ(1, entries_in(0, other, TABLE_SPAN));
		ASSERT_EQ(0, collapse(shared.area));
		_wrong = check_marks(shared.area, TABLE_SPAN, MARK + laps);
		ASSERT_EQ(0, munmap(other, TABLE_SPAN));
		laps++;
	}
	EXPECT_HARMLESS(what_went_wrong());
	close(uffd);
}

TEST_HARNESS_MAIN
