// SPDX-License-Identifier: GPL-2.0
/*
 * The reclaimer must not touch an address space that is about to end, nor be the one who ends it.
 * Its work may run when the last user is gone; and if it was a user itself, the last one to leave
 * when a process ends meanwhile, then what ends with the process would end late, when its parent was
 * told of its death already: memory, files that it had mapped, the file systems that they are on.
 * mm/free_user_pte/reclaim.rs holds the lock of a VMA only (VmaScanGuard).
 *
 * Takes luck. Fails by a complaint of the kernel, of KASAN, lockdep or the counters of the mm; or by
 * a mapping that outlives its process.
 */
#include "harness.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/wait.h>

#include "hazard.h"
#include "race.h"
#include "tables.h"

#define TABLES	4
#define SIZE	(TABLES * TABLE_SPAN)

static char *area;

FIXTURE(exit)
{
};

FIXTURE_SETUP(exit)
{
	area = arena(SIZE);
	ASSERT_NE(NULL, area);
	ASSERT_NE(NULL, map_anon(area, SIZE));
	hazard_begin(HAZARD_DEFER);
}

FIXTURE_TEARDOWN(exit)
{
	hazard_end();
}

static bool give_back(unsigned int turn)
{
	size_t at;

	for (at = 0; at < SIZE; at += TABLE_SPAN) {
		mark_page(area + at + PAGE, turn);
		if (madvise(area + at, 2 * PAGE, MADV_DONTNEED))
			return false;
	}
	return true;
}

/* Some leave while the reclaimer is at work, others a little earlier or later. */
static const char *fork_and_exit(struct racer *racer)
{
	unsigned int us = some(4) * 100;
	unsigned int turn = racer->turns;
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return wrong("fork: %s", strerror(errno));
	if (!pid) {
		if (!give_back(turn))
			_exit(1);
		if (us)
			usleep(us);
		if (turn % 4 == 0)
			kill(getpid(), SIGKILL);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return wrong("waitpid: %s", strerror(errno));
	if (turn % 4 == 0 ? !WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL : status)
		return wrong("a child ended with status %#x", status);
	return NULL;
}

TEST_F(exit, storm)
{
	struct racer racers[] = {
		{ RACER(fork_and_exit), .least = 20 },
		{ RACER(fork_and_exit), .least = 20 },
		{ RACER(fork_and_exit), .least = 20 },
	};

	mark_pages(area + PAGE, 2 * PAGE, 3);
	race_needs("tables freed", freed_deferred, 50);
	EXPECT_HARMLESS(race(racers, 3));
	/* What the children did is none of the parent's business. */
	EXPECT_HARMLESS(check_marks(area + PAGE, 2 * PAGE, 3));
}

static int give_back_and_exit(int file, unsigned int turn)
{
	unsigned int us = some(8) * 20;

	if (mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0) == MAP_FAILED)
		return 1;
	if (!give_back(turn))
		return 1;
	if (us)
		usleep(us);
	return 0;
}

/* A seal against writing is refused while somebody has a mapping to write through. */
static const char *seal_what_was_mapped(struct racer *racer)
{
	int file, status, sealed;
	pid_t pid;

	file = memfd_create("mapped", MFD_ALLOW_SEALING | MFD_CLOEXEC);
	if (file < 0 || ftruncate(file, PAGE))
		return wrong("memfd: %s", strerror(errno));
	pid = fork();
	if (!pid)
		_exit(give_back_and_exit(file, racer->turns));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return wrong("fork or waitpid: %s", strerror(errno));
	sealed = fcntl(file, F_ADD_SEALS, F_SEAL_WRITE);
	if (sealed)
		return wrong("a child is dead, but its mapping is not: %s", strerror(errno));
	close(file);
	return status ? wrong("a child ended with status %#x", status) : NULL;
}

TEST_F(exit, mappings_end_with_it)
{
	struct racer racers[] = {
		{ RACER(seal_what_was_mapped), .least = 20 },
		{ RACER(seal_what_was_mapped), .least = 20 },
		{ RACER(seal_what_was_mapped), .least = 20 },
	};

	race_needs("tables freed", freed_deferred, 50);
	EXPECT_HARMLESS(race(racers, 3));
}

/* Threads that still give back when the process is killed */
static const char *keep_giving_back(struct racer *racer)
{
	return give_back(racer->turns) ? NULL : wrong("madvise: %s", strerror(errno));
}

static const char *killed(void *arg)
{
	/* They do not have enough of it before the alarm. */
	struct racer racers[] = {
		{ RACER(keep_giving_back), .least = LONG_MAX },
		{ RACER(keep_giving_back), .least = LONG_MAX },
	};

	ualarm(*(const useconds_t *)arg + some(16) * 1000, 0);
	race(racers, 2);
	return wrong("the alarm did not come");
}

static long kills;

static long killed_so_far(void)
{
	return kills;
}

TEST_F(exit, killed_threads)
{
	useconds_t us = 5000;

	race_needs("processes killed", killed_so_far, 20);
	race_needs("tables freed", freed_deferred, 50);
	while (race_goes_on()) {
		long before = freed_deferred();
		int status = child_status(killed, &us);

		ASSERT_TRUE(WIFSIGNALED(status));
		ASSERT_EQ(SIGALRM, WTERMSIG(status));
		kills++;
		/* A slow machine needs that long for the threads to start. */
		if (freed_deferred() == before && us < 500000)
			us *= 2;
	}
	EXPECT_HARMLESS(what_went_wrong());
}

TEST_HARNESS_MAIN
