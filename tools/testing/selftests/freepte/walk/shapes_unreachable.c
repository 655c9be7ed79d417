// SPDX-License-Identifier: GPL-2.0
/*
 * Shapes of pages that the processor cannot reach: their entries are not present, and name them.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"
#include "hmm.h"
#include "tables.h"
#include "walk/make.h"
#include "walk/readers.h"
#include "walk/shapes.h"

#define MIGRATING	TWINS "migrating"

static const char no_memory[] = "mmap failed";

/* Until this process ends: nobody closes the file. */
static bool keep_migrating(const char *page)
{
	int fd = open(MIGRATING, O_WRONLY | O_CLOEXEC);
	char text[32];
	int len = snprintf(text, sizeof(text), "%#lx", (unsigned long)page);

	return fd >= 0 && write(fd, text, len) == len;
}

/* Every other page */
static const char *migrate_pages_of(char *at, size_t size)
{
	size_t page;

	for (page = 0; page < size; page += 2 * PAGE)
		if (!keep_migrating(at + page))
			return "no " MIGRATING ", or a page that cannot be migrated";
	/* The others are here. */
	return present_in(0, at, size) == (long)(size / PAGE / 2) ? NULL : "nothing is migrating";
}

#define EIGHT	(8 * PAGE)

/* What may be written to, what may be read, what others have as well; of a file, too */
static const char *make_migrating(char *at)
{
	char *shared = at + TABLE_SPAN, *copies = at + TABLE_SPAN + TABLE_SPAN / 2;
	int fd = shmem_file(TABLE_SPAN / 2);
	const char *reason;

	if (fd < 0 || !map_small_pages(at, TABLE_SPAN) ||
	    !map_file(shared, TABLE_SPAN / 2, fd, MAP_SHARED) ||
	    !map_file(copies, TABLE_SPAN / 2, fd, MAP_PRIVATE))
		return no_memory;
	write_pages(at, 2 * EIGHT, PAGE);
	write_pages(shared, EIGHT, PAGE);
	read_pages(copies, EIGHT, PAGE);
	write_pages(copies + EIGHT, EIGHT, PAGE);
	if (mprotect(at + EIGHT, EIGHT, PROT_READ))
		return "mprotect failed";
	reason = migrate_pages_of(at, 2 * EIGHT);
	/* These are mapped twice, and migrate in both places. */
	if (!reason)
		reason = migrate_pages_of(shared, EIGHT);
	return reason ? reason : migrate_pages_of(copies + EIGHT, EIGHT);
}

const struct shape shape_migrating = {
	.size = 2 * TABLE_SPAN,
	.make = make_migrating,
	.is_held = true,
};

/* Of two huge pages the first, with a hole between them */
static const char *make_migrating_huge(char *at)
{
	const char *reason = NULL;

	if (!map_huge_pages(at, shape_migrating_huge.size))
		return no_memory;
	reason = fill_huge_pages(at, TABLE_SPAN);
	if (!reason)
		reason = fill_huge_pages(at + 2 * TABLE_SPAN, TABLE_SPAN);
	if (!reason && !keep_migrating(at))
		reason = "no " MIGRATING ", or a huge page that cannot be migrated";
	if (!reason && present_in(0, at, TABLE_SPAN))
		reason = "nothing is migrating";
	return reason;
}

const struct shape shape_migrating_huge = {
	.size = 3 * TABLE_SPAN,
	.make = make_migrating_huge,
	.is_held = true,
};

static void ignore(int number)
{
}

/* Nobody can have these pages any more. */
static const char *make_poisoned(char *at)
{
	static const size_t bad[] = { 1, 2, 100, ENTRIES + 3, ENTRIES + 4 };
	char *shared = at + TABLE_SPAN;
	unsigned int i;

	/* We are told by a signal, which kills whoever just ignores it. */
	signal(SIGBUS, ignore);
	if (!map_small_pages(at, TABLE_SPAN) || !map_shared_anon(shared, TABLE_SPAN))
		return no_memory;
	write_pages(at, TABLE_SPAN / 2, PAGE);
	write_pages(shared, TABLE_SPAN / 2, PAGE);
	for (i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		char *page = at + bad[i] * PAGE;

		if (madvise(page, PAGE, MADV_HWPOISON))
			return "no MADV_HWPOISON (CONFIG_MEMORY_FAILURE)";
		if (swapped_in(0, page, PAGE) != 1)
			return "a page that is bad is still mapped, or gone";
	}
	return NULL;
}

const struct shape shape_poisoned = {
	.size = 2 * TABLE_SPAN,
	.make = make_poisoned,
	.is_held = true,
};

static const char *ask_device(int device, unsigned long order, char *at, size_t size)
{
	static char mirror[64 * PAGE];
	struct hmm_dmirror_cmd cmd = {
		.addr = (uintptr_t)at,
		.ptr = (uintptr_t)mirror,
		.npages = size / PAGE,
	};

	if (ioctl(device, order, &cmd))
		return "pages that do not go to a device";
	return swapped_in(0, at, size) == (long)(size / PAGE) ? NULL :
	       "pages that a device has are mapped";
}

/* In a device's memory, and in ours for the device alone: those that it may write to, and others */
static const char *make_device(char *at)
{
	const int device = hmm_open();
	const char *reason;

	if (device < 0)
		return "no " HMM_DEVICE " (CONFIG_TEST_HMM)";
	if (!map_small_pages(at, 2 * TABLE_SPAN))
		return no_memory;
	write_pages(at, TABLE_SPAN / 2, PAGE);
	write_pages(at + TABLE_SPAN, TABLE_SPAN, 3 * PAGE);
	if (mprotect(at + 32 * PAGE, 32 * PAGE, PROT_READ))
		return "mprotect failed";
	reason = ask_device(device, HMM_DMIRROR_MIGRATE_TO_DEV, at + 8 * PAGE, EIGHT);
	if (!reason)
		reason = ask_device(device, HMM_DMIRROR_MIGRATE_TO_DEV, at + 40 * PAGE, EIGHT);
	return reason ? reason :
	       ask_device(device, HMM_DMIRROR_EXCLUSIVE, at + 100 * PAGE, EIGHT);
}

const struct shape shape_device = {
	.size = 2 * TABLE_SPAN,
	.make = make_device,
};
