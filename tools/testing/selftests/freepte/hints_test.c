// SPDX-License-Identifier: GPL-2.0
/*
 * Nobody is told of a table that is not empty when its lock is dropped, or that is freed by who
 * emptied it: each hint costs a timer, a work item and a look at the table.
 *
 * Each way is gone again and again while the hints of the whole system are counted. Others can only
 * add to them: a way of which one round in several left none leaves none.
 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "deadline.h"
#include "ext4.h"
#include "files.h"
#include "hazard.h"
#include "knobs.h"
#include "ksm.h"
#include "tables.h"
#include "uapi.h"
#include "uffd.h"
#include "zram.h"

/* Times that a way is gone while hints are counted, and how often that is tried */
#define TIMES	20
#define ROUNDS	10

#define TABLES	4
#define SIZE	(TABLES * TABLE_SPAN)

FIXTURE(hints)
{
	/* A page that nothing else shares its table with */
	char *page;
};

FIXTURE_SETUP(hints)
{
	if (!have_free_user_pte())
		SKIP(return, "nobody leaves hints here (CONFIG_FREE_USER_PTE)");
	/* The place of what waits for the reclaimer is there from now on. */
	account_open(&own_account, 0);
	hazard_begin(0);
	self->page = arena(SIZE);
	ASSERT_NE(NULL, self->page);
}

FIXTURE_TEARDOWN(hints)
{
	hazard_end();
}

/* The fewest hints of a round, or -1 if the way is none */
static long hints_of(bool (*way)(char *page), char *page)
{
	long fewest = -1;
	int round, i;

	for (round = 0; round < ROUNDS && fewest; round++) {
		const long before = vm_counter("pte_table_hint");
		long hints;

		for (i = 0; i < TIMES; i++)
			if (!way(page))
				return -1;
		hints = vm_counter("pte_table_hint") - before;
		if (fewest < 0 || hints < fewest)
			fewest = hints;
	}
	return fewest;
}

#define EXPECT_NO_HINT(way)	EXPECT_EQ(0, hints_of(way, self->page))

static bool touch(char *page)
{
	return map_anon(page, PAGE) && (*page = 1);
}

static bool waited_for(pid_t pid)
{
	int status;

	return pid > 0 && waitpid(pid, &status, 0) == pid && WIFEXITED(status) &&
	       !WEXITSTATUS(status);
}

/* What this test would see if there were hints */
static bool empty(char *page)
{
	*page = 1;
	/* The table has no other page: it is empty, but not zapped as a whole. */
	return !madvise(page, PAGE, MADV_DONTNEED);
}

/*
 * The hints of a way alone, or -1 if it is none: each time the reclaimer has looked at the table before.
 * Waiting for that leaves some itself, which are not counted.
 */
static long hints_apart(bool (*way)(char *page), char *page)
{
	long hints = 0;
	int i;

	for (i = 0; i < TIMES; i++) {
		const long before = vm_counter("pte_table_hint");

		if (!way(page))
			return -1;
		hints += vm_counter("pte_table_hint") - before;
		if (reclaimer_wait())
			return -1;
	}
	return hints;
}

#define EXPECT_HINTS(way)	EXPECT_LE(TIMES, hints_apart(way, self->page))

TEST_F(hints, are_counted)
{
	ASSERT_TRUE(touch(self->page));
	EXPECT_HINTS(empty);
}

static bool execute(char *page)
{
	pid_t pid = vfork();

	if (!pid) {
		execl("/bin/true", "true", NULL);
		_exit(1);
	}
	return waited_for(pid);
}

TEST_F(hints, exec)
{
	EXPECT_NO_HINT(execute);
}

/* No neighbour needs the table: free_pgtables() takes it. */
static bool unmap(char *page)
{
	return touch(page + 7 * PAGE) && !munmap(page + 7 * PAGE, PAGE);
}

TEST_F(hints, munmap)
{
	ASSERT_EQ(0, munmap(self->page, SIZE));
	EXPECT_NO_HINT(unmap);
}

/* A neighbour has the table as well, though no page in it: it stays, empty. */
TEST_F(hints, munmap_beside_another)
{
	ASSERT_NE(NULL, map_anon(self->page, PAGE));
	EXPECT_HINTS(unmap);
}

static bool move_there_and_back(char *page)
{
	char *other = page + TABLE_SPAN + 9 * PAGE;

	return mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, other) == other &&
	       mremap(other, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page) == page;
}

TEST_F(hints, mremap)
{
	ASSERT_EQ(0, munmap(self->page, SIZE));
	ASSERT_TRUE(touch(self->page));
	EXPECT_NO_HINT(move_there_and_back);
}

static bool move_and_keep(char *page)
{
	char *other = page + TABLE_SPAN;

	*page = 1;
	return mremap(page, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
		      other) == other;
}

/* That leaves an empty table where it was, and mapped. */
TEST_F(hints, mremap_dontunmap)
{
	ASSERT_TRUE(touch(self->page));
	EXPECT_HINTS(move_and_keep);
}

static bool fork_and_exit(char *page)
{
	pid_t pid = fork();

	if (!pid)
		_exit(*page != 1);
	return waited_for(pid);
}

TEST_F(hints, fork)
{
	ASSERT_TRUE(touch(self->page));
	EXPECT_NO_HINT(fork_and_exit);
}

static bool copy_on_write(char *page)
{
	pid_t pid = fork();

	if (!pid) {
		*page = 1;
		_exit(0);
	}
	*page = 1;
	return waited_for(pid);
}

TEST_F(hints, copy_on_write)
{
	ASSERT_TRUE(touch(self->page));
	EXPECT_NO_HINT(copy_on_write);
}

static bool protect(char *page)
{
	return !mprotect(page, PAGE, PROT_READ) && !mprotect(page, PAGE, PROT_READ | PROT_WRITE);
}

TEST_F(hints, mprotect)
{
	ASSERT_TRUE(touch(self->page));
	EXPECT_NO_HINT(protect);
}

static bool clear_soft_dirty(char *page)
{
	*page = 1;
	return !file_write("/proc/self/clear_refs", "4");
}

TEST_F(hints, soft_dirty)
{
	ASSERT_TRUE(touch(self->page));
	EXPECT_NO_HINT(clear_soft_dirty);
}

static int uffd;

static bool protect_by_uffd(char *page)
{
	return !uffd_protect(uffd, page, PAGE, 1) && !uffd_protect(uffd, page, PAGE, 0);
}

TEST_F(hints, uffd_wp)
{
	uffd = uffd_open(UFFD_FEATURE_PAGEFAULT_FLAG_WP);
	ASSERT_LE(0, uffd);
	ASSERT_TRUE(touch(self->page));
	ASSERT_EQ(0, uffd_register(uffd, self->page, PAGE, UFFDIO_REGISTER_MODE_WP));
	EXPECT_NO_HINT(protect_by_uffd);
	close(uffd);
}

static bool write_back(char *page)
{
	*page += 1;
	return !msync(page, PAGE, MS_SYNC);
}

/* folio_mkclean() */
TEST_F(hints, writeback)
{
	struct ext4 ext4;
	const char *reason = ext4_make(&ext4, 64 << 20);
	int fd;

	ASSERT_EQ(NULL, reason);
	fd = ext4_file(&ext4, TABLE_SPAN, PAGE);
	ASSERT_LE(0, fd);
	ASSERT_NE(NULL, map_file(self->page, PAGE, fd, MAP_SHARED));
	EXPECT_NO_HINT(write_back);
	munmap(self->page, PAGE);
	close(fd);
	ext4_remove(&ext4);
}

static bool swap_out_and_in(char *page)
{
	int tries;

	for (tries = 0; tries < 100 && !swapped_in(0, page, PAGE); tries++)
		madvise(page, PAGE, MADV_PAGEOUT);
	return swapped_in(0, page, PAGE) == 1 && *page == 1;
}

TEST_F(hints, swap)
{
	struct zram zram = { .number = -1 };

	ASSERT_EQ(NULL, zram_swap_on(&zram, 64 << 20));
	ASSERT_TRUE(touch(self->page));
	EXPECT_NO_HINT(swap_out_and_in);
	zram_remove(&zram);
}

static bool exit_swapped_out(char *page)
{
	pid_t pid = fork();
	int tries;

	if (!pid) {
		write_pages(page, SIZE, TABLE_SPAN);
		for (tries = 0; tries < 100 && swapped_in(0, page, SIZE) < TABLES; tries++)
			madvise(page, SIZE, MADV_PAGEOUT);
		_exit(swapped_in(0, page, SIZE) < TABLES);
	}
	return waited_for(pid);
}

TEST_F(hints, exit_swapped_out)
{
	struct zram zram = { .number = -1 };

	ASSERT_EQ(NULL, zram_swap_on(&zram, 64 << 20));
	ASSERT_NE(NULL, map_anon(self->page, SIZE));
	EXPECT_NO_HINT(exit_swapped_out);
	zram_remove(&zram);
}

static bool collapse_again(char *page)
{
	if (!map_anon(page, TABLE_SPAN))
		return false;
	write_pages(page, TABLE_SPAN, PAGE);
	/* What is zapped next is a huge page, with a table in reserve. */
	return !collapse(page) && check_pages(page, TABLE_SPAN, PAGE) &&
	       !munmap(page, TABLE_SPAN);
}

TEST_F(hints, collapse)
{
	if (!have_huge_pages())
		SKIP(return, NO_HUGE_PAGES);
	ASSERT_EQ(0, munmap(self->page, SIZE));
	EXPECT_NO_HINT(collapse_again);
}

/* The last page of a huge one that is left is migrated to be a small one. */
static bool split(char *page)
{
	char text[128];

	if (madvise(page, TABLE_SPAN, MADV_HUGEPAGE))
		return false;
	*page = 1;
	if (!huge_in(0, page, TABLE_SPAN))
		return false;
	/* The table is hooked, and so are all pages but this one gone. */
	if (mprotect(page, PAGE, PROT_READ) ||
	    madvise(page + PAGE, TABLE_SPAN - PAGE, MADV_DONTNEED))
		return false;
	snprintf(text, sizeof(text), "%d,%#lx,%#lx", getpid(), (long)page, (long)page + PAGE);
	if (file_write("/sys/kernel/debug/split_huge_pages", text))
		return false;
	return !mprotect(page, PAGE, PROT_READ | PROT_WRITE) && *page == 1 &&
	       !munmap(page, TABLE_SPAN) && map_anon(page, TABLE_SPAN);
}

TEST_F(hints, split)
{
	if (!have_huge_pages())
		SKIP(return, NO_HUGE_PAGES);
	ASSERT_EQ(0, munmap(self->page, SIZE));
	ASSERT_NE(NULL, map_anon(self->page, TABLE_SPAN));
	EXPECT_NO_HINT(split);
}

/* Whether ksmd sees so many merged pages as there are, at last */
static bool merged(long least, long most)
{
	struct deadline deadline;
	long now;

	deadline_set(&deadline, WAIT_MS);
	do {
		now = ksm_merging();
	} while ((now < least || now > most) && deadline_wait(&deadline));
	return now >= least && now <= most;
}

/* Each of these pages is alone in its table: it is merged, and becomes one of its own again. */
static bool merge_and_break(char *page)
{
	int table;

	for (table = 0; table < TABLES; table++)
		memset(page + table * TABLE_SPAN, 'k', PAGE);
	if (!merged(TABLES, TABLES))
		return false;
	for (table = 0; table < TABLES; table++)
		memset(page + table * TABLE_SPAN, 'a' + table, PAGE);
	return merged(0, 0);
}

TEST_F(hints, ksm)
{
	ASSERT_NE(NULL, map_anon(self->page, SIZE));
	ASSERT_EQ(0, madvise(self->page, SIZE, MADV_MERGEABLE));
	ASSERT_TRUE(ksm_start());
	EXPECT_NO_HINT(merge_and_break);
	ksm_restore();
}

TEST_HARNESS_MAIN
