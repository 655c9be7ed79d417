// SPDX-License-Identifier: GPL-2.0
/*
 * Nobody must run out of memory because a table vanished. pte_alloc_map_lock() allocates a table
 * if there is none, and then maps and locks it; its callers take a table that has gone in between
 * for a failed allocation: fork() fails with ENOMEM, and a fault that inserts pages of a driver
 * says VM_FAULT_OOM: "mm: retry in pte_alloc_map_lock() when the table vanished".
 *
 * Takes luck: the fault holds no more than the lock of a VMA. What keeps fork() safe by now is that
 * the reclaimer needs mmap_lock. The driver of these faults is the kernel's own, for the data of
 * the vDSO in a time namespace, next to which others give back.
 */
#include "harness.h"

#include <asm/prctl.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "files.h"
#include "hazard.h"
#include "race.h"
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

TEST_F(alloc, fork)
{
	struct racer racers[] = {
		{ RACER(fork_and_read), .least = 20 },
		{ RACER(fork_and_read), .least = 20 },
		{ RACER(cut), .least = 50 },
		{ RACER(give_back) },
	};

	fd = shmem_file(SIZE);
	ASSERT_LE(0, fd);
	ASSERT_NE(NULL, map_file(block, SIZE, fd, MAP_PRIVATE));
	race_needs("tables freed", freed, 100);
	EXPECT_HARMLESS(race(racers, 4));
}

/* Where the vDSO and its data are, and how large; *vvar is the size of what comes first. */
static char *find_vdso(size_t *size, size_t *vvar)
{
	static char line[512];
	char *first = NULL;
	FILE *maps = fopen("/proc/self/maps", "r");

	*size = 0;
	*vvar = 0;
	while (maps && fgets(line, sizeof(line), maps)) {
		unsigned long start, end;

		if (!strstr(line, "[vvar") && !strstr(line, "[vdso]"))
			continue;
		if (sscanf(line, "%lx-%lx", &start, &end) != 2)
			continue;
		if (!first) {
			first = (char *)start;
			*vvar = end - start;
		}
		*size = (char *)end - first;
	}
	if (maps)
		fclose(maps);
	return first;
}

/* In a time namespace a fault of the clock's page inserts another page before it returns its own. */
static const char *enter_time_namespace(void)
{
	int ns;

	if (unshare(CLONE_NEWTIME))
		return wrong("unshare: %s", strerror(errno));
	ns = open("/proc/self/ns/time_for_children", O_RDONLY | O_CLOEXEC);
	if (ns < 0 || setns(ns, CLONE_NEWTIME))
		return wrong("setns: %s", strerror(errno));
	close(ns);
	return NULL;
}

static const char *move_vdso(char *from, char *to, size_t size)
{
	if (munmap(from, size))
		return wrong("munmap: %s", strerror(errno));
	/* Its length, not an error; and the address is but a wish. */
	if (syscall(SYS_arch_prctl, ARCH_MAP_VDSO_64, to) <= 0)
		return wrong("arch_prctl: %s", strerror(errno));
	return NULL;
}

/* What the child has done, and whether that is enough */
static struct {
	long faults;
	bool is_enough;
} *progress;

static bool is_enough(void)
{
	return __atomic_load_n(&progress->is_enough, __ATOMIC_RELAXED);
}

static void enough(void)
{
	__atomic_store_n(&progress->is_enough, true, __ATOMIC_RELAXED);
}

static void *give_back_always(void *arg)
{
	struct racer racer = {};

	while (!is_enough())
		give_back(&racer);
	return NULL;
}

/*
 * A fault of the clock's page, again and again. The C library still calls the vDSO that was, so that
 * this does nothing which asks for the time.
 */
static const char *vdso(void *arg)
{
	const char *fault = enter_time_namespace();
	size_t size, vvar;
	pthread_t thread;
	char *old;

	if (fault)
		return fault;
	old = find_vdso(&size, &vvar);
	if (!old)
		return wrong("there is no vDSO");
	fault = move_vdso(old, block, size);
	if (fault)
		return fault;
	if (pthread_create(&thread, NULL, give_back_always, NULL))
		return wrong("no thread");
	while (!fault && !is_enough()) {
		(void)__atomic_load_n(block, __ATOMIC_RELAXED);
		/* The page that was inserted as well is one of these. */
		if (madvise(block, vvar, MADV_DONTNEED))
			fault = wrong("madvise of the vDSO's data: %s", strerror(errno));
		__atomic_fetch_add(&progress->faults, 1, __ATOMIC_RELAXED);
	}
	enough();
	pthread_join(thread, NULL);
	return fault;
}

static long faults(void)
{
	return __atomic_load_n(&progress->faults, __ATOMIC_RELAXED);
}

/* It is the parent who looks at the clock. */
static void *watch(void *arg)
{
	while (race_goes_on() && !is_enough())
		sleep_ms(20);
	enough();
	return NULL;
}

TEST_F(alloc, fault)
{
	pthread_t thread;

	if (access("/proc/self/ns/time_for_children", F_OK))
		SKIP(return, "no time namespaces (CONFIG_TIME_NS)");
	if (syscall(SYS_arch_prctl, ARCH_MAP_VDSO_64, 0) < 0 && errno != EEXIST)
		SKIP(return, "the vDSO cannot be mapped (CONFIG_CHECKPOINT_RESTORE)");
	/* Where the vDSO is to go nothing else may be. */
	ASSERT_EQ(0, munmap(block, TABLE_SPAN / 2));
	progress = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, progress);
	race_needs("faults", faults, 1000);
	race_needs("tables freed", freed, 100);
	ASSERT_EQ(0, pthread_create(&thread, NULL, watch, NULL));
	EXPECT_HARMLESS(in_child(vdso, NULL));
	pthread_join(thread, NULL);
	EXPECT_EQ(NULL, what_went_wrong())
		TH_LOG("%s", what_went_wrong());
}

TEST_HARNESS_MAIN
