// SPDX-License-Identifier: GPL-2.0
/*
 * Nobody must run out of memory because a table vanished. pte_alloc_map_lock() allocates a table
 * if there is none, and then maps and locks it; its callers take a table that has gone in between
 * for a failed allocation: fork() fails with ENOMEM, and a fault that inserts pages of a driver
 * says VM_FAULT_OOM: "mm: retry in pte_alloc_map_lock() when the table vanished".
 *
 * Takes luck: the fault holds no more than the lock of a VMA. What keeps fork() safe by now is that
 * the reclaimer needs mmap_lock. The driver of these faults is the kernel's own, for the data of
 * the vDSO, next to which others give back.
 */
#include "kselftest_harness.h"

#include <asm/prctl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "files.h"
#include "hazard.h"
#include "knobs.h"
#include "tables.h"
#include "uapi.h"

#ifndef ARCH_MAP_VDSO_64
#define ARCH_MAP_VDSO_64	0x2003
#endif

#define PAGES	32
#define SIZE	(PAGES * PAGE)

static char *block, *neighbour;
static int fd;

FIXTURE(alloc)
{
};

FIXTURE_SETUP(alloc)
{
	block = arena(TABLE_SPAN);
	ASSERT_NE(NULL, block);
	neighbour = block + TABLE_SPAN / 2;
	ASSERT_NE(NULL, map_anon(neighbour, SIZE));
	hazard_begin(0);
}

FIXTURE_TEARDOWN(alloc)
{
	hazard_end();
}

static const char *give_back(struct racer *racer)
{
	char *page = neighbour + some(PAGES) * PAGE;

	mark_page(page, 1);
	if (madvise(page, PAGE, MADV_DONTNEED))
		return wrong("madvise: %s", strerror(errno));
	return NULL;
}

/* The child inherits the tables of what is mapped privately and was written to. */
static const char *fork_and_read(struct racer *racer)
{
	int status;
	pid_t pid;

	/* The file may be shorter at the moment, so that nothing may be touched. */
	if (madvise(block, SIZE, MADV_POPULATE_WRITE) && errno != EFAULT)
		return wrong("populate: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		return wrong("fork: %s", strerror(errno));
	if (!pid) {
		int err = madvise(block, SIZE, MADV_POPULATE_READ);

		_exit(err && errno != EFAULT ? errno : 0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return wrong("waitpid: %s", strerror(errno));
	return status ? wrong("a child ended with status %#x", status) : NULL;
}

static const char *cut(struct racer *racer)
{
	if (ftruncate(fd, 0) || ftruncate(fd, SIZE))
		return wrong("ftruncate: %s", strerror(errno));
	return NULL;
}

TEST_F_TIMEOUT(alloc, fork, HAZARD_TIMEOUT)
{
	struct racer racers[] = {
		{ .turn = fork_and_read },
		{ .turn = fork_and_read },
		{ .turn = cut },
		{ .turn = give_back },
	};

	fd = shmem_file(SIZE);
	ASSERT_LE(0, fd);
	ASSERT_NE(NULL, map_file(block, SIZE, fd, MAP_PRIVATE));
	EXPECT_HARMLESS(race(racers, 4, HAZARD_MS));
	EXPECT_FREED(20);
}

/* Where the vDSO and its data are, and how large. */
static char *find_vdso(size_t *size)
{
	static char line[512];
	char *first = NULL;
	FILE *maps = fopen("/proc/self/maps", "r");

	*size = 0;
	while (maps && fgets(line, sizeof(line), maps)) {
		unsigned long start, end;

		if (!strstr(line, "[vvar") && !strstr(line, "[vdso]"))
			continue;
		if (sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		if (!first)
			first = (char *)start;
		*size = (char *)end - first;
	}
	if (maps)
		fclose(maps);
	return first;
}

static const char *move_vdso(char *to, size_t size)
{
	if (munmap(to, size))
		return wrong("munmap: %s", strerror(errno));
	/* Its length, not an error; and the address is but a wish. */
	if (syscall(SYS_arch_prctl, ARCH_MAP_VDSO_64, to) <= 0)
		return wrong("arch_prctl: %s", strerror(errno));
	return NULL;
}

/*
 * A fault of the vDSO's data, again and again. The C library still calls the vDSO that was, so that
 * this does nothing which asks for the time.
 */
static const char *fault_vdso(size_t size)
{
	char *data = block;
	char *word = data;

	/* Not all of the data is there on each machine, but the first page is. */
	(void)__atomic_load_n(word, __ATOMIC_RELAXED);
	return move_vdso(block, size);
}

static int *is_time_over;

static void *give_back_always(void *arg)
{
	struct racer racer = {};

	while (!__atomic_load_n(is_time_over, __ATOMIC_RELAXED))
		give_back(&racer);
	return NULL;
}

static const char *vdso(void *arg)
{
	const char *fault;
	pthread_t thread;
	size_t size;
	char *old = find_vdso(&size);

	if (!old || munmap(old, size))
		return wrong("munmap of the vDSO: %s", strerror(errno));
	if (pthread_create(&thread, NULL, give_back_always, NULL))
		return wrong("no thread");
	fault = move_vdso(block, size);
	while (!fault && !__atomic_load_n(is_time_over, __ATOMIC_RELAXED))
		fault = fault_vdso(size);
	__atomic_store_n(is_time_over, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	return fault;
}

static void *wait_for_time(void *arg)
{
	sleep_ms(HAZARD_MS);
	__atomic_store_n(is_time_over, 1, __ATOMIC_RELAXED);
	return NULL;
}

TEST_F_TIMEOUT(alloc, fault, HAZARD_TIMEOUT)
{
	pthread_t thread;

	/* Where the vDSO is to go nothing else may be. */
	ASSERT_EQ(0, munmap(block, TABLE_SPAN / 2));
	is_time_over = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, is_time_over);
	ASSERT_EQ(0, pthread_create(&thread, NULL, wait_for_time, NULL));
	EXPECT_HARMLESS(in_child(vdso, NULL));
	pthread_join(thread, NULL);
	EXPECT_FREED(20);
}

TEST_HARNESS_MAIN
