// SPDX-License-Identifier: GPL-2.0
/*
 * userfaultfd must fill a hole when it is told to, even if the table that the hole is in vanishes
 * on the way. Else UFFDIO_COPY and its kin report -EEXIST for a page that is not there, so that
 * the thread which waits for it sleeps for ever, or -EAGAIN, at which a monitor gives up:
 * "mm/userfaultfd: fill again when the PTE table vanished".
 *
 * Takes luck; force_free and delay_us of a debug kernel help it.
 */
#include "harness.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>

#include "files.h"
#include "hazard.h"
#include "race.h"
#include "tables.h"
#include "uffd.h"

#define FILLERS	2
#define PAGES	8
#define SIZE	(FILLERS * PAGES * PAGE)

#ifndef UFFDIO_POISON
#define UFFD_FEATURE_POISON	(1 << 14)

struct uffdio_poison {
	struct uffdio_range range;
	__u64 mode;
	__s64 updated;
};

#define UFFDIO_POISON	_IOWR(UFFDIO, 0x08, struct uffdio_poison)
#endif

enum how { COPY, ZEROPAGE, POISON, CONTINUE };

static char *block;	/* the registered range; the neighbour has the end of the block */
static char *neighbour;
static char *pages;	/* what is copied */
static int uffd, fd;
static enum how how;

FIXTURE(fill)
{
};

FIXTURE_VARIANT(fill)
{
	enum how how;
};

FIXTURE_VARIANT_ADD(fill, copy)
{
	.how = COPY,
};

FIXTURE_VARIANT_ADD(fill, zeropage)
{
	.how = ZEROPAGE,
};

FIXTURE_VARIANT_ADD(fill, poison)
{
	.how = POISON,
};

FIXTURE_VARIANT_ADD(fill, continue)
{
	.how = CONTINUE,
};

FIXTURE_SETUP(fill)
{
	char *area = arena(2 * TABLE_SPAN);
	unsigned long long features = 0;

	ASSERT_NE(NULL, area);
	block = area;
	neighbour = area + TABLE_SPAN / 2;
	pages = area + TABLE_SPAN;
	how = variant->how;

	ASSERT_NE(NULL, map_anon(neighbour, TABLE_SPAN / 2));
	if (how == CONTINUE) {
		fd = shmem_file(SIZE);
		ASSERT_LE(0, fd);
		ASSERT_NE(NULL, map_file(block, SIZE, fd, MAP_SHARED));
		ASSERT_NE(NULL, map_file(pages, SIZE, fd, MAP_SHARED));
		features = UFFD_FEATURE_MINOR_SHMEM;
	} else {
		ASSERT_NE(NULL, map_anon(block, SIZE));
		ASSERT_NE(NULL, map_anon(pages, SIZE));
		features = how == POISON ? UFFD_FEATURE_POISON : 0;
	}
	mark_pages(pages, SIZE, 1);
	uffd = uffd_open(features);
	if (uffd < 0)
		SKIP(return, "no userfaultfd of this kind");
	ASSERT_EQ(0, fcntl(uffd, F_SETFL, O_NONBLOCK));
	ASSERT_EQ(0, uffd_register(uffd, block, SIZE, how == CONTINUE ?
				   UFFDIO_REGISTER_MODE_MINOR : UFFDIO_REGISTER_MODE_MISSING));
	hazard_begin(0);
}

FIXTURE_TEARDOWN(fill)
{
	hazard_end();
}

/* 0, or a negative errno; what is left undone counts as EAGAIN. */
static int fill_pages(char *to, size_t size)
{
	struct uffdio_range range = { .start = (uintptr_t)to, .len = size };
	struct uffdio_copy copy = {
		.dst = range.start,
		.src = (uintptr_t)(pages + (to - block)),
		.len = size,
	};
	struct uffdio_zeropage zero = { .range = range };
	struct uffdio_poison poison = { .range = range };
	struct uffdio_continue map = { .range = range };
	__s64 done;
	int err;

	switch (how) {
	case COPY:
		err = ioctl(uffd, UFFDIO_COPY, &copy);
		done = copy.copy;
		break;
	case ZEROPAGE:
		err = ioctl(uffd, UFFDIO_ZEROPAGE, &zero);
		done = zero.zeropage;
		break;
	case POISON:
		err = ioctl(uffd, UFFDIO_POISON, &poison);
		done = poison.updated;
		break;
	default:
		err = ioctl(uffd, UFFDIO_CONTINUE, &map);
		done = map.mapped;
	}
	if (err)
		return -errno;
	return done == size ? 0 : -EAGAIN;
}

static bool is_filled(const char *addr)
{
	if (how == POISON)
		return true;
	if (how == ZEROPAGE)
		return page_zero(addr);
	return !memcmp(addr, pages + (addr - block), PAGE);
}

/* Each has some pages of its own: it alone fills them and gives them back. */
static const char *fill_and_give_back(struct racer *racer)
{
	unsigned int count = 1 + some(PAGES);
	char *addr = block + racer->number * PAGES * PAGE;
	unsigned int i;
	int err;

	err = fill_pages(addr, count * PAGE);
	if (err)
		return wrong("%u pages: %s", count, strerror(-err));
	for (i = 0; i < count; i++)
		if (!is_filled(addr + i * PAGE))
			return wrong("page %u was not filled", i);
	if (madvise(addr, PAGES * PAGE, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	return NULL;
}

static const char *give_back(struct racer *racer)
{
	char *page = neighbour + some(64) * PAGE;

	mark_page(page, 1);
	if (madvise(page, PAGE, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	return NULL;
}

TEST_F(fill, holes)
{
	struct racer racers[] = {
		{ RACER(fill_and_give_back), .number = 0, .least = 100 },
		{ RACER(fill_and_give_back), .number = 1, .least = 100 },
		{ RACER(give_back) },
	};

	race_needs("tables freed", freed, 100);
	EXPECT_HARMLESS(race(racers, 3));
}

static bool has_ended;

/* Whoever waits for a page must get it: this test hangs if not. No racer, as it is the last to leave. */
static void *monitor(void *arg)
{
	struct pollfd poll_fd = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;
	int err = 0;

	while (!err && !__atomic_load_n(&has_ended, __ATOMIC_RELAXED)) {
		if (poll(&poll_fd, 1, 10) <= 0)
			continue;
		if (read(uffd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		err = fill_pages((char *)(uintptr_t)(msg.arg.pagefault.address & -PAGE), PAGE);
	}
	if (err) {
		wrong("a page that is waited for: %s", strerror(-err));
		/* Whoever waits must not do so for ever. */
		uffd_unregister(uffd, block, SIZE);
	}
	return NULL;
}

static const char *want(struct racer *racer)
{
	char *addr = block + some(PAGES) * PAGE;

	if (!is_filled(addr))
		return wrong("a page was not filled");
	if (madvise(addr, PAGE, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	return NULL;
}

TEST_F(fill, faults)
{
	struct racer racers[] = { { RACER(want), .least = 200 }, { RACER(give_back) } };
	const char *harm;
	pthread_t thread;

	if (variant->how == POISON)
		SKIP(return, "who waits for such a page gets a signal");
	ASSERT_EQ(0, pthread_create(&thread, NULL, monitor, NULL));
	race_needs("tables freed", freed, 100);
	harm = race(racers, 2);
	__atomic_store_n(&has_ended, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	EXPECT_HARMLESS(harm);
}

TEST_HARNESS_MAIN
