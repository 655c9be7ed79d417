// SPDX-License-Identifier: GPL-2.0
/*
 * Whatever fails while pages are taken or pinned, nothing of what was taken is left behind.
 *
 * Each allocation that a system call makes is made to fail, one after the other; pages to be pinned
 * for long can't be moved; processes are killed. What counts is what is left when all is over: pins
 * that nobody released, and pages that are still charged to the control group in which all this
 * happened, as somebody has a reference of them that nobody gives back.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#include "cgroup.h"
#include "fail.h"
#include "files.h"
#include "gup_test.h"
#include "hazard.h"
#include "pages.h"
#include "tables.h"
#include "udmabuf.h"

/* In sum, at least so many failures: FREEPTE_FAILURES of the environment, or else 1000 */
#define FAILURES	failures_wanted()
/* So many of them are not allocations. */
#define STUCK		(FAILURES / 25)
#define KILLS		(FAILURES / 50)
#define ALLOCATIONS	(FAILURES - STUCK - KILLS)

#define PAGES		16
#define SIZE		(PAGES * PAGE)
#define MARK		0x5a
/* Of a process that is killed */
#define BIG		(24UL << 20)
#define TIMEOUT		1800

static struct {
	char *area;
	int gup;
	int pipe[2];
	int udmabuf;
} common = { .udmabuf = -1 };

/* What children count */
static struct {
	unsigned long failures;
	unsigned long rounds;
	unsigned long errors;
	unsigned long moved;
	bool inside;
} *counts;

static unsigned long failures_wanted(void)
{
	const char *wanted = getenv("FREEPTE_FAILURES");

	return wanted ? strtoul(wanted, NULL, 10) : 1000;
}

/* Memory in a state in which something has to be allocated to take it */
struct memory {
	const char *name;
	/* NULL, or what went wrong */
	const char *(*make)(char *area);
	bool marked;
	bool shares;
};

static const char *map(char *area, size_t size, int prot, int flags, int fd)
{
	if (mmap(area, size, prot, MAP_FIXED | flags, fd, 0) != area)
		return wrong("mmap: %m");
	return NULL;
}

static const char *make_holes(char *area)
{
	if (map(area, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1))
		return what_went_wrong();
	return no_huge_pages(area, SIZE) ? wrong("MADV_NOHUGEPAGE: %m") : NULL;
}

static const char *make_marked(char *area)
{
	if (make_holes(area))
		return what_went_wrong();
	mark_pages(area, SIZE, MARK);
	return NULL;
}

static const char *make_huge(char *area)
{
	if (map(area, TABLE_SPAN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1))
		return what_went_wrong();
	return madvise(area, TABLE_SPAN, MADV_HUGEPAGE) ? wrong("MADV_HUGEPAGE: %m") : NULL;
}

static const char *make_file(char *area)
{
	int fd = shmem_file(SIZE);

	map(area, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd);
	close(fd);
	return what_went_wrong();
}

/* Pages of a file, of which writing makes copies */
static const char *make_copies(char *area)
{
	int fd = shmem_file(SIZE);

	if (map(area, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd))
		return what_went_wrong();
	mark_pages(area, SIZE, MARK);
	map(area, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd);
	close(fd);
	return what_went_wrong();
}

static const struct memory memories[] = {
	{ .name = "holes", .make = make_holes },
	{ .name = "huge", .make = make_huge },
	{ .name = "file", .make = make_file },
	{ .name = "copies", .make = make_copies, .marked = true },
	/* Taken by reading: a page must become the reader's own before it is pinned. */
	{ .name = "shared", .make = make_marked, .marked = true, .shares = true },
	/* There already; to be pinned for long, it has to move if it lies in movable memory. */
	{ .name = "present", .make = make_marked, .marked = true },
};

/* A way to take pages; 0, or the errno */
struct way {
	const char *name;
	int (*take)(const struct memory *memory, unsigned long arg);
	unsigned long arg;
};

static int by_gup_test(const struct memory *memory, unsigned long cmd)
{
	struct gup_test test = {
		.addr = (uintptr_t)common.area,
		.size = SIZE,
		.nr_pages_per_call = PAGES,
		.gup_flags = memory->shares ? 0 : FOLL_WRITE,
	};

	return ioctl(common.gup, cmd, &test) ? errno : 0;
}

static int by_pin(const struct memory *memory, unsigned long flags)
{
	struct pin_longterm_test test = {
		.addr = (uintptr_t)common.area,
		.size = SIZE,
		.flags = flags | (memory->shares ? 0 : PIN_LONGTERM_TEST_FLAG_USE_WRITE),
	};

	if (ioctl(common.gup, PIN_LONGTERM_TEST_START, &test))
		return errno;
	return ioctl(common.gup, PIN_LONGTERM_TEST_STOP) ? errno : 0;
}

static int by_process_vm(const struct memory *memory, unsigned long arg)
{
	static char copy[SIZE];
	struct iovec local = { .iov_base = copy, .iov_len = SIZE };
	struct iovec remote = { .iov_base = common.area, .iov_len = SIZE };

	return process_vm_readv(getpid(), &local, 1, &remote, 1, 0) < 0 ? errno : 0;
}

/* What is in the pipe is taken out when all is over: that needs memory, too. */
static int by_vmsplice(const struct memory *memory, unsigned long arg)
{
	struct iovec iov = { .iov_base = common.area, .iov_len = SIZE };

	return vmsplice(common.pipe[1], &iov, 1, SPLICE_F_NONBLOCK) < 0 ? errno : 0;
}

static void empty_pipe(void)
{
	static char copy[SIZE];

	while (read(common.pipe[0], copy, sizeof(copy)) > 0)
		;
}

static int by_madvise(const struct memory *memory, unsigned long advice)
{
	return madvise(common.area, SIZE, advice) ? errno : 0;
}

static int by_mlock(const struct memory *memory, unsigned long arg)
{
	return mlock(common.area, SIZE) ? errno : 0;
}

static const struct way ways[] = {
	{ "get, fast", by_gup_test, GUP_FAST_BENCHMARK },
	{ "get", by_gup_test, GUP_BASIC_TEST },
	{ "pin, fast", by_gup_test, PIN_FAST_BENCHMARK },
	{ "pin", by_gup_test, PIN_BASIC_TEST },
	{ "pin for long", by_gup_test, PIN_LONGTERM_BENCHMARK },
	{ "pin for long, fast", by_pin, PIN_LONGTERM_TEST_FLAG_USE_FAST },
	{ "process_vm_readv", by_process_vm, 0 },
	{ "vmsplice", by_vmsplice, 0 },
	{ "MADV_POPULATE_READ", by_madvise, MADV_POPULATE_READ },
	{ "MADV_POPULATE_WRITE", by_madvise, MADV_POPULATE_WRITE },
	{ "mlock", by_mlock, 0 },
};

/* A process that shares the memory until it is told to end */
static pid_t sharer(void)
{
	pid_t pid = fork();

	if (!pid) {
		pause();
		_exit(0);
	}
	return pid;
}

static void end_sharer(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* One try, with the nth allocation failing. Whether there were as many; *harm: what went wrong */
static bool fails(const struct memory *memory, const struct way *way, unsigned int nth,
		  const char **harm)
{
	pid_t pid = 0;
	bool failed;
	int err;

	*harm = memory->make(common.area);
	if (*harm)
		return false;
	if (memory->shares) {
		pid = sharer();
		if (pid < 0) {
			*harm = wrong("fork: %m");
			return false;
		}
	}
	fail_arm(nth);
	err = way->take(memory, way->arg);
	failed = fail_disarm();
	empty_pipe();

	if (err && err != ENOMEM && err != EFAULT && err != EAGAIN && err != EBUSY)
		*harm = wrong("%s of %s: %s", way->name, memory->name, strerror(err));
	else if (err && !failed)
		*harm = wrong("%s of %s: %s, although nothing failed", way->name, memory->name,
			      strerror(err));
	else if (memory->marked)
		*harm = check_marks(common.area, SIZE, MARK);
	counts->errors += !!err;
	counts->rounds++;
	counts->failures += failed;
	if (pid)
		end_sharer(pid);
	return failed;
}

/* As many tries as there are allocations, and one that nothing disturbs */
static const char *one_after_the_other(const struct memory *memory, const struct way *way)
{
	const char *harm = NULL;
	unsigned int nth = 1;

	while (!harm && fails(memory, way, nth, &harm))
		nth++;
	return harm;
}

static const char *each_allocation(void *cgroup)
{
	const char *harm = cgroup_join(cgroup);
	unsigned int memory, way;

	fail_prepare();
	while (!harm && counts->failures < ALLOCATIONS)
		for (memory = 0; memory < ARRAY_SIZE(memories); memory++)
			for (way = 0; way < ARRAY_SIZE(ways) && !harm; way++)
				harm = one_after_the_other(&memories[memory], &ways[way]);
	return harm;
}

/* memfd_pin_folios() is for udmabuf. */
static const char *each_allocation_of_memfd(void *cgroup)
{
	const char *harm = cgroup_join(cgroup);
	unsigned int round, nth;

	fail_prepare();
	for (round = 0; !harm && round < 8; round++) {
		bool failed = true;

		for (nth = 1; failed && !harm; nth++) {
			int file = udmabuf_file(SIZE), buffer, err;

			fail_arm(nth);
			buffer = udmabuf_create(common.udmabuf, file, SIZE);
			err = errno;
			failed = fail_disarm();
			if (buffer < 0 && err != ENOMEM)
				harm = wrong("udmabuf: %s", strerror(err));
			else if (buffer < 0 && !failed)
				harm = wrong("udmabuf: %s, although nothing failed", strerror(err));
			counts->errors += buffer < 0;
			counts->failures += failed;
			counts->rounds++;
			close(buffer);
			close(file);
		}
	}
	return harm;
}

/* What somebody else has a reference of can't be moved. */
static const char *what_is_stuck(void *cgroup)
{
	const char *harm = cgroup_join(cgroup);

	while (!harm && counts->failures < STUCK) {
		char *stuck = common.area + some(PAGES) * PAGE;
		struct iovec iov = { .iov_base = stuck, .iov_len = PAGE };
		struct pin_longterm_test test = {
			.addr = (uintptr_t)common.area,
			.size = SIZE,
			.flags = PIN_LONGTERM_TEST_FLAG_USE_WRITE |
				 (counts->rounds & 1 ? PIN_LONGTERM_TEST_FLAG_USE_FAST : 0),
		};
		bool movable;

		counts->rounds++;
		harm = make_marked(common.area);
		if (harm)
			break;
		movable = pages_movable(stuck, PAGE) == 1;
		if (!movable) {
			/* The zone is full of what can be had again from files. */
			if (counts->rounds - counts->failures > STUCK)
				return wrong("pages do not lie in movable memory");
			drop_page_cache();
			continue;
		}
		if (vmsplice(common.pipe[1], &iov, 1, 0) != PAGE)
			return wrong("vmsplice: %m");
		if (!ioctl(common.gup, PIN_LONGTERM_TEST_START, &test))
			return wrong("what cannot move was pinned for long");
		if (errno != ENOMEM)
			return wrong("pin of what cannot move: %m");
		counts->failures++;
		counts->errors++;
		empty_pipe();
		/* Now it can. */
		if (ioctl(common.gup, PIN_LONGTERM_TEST_START, &test))
			return wrong("pin: %m");
		if (pages_movable(common.area, SIZE))
			return wrong("pages that are pinned for long lie in movable memory");
		counts->moved++;
		if (ioctl(common.gup, PIN_LONGTERM_TEST_STOP))
			return wrong("unpin: %m");
		harm = check_marks(common.area, SIZE, MARK);
	}
	return harm;
}

/* Takes a lot of pages over and over, and says when. */
static void take_much(unsigned int number)
{
	static const unsigned long commands[] = {
		GUP_FAST_BENCHMARK, GUP_BASIC_TEST, PIN_FAST_BENCHMARK, PIN_BASIC_TEST,
		PIN_LONGTERM_BENCHMARK,
	};
	unsigned long cmd = commands[number % ARRAY_SIZE(commands)];
	const int prot = PROT_READ | PROT_WRITE;

	for (;;) {
		struct gup_test test = {
			.addr = (uintptr_t)common.area,
			.size = BIG,
			.nr_pages_per_call = BIG / PAGE,
			.gup_flags = FOLL_WRITE,
		};

		if (map(common.area, BIG, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1) ||
		    no_huge_pages(common.area, BIG))
			_exit(1);
		__atomic_store_n(&counts->inside, true, __ATOMIC_SEQ_CST);
		if (ioctl(common.gup, cmd, &test))
			_exit(1);
		__atomic_store_n(&counts->inside, false, __ATOMIC_SEQ_CST);
	}
}

static bool is_inside(void)
{
	return __atomic_load_n(&counts->inside, __ATOMIC_SEQ_CST);
}

static const char *killed_inside(void *cgroup)
{
	const char *harm = cgroup_join(cgroup);

	while (!harm && counts->failures < KILLS) {
		int status;
		pid_t pid;

		counts->inside = false;
		counts->rounds++;
		pid = fork();
		if (!pid)
			take_much(counts->rounds);
		if (pid < 0)
			return wrong("fork: %m");
		while (!is_inside() && !waitpid(pid, &status, WNOHANG))
			usleep(10);
		usleep(some(2000));
		/* What has begun by now is what the signal finds, but for a moment. */
		counts->failures += is_inside();
		kill(pid, SIGKILL);
		if (waitpid(pid, &status, 0) != pid)
			return wrong("what was to be killed has ended by itself");
		if (!WIFSIGNALED(status))
			return wrong("it exited with %d", WEXITSTATUS(status));
	}
	return harm;
}

static const char *pin_and_leave(void *cgroup)
{
	const char *harm = cgroup_join(cgroup);
	struct pin_longterm_test test = {
		.addr = (uintptr_t)common.area,
		.size = SIZE,
		.flags = PIN_LONGTERM_TEST_FLAG_USE_WRITE,
	};

	if (!harm)
		harm = make_holes(common.area);
	if (!harm && ioctl(common.gup, PIN_LONGTERM_TEST_START, &test))
		harm = wrong("pin: %m");
	return harm;
}

FIXTURE(gup_failures)
{
	struct cgroup cgroup;
	long pins;
	long start;
};

FIXTURE_SETUP(gup_failures)
{
	const char *reason = pages_lack();

	if (!reason && access(GUP_TEST, R_OK | W_OK))
		reason = "no " GUP_TEST " (CONFIG_GUP_TEST)";
	if (!reason)
		reason = cgroup_make(&self->cgroup);
	if (reason)
		SKIP(return, "%s", reason);
	common.area = arena(BIG);
	ASSERT_NE(NULL, common.area);
	common.gup = open(GUP_TEST, O_RDWR | O_CLOEXEC);
	ASSERT_LE(0, common.gup);
	common.udmabuf = open(UDMABUF, O_RDWR | O_CLOEXEC);
	ASSERT_EQ(0, pipe2(common.pipe, O_NONBLOCK));
	counts = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, counts);
	counts->inside = false;
	hazard_begin(0);
	self->start = now_ms();
	self->pins = pins_held();
	ASSERT_NE(PINS_UNKNOWN, self->pins);
}

FIXTURE_TEARDOWN(gup_failures)
{
	hazard_end();
	cgroup_leave(&self->cgroup);
}

#define EXPECT_NOTHING_LEFT() do {							\
	EXPECT_EQ(self->pins, pins_held());						\
	EXPECT_EQ(0, pages_settle(&self->cgroup, 0));				\
	TH_LOG("%lu failures in %lu rounds, %lu errors, %ld ms", counts->failures,	\
	       counts->rounds, counts->errors, now_ms() - self->start);			\
} while (0)

TEST_F_TIMEOUT(gup_failures, allocations, TIMEOUT)
{
	if (fail_lacks())
		SKIP(return, "%s", fail_lacks());
	fail_begin();
	EXPECT_HARMLESS(in_child(each_allocation, &self->cgroup));
	fail_end();
	EXPECT_LE(ALLOCATIONS, counts->failures);
	EXPECT_LT(0, counts->errors);
	EXPECT_NOTHING_LEFT();
}

TEST_F_TIMEOUT(gup_failures, allocations_of_memfd, TIMEOUT)
{
	if (fail_lacks())
		SKIP(return, "%s", fail_lacks());
	if (common.udmabuf < 0)
		SKIP(return, "no " UDMABUF " (CONFIG_UDMABUF)");
	fail_begin();
	EXPECT_HARMLESS(in_child(each_allocation_of_memfd, &self->cgroup));
	fail_end();
	EXPECT_LT(0, counts->errors);
	EXPECT_NOTHING_LEFT();
}

TEST_F_TIMEOUT(gup_failures, migrations, TIMEOUT)
{
	if (pages_movable(common.area, PAGE) < 0)
		SKIP(return, "no movable memory (movablecore= on the command line)");
	EXPECT_HARMLESS(in_child(what_is_stuck, &self->cgroup));
	EXPECT_LE(STUCK, counts->failures);
	EXPECT_LT(0, counts->moved);
	EXPECT_NOTHING_LEFT();
}

TEST_F_TIMEOUT(gup_failures, signals, TIMEOUT)
{
	EXPECT_HARMLESS(in_child(killed_inside, &self->cgroup));
	EXPECT_LE(KILLS, counts->failures);
	EXPECT_NOTHING_LEFT();
}

/* That it would be seen: pins of a process that is no more. */
TEST_F_TIMEOUT(gup_failures, what_is_left_is_seen, TIMEOUT)
{
	EXPECT_HARMLESS(in_child(pin_and_leave, &self->cgroup));
	EXPECT_EQ(self->pins + PAGES, pins_held());
	EXPECT_EQ(PAGES, pages_settle(&self->cgroup, PAGES));
	ASSERT_EQ(0, ioctl(common.gup, PIN_LONGTERM_TEST_STOP));
	EXPECT_NOTHING_LEFT();
}

TEST_HARNESS_MAIN
