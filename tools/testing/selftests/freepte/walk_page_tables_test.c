// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/page_tables/PID shows each table of a process, and what is in it: it agrees
 * with itself, with VmPTE, with pagemap, and with what becomes of tables.
 */
#include "harness.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "deadline.h"
#include "hazard.h"
#include "hold.h"
#include "knobs.h"
#include "walk/pagemap.h"
#include "walk/site.h"
#include "walk/tree.h"

#define NOBODY	65534

FIXTURE(tree)
{
	struct peer peer;
	struct tree tree;
	int pagemap;
};

FIXTURE_VARIANT(tree)
{
	const struct shape *shape;
	/* Huge pages: what they need less tables for, they keep in deposit. */
	bool is_huge;
};

FIXTURE_VARIANT_ADD(tree, untouched) { .shape = &shape_untouched };
FIXTURE_VARIANT_ADD(tree, dense) { .shape = &shape_dense };
FIXTURE_VARIANT_ADD(tree, sparse) { .shape = &shape_sparse };
FIXTURE_VARIANT_ADD(tree, far) { .shape = &shape_far };
FIXTURE_VARIANT_ADD(tree, zero_pages) { .shape = &shape_zero_pages };
FIXTURE_VARIANT_ADD(tree, swapped) { .shape = &shape_swapped };
FIXTURE_VARIANT_ADD(tree, patchwork) { .shape = &shape_patchwork };
FIXTURE_VARIANT_ADD(tree, guards) { .shape = &shape_guards };
FIXTURE_VARIANT_ADD(tree, tmpfs) { .shape = &shape_tmpfs };
FIXTURE_VARIANT_ADD(tree, raw_frames) { .shape = &shape_raw_frames };
FIXTURE_VARIANT_ADD(tree, process) { .shape = &shape_process };
FIXTURE_VARIANT_ADD(tree, thp) { .shape = &shape_thp, .is_huge = true };

/* Whether no table is left that is empty, and yet to be freed */
static bool is_at_rest(const struct tree *tree)
{
	size_t i;

	for (i = 0; i < tree->count; i++)
		if (tree->tables[i].level == TREE_PTE && !tree->tables[i].populated)
			return false;
	return true;
}

static bool comes_to_rest(pid_t pid)
{
	struct deadline deadline;
	struct tree tree = {};
	const char *how;
	bool rests;

	deadline_set(&deadline, WAIT_MS);
	do {
		rests = !tree_read(&tree, pid, &how) && is_at_rest(&tree);
		tree_free(&tree);
	} while (!rests && deadline_wait(&deadline));
	return rests;
}

FIXTURE_SETUP(tree)
{
	const char *reason = tree_lacks();

	self->pagemap = -1;
	if (reason)
		SKIP(return, "%s", reason);
	hazard_begin(HAZARD_LAZY);
	reason = site_open(variant->shape);
	if (!reason)
		reason = site_people(&self->peer);
	if (reason) {
		peer_stop(&self->peer);
		site_close();
		hazard_end();
		SKIP(return, "%s", reason);
	}
	if (have_free_user_pte())
		ASSERT_TRUE(comes_to_rest(self->peer.pid));
	self->pagemap = pagemap_open(self->peer.pid, true);
	ASSERT_LE(0, self->pagemap);
}

FIXTURE_TEARDOWN(tree)
{
	tree_free(&self->tree);
	peer_stop(&self->peer);
	if (self->pagemap >= 0)
		close(self->pagemap);
	site_close();
	hazard_end();
	EXPECT_EQ(NULL, complaint());
}

/* NULL, or what is wrong with it */
static const char *read_anew(struct tree *tree, pid_t pid)
{
	const char *how;
	int err;

	tree_free(tree);
	err = tree_read(tree, pid, &how);
	if (err)
		return how ? how : strerror(-err);
	return tree_contradicts(tree);
}

#define ASSERT_TREE(tree, pid) do {							\
	const char *_how = read_anew(tree, pid);					\
											\
	ASSERT_EQ(NULL, _how)								\
		TH_LOG("%s", _how);							\
} while (0)

/* Once what is empty is gone: both are read, and between them nothing changes. */
static bool read_steady(struct tree *tree, pid_t pid, long *held)
{
	struct deadline deadline;
	const char *how;

	deadline_set(&deadline, WAIT_MS);
	do {
		*held = tables_held(pid);
		tree_free(tree);
		if (!tree_read(tree, pid, &how) && *held == tables_held(pid) &&
		    *held == tree->sum - tree->total[TREE_PGD] - tree->total[TREE_P4D])
			return true;
	} while (deadline_wait(&deadline));
	return false;
}

/* VmPTE is of all levels but the first, and p4d tables are of the first. */
TEST_F(tree, as_many_as_held)
{
	long held, deposited = 0;

	ASSERT_TREE(&self->tree, self->peer.pid);
	if (variant->is_huge) {
		deposited = huge_in(self->peer.pid, site.at, site.shape->size) / ENTRIES;
		ASSERT_LT(0, deposited);
		EXPECT_EQ(tables_held(self->peer.pid), deposited + self->tree.sum -
			  self->tree.total[TREE_PGD] - self->tree.total[TREE_P4D]);
		return;
	}
	EXPECT_TRUE(read_steady(&self->tree, self->peer.pid, &held))
		TH_LOG("%ld tables in the tree, %ld held", self->tree.sum, held);
}

/* Entries of a table that are not none, as pagemap has it */
static long entries_of(int pagemap, uint64_t start)
{
	uint64_t entries[ENTRIES];
	long count = 0;
	int i;

	if (pagemap_read(pagemap, start, entries, ENTRIES) != (ssize_t)sizeof(entries))
		return -1;
	for (i = 0; i < ENTRIES; i++)
		count += !!(entries[i] & PAGEMAP_ENTRY);
	return count;
}

TEST_F(tree, populated_as_pagemap_says)
{
	size_t i;

	ASSERT_TREE(&self->tree, self->peer.pid);
	for (i = 0; i < self->tree.count; i++) {
		const struct tree_table *table = &self->tree.tables[i];

		/* The last table ends where user space has ended. */
		if (table->level != TREE_PTE || table->start + TABLE_SPAN > 0x7ffffffff000)
			continue;
		/* Of frames that are no memory the pagemap says nothing. */
		if (variant->shape == &shape_raw_frames) {
			EXPECT_LE(entries_of(self->pagemap, table->start), table->populated);
		} else {
			EXPECT_EQ(entries_of(self->pagemap, table->start), table->populated)
				TH_LOG("of the table at %#llx",
				       (unsigned long long)table->start);
		}
	}
}

/* What is not a table below is a huge page. */
TEST_F(tree, populated_by_tables)
{
	size_t i;

	ASSERT_TREE(&self->tree, self->peer.pid);
	for (i = 0; i < self->tree.count; i++) {
		const struct tree_table *table = &self->tree.tables[i];
		long leaves = 0;

		if (table->level == TREE_PTE)
			continue;
		if (table->level == TREE_PMD && variant->is_huge)
			leaves = huge_in(self->peer.pid, (void *)table->start, PMD_TABLE_SPAN) /
				 ENTRIES;
		EXPECT_EQ(tree_children(&self->tree, table) + leaves, table->populated)
			TH_LOG("of the table of level %d at %#llx", table->level,
			       (unsigned long long)table->start);
	}
}

/* No table where nothing was touched, or nothing is */
TEST_F(tree, where_something_is)
{
	char *at;

	ASSERT_TREE(&self->tree, self->peer.pid);
	for (at = site.at; at < site.at + 16 * TABLE_SPAN && at < site.at + site.shape->size;
	     at += TABLE_SPAN) {
		const struct tree_table *table = tree_find(&self->tree, TREE_PTE, at);
		long entries = entries_in(self->peer.pid, at, TABLE_SPAN);

		bool is_huge = huge_in(self->peer.pid, at, TABLE_SPAN) > 0;

		if (entries > 0 && !is_huge) {
			EXPECT_NE(NULL, table)
				TH_LOG("no table at %p", at);
		} else if (is_huge || have_free_user_pte()) {
			EXPECT_EQ(NULL, table)
				TH_LOG("a table at %p", at);
		}
	}
	EXPECT_EQ(NULL, tree_find(&self->tree, TREE_PTE, site.at - TABLE_SPAN));
}

/* Our own tables, of which some come and go */
static char *area;

#define SIZE	(4 * TABLE_SPAN)

FIXTURE(own_tree)
{
	struct tree tree;
};

FIXTURE_SETUP(own_tree)
{
	const char *reason = tree_lacks();

	if (reason)
		SKIP(return, "%s", reason);
	area = arena(SIZE);
	ASSERT_NE(NULL, area);
	ASSERT_NE(NULL, map_anon(area, SIZE));
	ASSERT_EQ(0, no_huge_pages(area, SIZE));
	hazard_begin(HAZARD_LAZY);
}

FIXTURE_TEARDOWN(own_tree)
{
	tree_free(&self->tree);
	hazard_end();
	EXPECT_EQ(NULL, complaint());
}

/* Whether there is one at an address, after a while at the latest */
static bool comes_to_be(struct tree *tree, const char *at, bool there)
{
	struct deadline deadline;
	const char *how;

	deadline_set(&deadline, WAIT_MS);
	do {
		tree_free(tree);
		if (!tree_read(tree, getpid(), &how) && !!tree_find(tree, TREE_PTE, at) == there)
			return true;
	} while (deadline_wait(&deadline));
	return false;
}

TEST_F(own_tree, a_table_comes_and_goes)
{
	char *block = area + 2 * TABLE_SPAN;
	const struct tree_table *table;

	ASSERT_TREE(&self->tree, getpid());
	EXPECT_EQ(NULL, tree_find(&self->tree, TREE_PTE, block));
	write_pages(block, 17 * PAGE, PAGE);
	ASSERT_TREE(&self->tree, getpid());
	table = tree_find(&self->tree, TREE_PTE, block);
	ASSERT_NE(NULL, table);
	EXPECT_EQ((uintptr_t)block, table->start);
	EXPECT_EQ(17, table->populated);
	EXPECT_EQ(0, table->refs);

	ASSERT_EQ(0, madvise(block + PAGE, PAGE, MADV_DONTNEED));
	ASSERT_TREE(&self->tree, getpid());
	table = tree_find(&self->tree, TREE_PTE, block);
	ASSERT_NE(NULL, table);
	EXPECT_EQ(16, table->populated);

	if (have_free_user_pte()) {
		ASSERT_EQ(0, madvise(block, 17 * PAGE, MADV_DONTNEED));
		EXPECT_TRUE(comes_to_be(&self->tree, block, false));
		*block = 1;
		EXPECT_TRUE(comes_to_be(&self->tree, block, true));
	}
	ASSERT_EQ(0, munmap(block, TABLE_SPAN));
	EXPECT_TRUE(comes_to_be(&self->tree, block, false));
}

/* Of an empty table that stays, as nobody frees it */
TEST_F(own_tree, an_empty_table)
{
	const struct tree_table *table;

	if (!have_free_user_pte())
		SKIP(return, "no knob to keep empty tables by");
	ASSERT_EQ(0, knob_write("enabled", 0));
	*area = 1;
	ASSERT_EQ(0, madvise(area, PAGE, MADV_DONTNEED));
	EXPECT_EQ(NULL, reclaimer_wait());
	ASSERT_TREE(&self->tree, getpid());
	table = tree_find(&self->tree, TREE_PTE, area);
	ASSERT_NE(NULL, table);
	EXPECT_EQ(0, table->populated);
}

TEST_F(own_tree, references)
{
	const char *reason = hold_lacks();
	const struct tree_table *table;
	bool was_held = false;
	long ms;

	if (reason)
		SKIP(return, "%s", reason);
	write_pages(area, 2 * TABLE_SPAN, TABLE_SPAN);
	for (ms = HOLD_MS; !was_held && ms <= MOST_HOLD_MS; ms *= 2) {
		ASSERT_EQ(0, hold_table(0, area, ms));
		ASSERT_TREE(&self->tree, getpid());
		was_held = is_held();
		ASSERT_TRUE(holds_wait(ms));
	}
	ASSERT_TRUE(was_held);
	table = tree_find(&self->tree, TREE_PTE, area);
	ASSERT_NE(NULL, table);
	EXPECT_EQ(1, table->refs);
	EXPECT_EQ(0, table[1].refs);
	ASSERT_TREE(&self->tree, getpid());
	EXPECT_EQ(0, tree_find(&self->tree, TREE_PTE, area)->refs);
}

static int open_folder(void)
{
	return open(TREES, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

/* The errno of opening the tree of who is named so, or 0 */
static int opened_in(int folder, const char *name)
{
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 ? errno : 0;

	if (fd >= 0)
		close(fd);
	return err;
}

static int opened(const char *name)
{
	int folder = open_folder();
	int err = opened_in(folder, name);

	close(folder);
	return err;
}

/* Even if others were let into debugfs */
TEST_F(own_tree, of_root_alone)
{
	int as_nobody, folder = open_folder();
	char name[16];

	ASSERT_LE(0, folder);
	snprintf(name, sizeof(name), "%d", getpid());
	EXPECT_EQ(0, opened_in(folder, name));
	ASSERT_EQ(0, setegid(NOBODY));
	ASSERT_EQ(0, seteuid(NOBODY));
	as_nobody = opened_in(folder, name);
	ASSERT_EQ(0, seteuid(0));
	ASSERT_EQ(0, setegid(0));
	EXPECT_TRUE(as_nobody == EACCES || as_nobody == EPERM)
		TH_LOG("errno %d", as_nobody);
}

TEST_F(own_tree, of_nobody)
{
	char name[16];
	pid_t ended = fork();

	ASSERT_LE(0, ended);
	if (!ended)
		_exit(0);
	ASSERT_EQ(ended, waitpid(ended, NULL, 0));
	snprintf(name, sizeof(name), "%d", ended);
	EXPECT_EQ(ENOENT, opened(name));
	EXPECT_EQ(ENOENT, opened("0"));
	EXPECT_EQ(ENOENT, opened("-1"));
	EXPECT_EQ(ENOENT, opened("1x"));
	EXPECT_EQ(ENOENT, opened("nobody"));
	EXPECT_EQ(ENOENT, opened("4294967297"));
	EXPECT_EQ(ENOENT, opened("99999999999999999999"));
	/* What was there before */
	EXPECT_EQ(0, opened("kernel"));
}

static bool listed(pid_t pid)
{
	struct dirent *entry;
	bool found = false;
	char name[16];
	DIR *folder = opendir(TREES);

	snprintf(name, sizeof(name), "%d", pid);
	while (folder && (entry = readdir(folder)))
		found |= !strcmp(entry->d_name, name);
	if (folder)
		closedir(folder);
	return found;
}

TEST_F(own_tree, listed)
{
	struct peer peer;
	pid_t pid;

	EXPECT_TRUE(listed(getpid()));
	EXPECT_TRUE(listed(1));
	/* A kernel thread */
	EXPECT_FALSE(listed(2));
	ASSERT_EQ(0, peer_start(&peer));
	pid = peer.pid;
	EXPECT_TRUE(listed(pid));
	peer_stop(&peer);
	EXPECT_FALSE(listed(pid));
}

/* No tables to be shown: whichever error it is, or nothing, it must not be tables. */
TEST_F(own_tree, without_an_address_space)
{
	struct tree tree = {};
	siginfo_t info;
	const char *how;
	pid_t ended = fork();

	ASSERT_LE(0, ended);
	if (!ended)
		_exit(0);
	ASSERT_EQ(0, waitid(P_PID, ended, &info, WEXITED | WNOWAIT));
	EXPECT_NE(0, tree_read(&tree, ended, &how));
	EXPECT_EQ(ended, waitpid(ended, NULL, 0));
	/* A kernel thread */
	EXPECT_NE(0, tree_read(&tree, 2, &how));
}

/* Opened while there was a process, read after its end */
TEST_F(own_tree, of_who_ended)
{
	struct peer peer;
	char path[64], text[256];
	ssize_t got;
	int fd;

	ASSERT_EQ(0, peer_start(&peer));
	snprintf(path, sizeof(path), TREES "%d", peer.pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, fd);
	peer_stop(&peer);
	got = read(fd, text, sizeof(text) - 1);
	text[got < 0 ? 0 : got] = 0;
	EXPECT_EQ(NULL, strstr(text, "pte 0x"));
	close(fd);
}

TEST_HARNESS_MAIN
