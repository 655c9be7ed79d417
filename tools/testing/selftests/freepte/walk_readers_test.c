// SPDX-License-Identifier: GPL-2.0
/*
 * Whoever reads page tables for user space in Rust says byte for byte what the C says that it
 * replaces: mincore(), /proc/PID/pagemap, PAGEMAP_SCAN, smaps and smaps_rollup; and clear_refs and
 * a scan that protects leave behind the same entries. So do the readers in C on the page walk in
 * Rust. All are in one kernel, if it is built with CONFIG_RUST_MM_TWINS, and a file in debugfs says
 * who reads (walk/readers.h).
 *
 * Each test is about one reader, in each shape of address space (walk/shapes.h). The shape is that
 * of another process, which stands still.
 */
#include "harness.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "hazard.h"
#include "uffd.h"
#include "walk/compare.h"
#include "walk/mincore.h"
#include "walk/pagemap.h"
#include "walk/readers.h"
#include "walk/scan.h"
#include "walk/site.h"
#include "walk/smaps.h"
#include "walk/twins.h"

#define NOBODY		65534
#define ANY_SCANS	300
#define PROTECTING	48
/* A scan that protects what is not there fills tables with marks: not too many of them */
#define MOST_PROTECTED	(8 * TABLE_SPAN)
/* What is not too much to be read again and again */
#define SMALL		(64UL << 20)

FIXTURE(readers)
{
	struct peer peer;
	int pagemap;
};

FIXTURE_VARIANT(readers)
{
	const struct shape *shape;
};

FIXTURE_VARIANT_ADD(readers, untouched) { .shape = &shape_untouched };
FIXTURE_VARIANT_ADD(readers, dense) { .shape = &shape_dense };
FIXTURE_VARIANT_ADD(readers, sparse) { .shape = &shape_sparse };
FIXTURE_VARIANT_ADD(readers, far) { .shape = &shape_far };
FIXTURE_VARIANT_ADD(readers, zero_pages) { .shape = &shape_zero_pages };
FIXTURE_VARIANT_ADD(readers, swapped) { .shape = &shape_swapped };
FIXTURE_VARIANT_ADD(readers, lazyfree) { .shape = &shape_lazyfree };
FIXTURE_VARIANT_ADD(readers, prot_none) { .shape = &shape_prot_none };
FIXTURE_VARIANT_ADD(readers, mlocked) { .shape = &shape_mlocked };
FIXTURE_VARIANT_ADD(readers, merged) { .shape = &shape_merged };
FIXTURE_VARIANT_ADD(readers, forked) { .shape = &shape_forked };
FIXTURE_VARIANT_ADD(readers, patchwork) { .shape = &shape_patchwork };
FIXTURE_VARIANT_ADD(readers, thp) { .shape = &shape_thp };
FIXTURE_VARIANT_ADD(readers, thp_in_pieces) { .shape = &shape_thp_in_pieces };
FIXTURE_VARIANT_ADD(readers, huge_zero) { .shape = &shape_huge_zero };
FIXTURE_VARIANT_ADD(readers, shmem_thp) { .shape = &shape_shmem_thp };
FIXTURE_VARIANT_ADD(readers, hugetlb_private) { .shape = &shape_hugetlb_private };
FIXTURE_VARIANT_ADD(readers, hugetlb_shared) { .shape = &shape_hugetlb_shared };
FIXTURE_VARIANT_ADD(readers, hugetlb_shared_table) { .shape = &shape_hugetlb_shared_table };
FIXTURE_VARIANT_ADD(readers, shmem_swapped) { .shape = &shape_shmem_swapped };
FIXTURE_VARIANT_ADD(readers, tmpfs) { .shape = &shape_tmpfs };
FIXTURE_VARIANT_ADD(readers, cow_swapped) { .shape = &shape_cow_swapped };
FIXTURE_VARIANT_ADD(readers, ext4) { .shape = &shape_ext4 };
FIXTURE_VARIANT_ADD(readers, soft_dirty) { .shape = &shape_soft_dirty };
FIXTURE_VARIANT_ADD(readers, uffd_wp) { .shape = &shape_uffd_wp };
FIXTURE_VARIANT_ADD(readers, uffd_wp_markers) { .shape = &shape_uffd_wp_markers };
FIXTURE_VARIANT_ADD(readers, uffd_rwp) { .shape = &shape_uffd_rwp };
FIXTURE_VARIANT_ADD(readers, guards) { .shape = &shape_guards };
FIXTURE_VARIANT_ADD(readers, raw_frames) { .shape = &shape_raw_frames };
FIXTURE_VARIANT_ADD(readers, migrating) { .shape = &shape_migrating };
FIXTURE_VARIANT_ADD(readers, migrating_huge) { .shape = &shape_migrating_huge };
FIXTURE_VARIANT_ADD(readers, poisoned) { .shape = &shape_poisoned };
FIXTURE_VARIANT_ADD(readers, device) { .shape = &shape_device };
FIXTURE_VARIANT_ADD(readers, process) { .shape = &shape_process };

FIXTURE_SETUP(readers)
{
	const char *reason = readers_lack();

	self->pagemap = -1;
	if (reason)
		SKIP(return, "%s", reason);
	ASSERT_TRUE(compare_prepare());
	/* Tables that are empty are gone before anybody looks. */
	hazard_begin(HAZARD_LAZY);
	reason = site_open(variant->shape);
	if (reason) {
		site_close();
		hazard_end();
		SKIP(return, "%s", reason);
	}
}

FIXTURE_TEARDOWN(readers)
{
	peer_stop(&self->peer);
	if (self->pagemap >= 0)
		close(self->pagemap);
	site_close();
	hazard_end();
	EXPECT_EQ(NULL, complaint());
}

/* It ends with us, as before. */
static long give_up_root(void *arg)
{
	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(NOBODY, NOBODY, NOBODY))
		return -1;
	return prctl(PR_SET_DUMPABLE, 1) || prctl(PR_SET_PDEATHSIG, SIGKILL) ? -1 : 0;
}

/* By the process itself: there is no mincore() of another one. */
static long ask_mincore(void *arg)
{
	static struct window windows[WINDOWS];
	unsigned int i, count = site_windows(getpid(), windows);

	for (i = 0; i < count; i++)
		note_mincore(arg, windows[i].start, windows[i].end);
	note_mincore_errors(arg, (uintptr_t)site.at, (uintptr_t)site.at + site.shape->size);
	return 0;
}

static void read_mincore(struct transcript *to, void *arg)
{
	note_number(to, peer_call(arg, ask_mincore, to), "the process");
}

TEST_F(readers, mincore)
{
	const char *reason = site_people(&self->peer);

	if (reason)
		SKIP(return, "%s", reason);
	EXPECT_SAME(read_mincore, &self->peer);
	/* Of files that it may not write to, it is told nothing. */
	ASSERT_EQ(0, peer_call(&self->peer, give_up_root, NULL));
	EXPECT_SAME(read_mincore, &self->peer);
}

struct pagemap_order {
	pid_t pid;
	int fd;
};

static void read_pagemap(struct transcript *to, void *arg)
{
	static struct window windows[WINDOWS];
	const struct pagemap_order *order = arg;
	static const size_t pieces[] = { 32 * ENTRIES, ENTRIES + 1, 7 };
	unsigned int i, j, count = site_windows(order->pid, windows);

	for (i = 0; i < count; i++) {
		const struct window *window = &windows[i];
		const uint64_t middle = (window->start + window->end) / 2 & -PAGE;

		for (j = 0; j < ARRAY_SIZE(pieces); j++)
			if (!j || window->end - window->start <= SMALL)
				note_pagemap(to, order->fd, window->start, window->end,
					     (struct pagemap_how){ pieces[j], ~0ULL });
		/* One by one, and from within one table to within another */
		note_pagemap(to, order->fd, middle - 20 * PAGE, middle + 20 * PAGE,
			     (struct pagemap_how){ 1, ~0ULL });
		note_pagemap(to, order->fd, middle - TABLE_SPAN + 5 * PAGE,
			     middle + TABLE_SPAN + 9 * PAGE,
			     (struct pagemap_how){ 3 * ENTRIES, ~0ULL });
	}
	note_pagemap_errors(to, order->fd, (uintptr_t)site.at);
}

/* Bits of frames, or of places in swap, that are told about the site */
static uint64_t frames_told(int fd)
{
	static uint64_t entries[2 * ENTRIES];
	uint64_t frames = 0;
	ssize_t got = pagemap_read(fd, (uintptr_t)site.at, entries, ARRAY_SIZE(entries));
	int i;

	for (i = 0; i < got / (ssize_t)sizeof(*entries); i++)
		frames |= entries[i] & PAGEMAP_FRAME;
	return frames;
}

TEST_F(readers, pagemap)
{
	const char *reason = site_people(&self->peer);
	struct pagemap_order order;

	if (reason)
		SKIP(return, "%s", reason);
	self->pagemap = pagemap_open(self->peer.pid, true);
	ASSERT_LE(0, self->pagemap);
	order = (struct pagemap_order){ self->peer.pid, self->pagemap };
	EXPECT_SAME(read_pagemap, &order);
	if (present_in(self->peer.pid, site.at, 2 * TABLE_SPAN) > 0)
		EXPECT_NE(0, frames_told(self->pagemap));
}

TEST_F(readers, pagemap_unprivileged)
{
	const char *reason = site_people(&self->peer);
	struct pagemap_order order;

	if (reason)
		SKIP(return, "%s", reason);
	ASSERT_EQ(0, peer_call(&self->peer, give_up_root, NULL));
	self->pagemap = pagemap_open(self->peer.pid, false);
	ASSERT_LE(0, self->pagemap);
	order = (struct pagemap_order){ self->peer.pid, self->pagemap };
	EXPECT_SAME(read_pagemap, &order);
	ASSERT_EQ(0, readers_use(BY_RUST));
	EXPECT_EQ(0, frames_told(self->pagemap));
}

static void read_scans(struct transcript *to, void *arg)
{
	const struct pagemap_order *order = arg;
	const uint64_t start = site_start(), end = site_end();
	struct random random;
	int i;

	note_scan_table(to, order->fd, start, end);
	if (end - start <= SMALL)
		note_scan_limits(to, order->fd, start, end);
	note_scan_errors(to, order->fd, start, end);
	random_seed(&random, end - start, 3);
	for (i = 0; i < ANY_SCANS; i++) {
		struct pm_scan_arg scan = scan_any(&random, start, end, ~0ULL);

		if (one_in(&random, 10))
			scan.flags = PM_SCAN_CHECK_WPASYNC;
		note_scan(to, order->fd, scan);
	}
	if (site.shape->whole)
		note_scan_table(to, order->fd, 0, 0x7ffffffff000);
}

TEST_F(readers, scan)
{
	const char *reason = site_people(&self->peer);
	struct pagemap_order order;

	if (reason)
		SKIP(return, "%s", reason);
	self->pagemap = pagemap_open(self->peer.pid, true);
	ASSERT_LE(0, self->pagemap);
	order = (struct pagemap_order){ self->peer.pid, self->pagemap };
	EXPECT_SAME(read_scans, &order);
}

/* All of the site that is mapped, an area at a time; how many there were. For the process itself */
static long protect_site(void *arg)
{
	int uffd = uffd_open(UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_HUGETLBFS_SHMEM |
			     UFFD_FEATURE_WP_ASYNC);
	static char text[64 << 10];
	char *line = text;
	long count = 0;

	if (uffd < 0 || file_read("/proc/self/maps", text, sizeof(text)))
		return -1;
	while (*line) {
		char *dash;
		uint64_t start = strtoull(line, &dash, 16);
		uint64_t end = strtoull(dash + 1, NULL, 16);

		if (start >= site_start() && end <= site_end() &&
		    !uffd_register(uffd, (void *)start, end - start, UFFDIO_REGISTER_MODE_WP))
			count++;
		line = strchrnul(line, '\n');
		line += *line == '\n';
	}
	return count;
}

static const char *prepare_protection(struct twin *twin)
{
	if (site.shape->has_uffd)
		return NULL;
	return peer_call(&twin->peer, protect_site, NULL) > 0 ? NULL :
	       "no asynchronous write protection by userfaultfd";
}

/* A part of the site that is worth it */
static struct pm_scan_arg protecting_scan(struct twin *twin, struct random *random)
{
	static struct window windows[WINDOWS];
	const unsigned int count = site_windows(twin->peer.pid, windows);
	const struct window *window = &windows[pick(random, count)];
	struct pm_scan_arg scan = scan_any(random, window->start, window->end, MOST_PROTECTED);

	scan.flags = PM_SCAN_WP_MATCHING;
	if (one_in(random, 4))
		scan.flags |= PM_SCAN_CHECK_WPASYNC;
	if (one_in(random, 2)) {
		/* What is asked in practice, and goes its own way in the kernel */
		scan.category_inverted = 0;
		scan.category_mask = PAGE_IS_WRITTEN;
		scan.category_anyof_mask = 0;
		scan.return_mask = PAGE_IS_WRITTEN;
	}
	if (one_in(random, 6)) {
		scan.vec = 0;
		scan.vec_len = 0;
	}
	return scan;
}

static bool protect_step(struct twin *twin, struct random *random, unsigned int number)
{
	if (number >= PROTECTING)
		return false;
	note_scan(twin->notes, twin->pagemap, protecting_scan(twin, random));
	if (number % 2)
		twin_touch(twin, random);
	return true;
}

TEST_F(readers, scan_protects)
{
	EXPECT_SAME_TWINS(prepare_protection, protect_step);
}

static void read_smaps(struct transcript *to, void *arg)
{
	const struct peer *peer = arg;

	note_smaps(to, peer->pid, 64 << 10);
	note_smaps(to, peer->pid, 500);
	note_smaps_rollup(to, peer->pid);
}

TEST_F(readers, smaps)
{
	const char *reason = site_people(&self->peer);

	if (reason)
		SKIP(return, "%s", reason);
	EXPECT_SAME(read_smaps, &self->peer);
}

static void note_clearing(struct transcript *to, pid_t pid, const char *what)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/clear_refs", pid);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	note_returned(to, fd < 0 ? fd : write(fd, what, strlen(what)), what);
	close(fd);
}

static bool clear_step(struct twin *twin, struct random *random, unsigned int number)
{
	static const char *const words[] = {
		"4", "1", "4\n", "1",
		"1", " 2 ", "4", "2",
		"1", "2", "4", "3",
		"1\n", "2", "3", "4",
		"0", "6", "-1", "x",
		"", "11", "1x", "99999999999",
	};

	if (number >= ARRAY_SIZE(words))
		return false;
	note_clearing(twin->notes, twin->peer.pid, words[number]);
	/* All is looked at after each fourth: that one is not to be hidden by what comes later. */
	if (number % 4 != 3)
		twin_touch(twin, random);
	return true;
}

TEST_F(readers, clear_refs)
{
	EXPECT_SAME_TWINS(NULL, clear_step);
}

/* Processes without an address space: a kernel thread, and one that ended */
static void read_none(struct transcript *to, void *arg)
{
	static const char *const names[] = { "pagemap", "smaps", "smaps_rollup" };
	static uint64_t buffer[ENTRIES];
	char path[64];
	int i, fd;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "/proc/%d/%s", *(pid_t *)arg, names[i]);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		note_returned(to, fd < 0 ? fd : 0, path);
		if (fd < 0)
			continue;
		note_returned(to, read(fd, buffer, sizeof(buffer)), path);
		close(fd);
	}
	note_clearing(to, *(pid_t *)arg, "1");
	note_clearing(to, *(pid_t *)arg, "4");
}

FIXTURE(alone)
{
};

FIXTURE_SETUP(alone)
{
	const char *reason = readers_lack();

	if (reason)
		SKIP(return, "%s", reason);
	ASSERT_TRUE(compare_prepare());
	hazard_begin(HAZARD_LAZY);
}

FIXTURE_TEARDOWN(alone)
{
	readers_restore();
	hazard_end();
}

TEST_F(alone, no_address_space)
{
	pid_t kthreadd = 2, ended = fork();
	siginfo_t info;

	ASSERT_LE(0, ended);
	if (!ended)
		_exit(0);
	/* It stays a zombie. */
	ASSERT_EQ(0, waitid(P_PID, ended, &info, WEXITED | WNOWAIT));
	EXPECT_SAME(read_none, &ended);
	EXPECT_SAME(read_none, &kthreadd);
	ASSERT_EQ(ended, waitpid(ended, NULL, 0));
}

/* All of the address space ends while it is read: pagemap keeps the mm, not its pages. */
static void read_ended(struct transcript *to, void *arg)
{
	struct pm_scan_arg scan = scan_any(&(struct random){}, 0, 0x7ffffffff000, ~0ULL);
	uint64_t entry;

	note_returned(to, pread(*(int *)arg, &entry, sizeof(entry), 0), "pagemap of who ended");
	note_returned(to, ioctl(*(int *)arg, PAGEMAP_SCAN, &scan), "scan of who ended");
}

TEST_F(alone, ended)
{
	struct peer peer;
	int fd;

	ASSERT_EQ(0, peer_start(&peer));
	fd = pagemap_open(peer.pid, true);
	ASSERT_LE(0, fd);
	peer_stop(&peer);
	EXPECT_SAME(read_ended, &fd);
	close(fd);
}

/* The kernel's own tables, and ours: /sys/kernel/debug/page_tables */
FIXTURE(dump)
{
	int fd;
};

FIXTURE_VARIANT(dump)
{
	const char *path;
};

#define DUMPS	"/sys/kernel/debug/page_tables/"

FIXTURE_VARIANT_ADD(dump, kernel) { .path = DUMPS "kernel" };
FIXTURE_VARIANT_ADD(dump, current_kernel) { .path = DUMPS "current_kernel" };
FIXTURE_VARIANT_ADD(dump, current_user) { .path = DUMPS "current_user" };

#define DUMP_ROOM	(32UL << 20)

static char *dump;

FIXTURE_SETUP(dump)
{
	const char *reason = readers_lack();

	if (reason)
		SKIP(return, "%s", reason);
	if (access(variant->path, R_OK))
		SKIP(return, "no %s (CONFIG_PTDUMP_DEBUGFS)", variant->path);
	ASSERT_TRUE(compare_prepare());
	hazard_begin(HAZARD_LAZY);
	dump = mmap(NULL, DUMP_ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, dump);
}

FIXTURE_TEARDOWN(dump)
{
	readers_restore();
	hazard_end();
	EXPECT_EQ(NULL, complaint());
}

static void read_dump(struct transcript *to, void *arg)
{
	const int err = file_read(arg, dump, DUMP_ROOM);

	note_number(to, err, arg);
	if (!err)
		note(to, dump, strlen(dump), "%s", (const char *)arg);
}

TEST_F(dump, text)
{
	char *path = (char *)variant->path;

	EXPECT_SAME(read_dump, path);
	/* It says something. */
	EXPECT_NE(NULL, strstr(dump, "pte"));
}

TEST_HARNESS_MAIN
