// SPDX-License-Identifier: GPL-2.0
/*
 * Migration to a device goes on where it was when a table vanishes.
 *
 * Without "mm/migrate_device: resume, not restart, when the PTE table vanished" the whole range is
 * recorded once more, after what has been recorded already: past the end of the array. That
 * corrupts memory, or hits KASAN. It takes a table that is emptied while a large folio in it is
 * being split: luck, which force_free of debug kernels helps.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"

#include "files.h"
#include "hazard.h"
#include "hmm.h"
#include "meet.h"
#include "race.h"
#include "tables.h"

#define MTHP	"/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled"
#define MTHP_SIZE	(64UL << 10)
#define STEP	(8 * PAGE)
/* What the driver has an array for */
#define SIZE	TABLE_SPAN

static struct {
	char *area;
	char *mirror;
	int device;
	unsigned long migrated;
	struct meeting meeting;
} shared;

/*
 * The driver reads what it migrated, and does not notice that it was zapped meanwhile: it reads pages
 * that are free. So it shall fail to get the first page, and then reads nothing: ENOENT.
 */
static bool fail_first_page(void)
{
	struct hmm_dmirror_cmd cmd = { .npages = HMM_DMIRROR_FLAG_FAIL_ALLOC };

	return !ioctl(shared.device, HMM_DMIRROR_FLAGS, &cmd);
}

static const char *migrate(struct racer *racer)
{
	struct hmm_dmirror_cmd cmd = {
		.addr = (uintptr_t)shared.area,
		.ptr = (uintptr_t)shared.mirror,
		.npages = ENTRIES,
	};
	uint64_t mark = racer->turns + 1;
	char *small = shared.area, *large = shared.area + SIZE / 2;
	size_t at;

	/* Small folios first, which are collected, then large ones, which are split. */
	if (no_huge_pages(small, SIZE / 2) || madvise(large, SIZE / 2, MADV_HUGEPAGE))
		return wrong("madvise: %m");
	for (at = 0; at < SIZE / 2; at += STEP)
		mark_page(small + at, mark);
	for (at = 0; at < SIZE / 2; at += 2 * MTHP_SIZE)
		mark_page(large + at, mark);
	/* One area again */
	if (madvise(small, SIZE / 2, MADV_HUGEPAGE))
		return wrong("madvise: %m");

	if (!fail_first_page())
		return wrong("flags of " HMM_DEVICE ": %m");
	if (!meet(&shared.meeting, 0))
		return NULL;
	dawdle(500);
	/* It succeeds if it came late, and migrated one large hole: which is not a first page. */
	if (!ioctl(shared.device, HMM_DMIRROR_MIGRATE_TO_DEV, &cmd) || errno == ENOENT)
		shared.migrated++;
	/* There may be nothing left to migrate. */
	else if (errno != EINVAL && errno != EBUSY && errno != EFAULT && errno != EAGAIN)
		return wrong("migration: %m");
	if (!meet(&shared.meeting, 0))
		return NULL;
	for (at = 0; at < SIZE; at += STEP)
		if (!page_zero(shared.area + at))
			return wrong("a page is back that was zapped");
	if (madvise(shared.area, SIZE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return NULL;
}

static const char *zap(struct racer *racer)
{
	if (!meet(&shared.meeting, 1))
		return NULL;
	dawdle(10000);
	if (madvise(shared.area, SIZE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	meet(&shared.meeting, 1);
	return NULL;
}

/* Pages that nobody zaps come back as they were, while the rest of the table goes. */
static const char *migrate_and_return(struct racer *racer)
{
	char *start = shared.area + 128 * PAGE;
	struct hmm_dmirror_cmd cmd = {
		.addr = (uintptr_t)start,
		.ptr = (uintptr_t)shared.mirror,
		.npages = 16,
	};

	mark_pages(start, 16 * PAGE, racer->turns + 1);
	if (ioctl(shared.device, HMM_DMIRROR_MIGRATE_TO_DEV, &cmd)) {
		if (errno != EBUSY && errno != EAGAIN)
			return wrong("migration: %m");
	} else {
		shared.migrated++;
	}
	if (check_marks(start, 16 * PAGE, racer->turns + 1))
		return wrong("lost by a migration and return");
	if (madvise(start, 16 * PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	return NULL;
}

static const char *zap_others(struct racer *racer)
{
	char *page = shared.area + some(ENTRIES / 8) * PAGE;

	mark_page(page, racer->turns);
	if (madvise(page, PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	usleep(200);
	return NULL;
}

FIXTURE(migrate_device)
{
	char mthp[128];
};

FIXTURE_SETUP(migrate_device)
{
	memset(&shared, 0, sizeof(shared));
	self->mthp[0] = 0;
	shared.device = hmm_open();
	if (shared.device < 0)
		SKIP(return, "no " HMM_DEVICE " (CONFIG_TEST_HMM)");
	shared.area = arena(TABLE_SPAN);
	ASSERT_NE(NULL, shared.area);
	ASSERT_NE(NULL, map_anon(shared.area, TABLE_SPAN));
	shared.mirror = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
	ASSERT_NE(MAP_FAILED, shared.mirror);
	if (file_read(MTHP, self->mthp, sizeof(self->mthp)) || file_write(MTHP, "madvise"))
		self->mthp[0] = 0;
	hazard_begin(0);
}

FIXTURE_TEARDOWN(migrate_device)
{
	char *start = strchr(self->mthp, '[');

	hazard_end();
	/* "always inherit [madvise] never" */
	if (start) {
		start[strcspn(start, "]")] = 0;
		file_write(MTHP, start + 1);
	}
}

TEST_F(migrate_device, zapped)
{
	struct racer racers[] = { { RACER(migrate), .least = 20 }, { RACER(zap), .least = 20 } };

	if (!self->mthp[0])
		SKIP(return, "no large folios of 64 KiB");
	race_needs("tables freed", freed, 20);
	EXPECT_HARMLESS(race(racers, 2));
}

static long migrated(void)
{
	return __atomic_load_n(&shared.migrated, __ATOMIC_RELAXED);
}

TEST_F(migrate_device, and_return)
{
	struct racer racers[] = { { RACER(migrate_and_return) }, { RACER(zap_others) } };

	ASSERT_EQ(0, no_huge_pages(shared.area, TABLE_SPAN));
	race_needs("migrations", migrated, 20);
	race_needs("tables freed", freed, 20);
	EXPECT_HARMLESS(race(racers, 2));
}

TEST_HARNESS_MAIN
