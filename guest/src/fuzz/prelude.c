// SPDX-License-Identifier: GPL-2.0
/*
 * A sequence of memory calls, of which some kernel made something else than
 * another one did. Run it on both and compare what it prints:
 *
 *	gcc -Wall -O2 -pthread -o again FILE.c && ./again
 *
 * It wants root, an idle machine and swap (best on zram). Some lists want
 * more: two NUMA nodes (numa=fake=2), or a directory on ext4, whose name goes
 * into the environment as FUZZ_EXT4.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/swap.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096UL
#define BLOCK (2UL << 20)

static int files[4], uffds[2] = { -1, -1 }, pidfds[2] = { -1, -1 }, pagemap;
static uint64_t out[2048];

#define F0 files[0]
#define F1 files[1]
#define F2 files[2]
#define F3 files[3]
#define U0 uffds[0]
#define U1 uffds[1]
#define D0 pidfds[0]
#define D1 pidfds[1]
#define PAGEMAP pagemap
#define SELF getpid()
#define OUT ((uintptr_t)out)
#define WORDS(...) ((uintptr_t)(uint64_t[]){ __VA_ARGS__ })
#define SYS(name, ...) system_call(#name, SYS_##name, (long[6]){ __VA_ARGS__ })

/* Who acts: three threads and two children, one at a time. */
enum actor { T0, T1, T2, C0, C1, ACTORS };

struct turn {
	sem_t go, done;
	void (*step)(void);
	pid_t pid;
};

static struct turn *turns;
static int number;

static __thread sigjmp_buf faulted;
static __thread volatile sig_atomic_t caught;

static uint64_t digest(const uint64_t *words, size_t count)
{
	uint64_t sum = 0;

	for (size_t n = 0; n < count; n++)
		sum = (sum << 29 ^ sum >> 35 ^ words[n]) * 0x9e3779b97f4a7c15;
	return sum;
}

static void said(const char *what, long ret)
{
	printf("%d %s: %ld", number, what, ret);
	if (ret == -1)
		printf(" (%s)", strerror(errno));
	for (size_t n = 0; n < sizeof(out) / sizeof(out[0]); n++)
		if (out[n]) {
			printf(" out %016lx", digest(out, sizeof(out) / sizeof(out[0])));
			break;
		}
	printf("\n");
	fflush(stdout);
	memset(out, 0, sizeof(out));
}

static inline void system_call(const char *what, long nr, long arg[6])
{
	said(what, syscall(nr, arg[0], arg[1], arg[2], arg[3], arg[4], arg[5]));
}

static void on_fault(int signal, siginfo_t *info, void *context)
{
	(void)context;
	caught = signal << 8 | (info->si_code & 0xff);
	siglongjmp(faulted, 1);
}

/* One access; 0, or the signal and its code. */
static int access_word(volatile uint64_t *word, const uint64_t *value, uint64_t *found)
{
	if (sigsetjmp(faulted, 1))
		return caught;
	if (value)
		*word = *value;
	else
		*found = *word;
	return 0;
}

static inline int touch(uint64_t at, uint64_t count, const uint64_t *value)
{
	const char *what = value ? "store" : "load";

	for (uint64_t page = 0; page < count; page++) {
		uint64_t found = 0;
		int fault = access_word((uint64_t *)(at + page * PAGE), value, &found);

		if (fault) {
			printf("%d %s: page %lu: signal %d code %d\n", number, what, page,
			       fault >> 8, fault & 0xff);
			return -1;
		}
		printf("%d %s: %lx\n", number, what, value ? *value : found);
	}
	return 0;
}

static inline void load(uint64_t at)
{
	touch(at, 1, NULL);
}

static inline void store(uint64_t at, uint64_t value)
{
	touch(at, 1, &value);
}

static inline void load_pages(uint64_t at, uint64_t count)
{
	touch(at, count, NULL);
}

static inline void store_pages(uint64_t at, uint64_t count, uint64_t value)
{
	touch(at, count, &value);
}

static inline void collapse(uint64_t start, uint64_t len)
{
	uint64_t end = (start + len) / BLOCK * BLOCK;

	for (uint64_t block = (start + BLOCK - 1) / BLOCK * BLOCK; block < end; block += BLOCK)
		if (touch(block, 1, &block))
			return;
	said("collapse", madvise((void *)(uintptr_t)start, len, 25 /* MADV_COLLAPSE */));
}

static int open_named(const char *directory)
{
	static char bytes[1 << 20];
	int fd = open(directory, O_TMPFILE | O_RDWR, 0600);

	for (size_t n = 0; n < sizeof(bytes); n++)
		bytes[n] = n / PAGE + 1;
	if (fd < 0 || pwrite(fd, bytes, sizeof(bytes), 0) != sizeof(bytes))
		perror(directory);
	return fd;
}

static inline void open_memfd(int slot)
{
	close(files[slot]);
	files[slot] = memfd_create(slot ? "F1" : "F0", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	said("open_memfd", ftruncate(files[slot], 2 * BLOCK - PAGE));
}

static inline void open_uffd(int slot, uint64_t features)
{
	uint64_t api[] = { 0xaa, features, 0 };

	close(uffds[slot]);
	uffds[slot] = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	said("open_uffd", ioctl(uffds[slot], 0xc018aa3f /* UFFDIO_API */, api));
}

static inline void close_uffd(int slot)
{
	close(uffds[slot]);
	uffds[slot] = -1;
}

static void put(const char *file, const char *value)
{
	int fd = open(file, O_WRONLY);

	if (fd >= 0 && write(fd, value, strlen(value)) < 0)
		perror(file);
	close(fd);
}

static inline void pause_ms(int ms)
{
	usleep(1000 * ms);
}

static inline void knob(int which, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%lu", value);
	switch (which) {
	case 0:
		return put("/sys/kernel/mm/free_user_pte/enabled", text);
	case 1:
		return put("/sys/kernel/mm/free_user_pte/delay_ms", text);
	case 2:
		return put("/sys/kernel/mm/transparent_hugepage/hugepages-64kB/enabled",
			   value ? "madvise" : "never");
	default:
		return put("/sys/kernel/debug/fault_around_bytes", text);
	}
}

static inline void clear_refs(int what)
{
	put("/proc/self/clear_refs", what == 4 ? "4" : "1");
}

static inline void swap_cycle(void)
{
	said("swapoff", swapoff("/dev/zram0"));
	said("swapon", swapon("/dev/zram0", 0));
}

static inline void drop_caches(void)
{
	put("/proc/sys/vm/drop_caches", "1");
}

static void *serve(void *actor)
{
	struct turn *turn = actor;

	for (;;) {
		while (sem_wait(&turn->go))
			;
		if (!turn->step)
			return NULL;
		turn->step();
		sem_post(&turn->done);
	}
}

/* Have an actor do a step; the first thread does its own. */
static inline void on(enum actor actor, int n, void (*step)(void))
{
	struct turn *turn = &turns[actor];

	number = n;
	if (actor == T0)
		return step();
	if (actor >= C0 && !turn->pid)
		return;
	turn->step = step;
	sem_post(&turn->go);
	while (sem_wait(&turn->done))
		;
}

static inline void fork_child(int slot)
{
	struct turn *turn = &turns[C0 + slot];
	pid_t pid;

	if (turn->pid)
		return;
	pid = fork();
	if (!pid) {
		pagemap = open("/proc/self/pagemap", O_RDONLY);
		serve(turn);
		_exit(0);
	}
	turn->pid = pid;
	pidfds[slot] = syscall(SYS_pidfd_open, pid, 0);
	said("fork_child", pid < 0 ? -1 : 0);
}

static inline void reap_child(int slot)
{
	struct turn *turn = &turns[C0 + slot];
	int status = -1;

	if (!turn->pid)
		return;
	turn->step = NULL;
	sem_post(&turn->go);
	waitpid(turn->pid, &status, 0);
	turn->pid = 0;
	close(pidfds[slot]);
	said("reap_child", status);
}

/* What is mapped in the arena, and each entry that is not none. */
static void show(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	unsigned long start, end, offset;
	char line[512], flags[8];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %7s %lx", &start, &end, flags, &offset) != 4 ||
		    start >= ARENA_END)
			break;
		printf("%lx-%lx %s %lx\n", start, end, flags, offset);
		for (unsigned long at = start; at < end; at += PAGE) {
			uint64_t word = 0;

			if (pread(pagemap, &word, sizeof(word), at / PAGE * 8) != sizeof(word))
				perror("pagemap");
			/* Without the number of the page frame or the place in swap */
			word &= ~((1UL << 55) - 1);
			/* A soft-dirty hole is one that only its area says so of. */
			if (!(word & ~(1UL << 55)))
				continue;
			printf("  %lx %016lx", at, word);
			if (word >> 63 && flags[0] == 'r')
				printf(" %016lx", digest((uint64_t *)at, PAGE / 8));
			printf("\n");
		}
	}
	if (maps)
		fclose(maps);
	fflush(stdout);
}

static void start(void)
{
	struct sigaction action = { .sa_sigaction = on_fault, .sa_flags = SA_SIGINFO };
	const char *ext4 = getenv("FUZZ_EXT4");

	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	turns = mmap(NULL, ACTORS * sizeof(*turns), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	for (int n = 0; n < ACTORS; n++) {
		sem_init(&turns[n].go, 1, 0);
		sem_init(&turns[n].done, 1, 0);
	}
	for (int n = 0; n < 2; n++) {
		files[n] = -1;
		open_memfd(n);
	}
	files[2] = open_named("/dev/shm");
	files[3] = open_named(ext4 ? ext4 : ".");
	pagemap = open("/proc/self/pagemap", O_RDONLY);
	for (int n = T1; n <= T2; n++) {
		pthread_t thread;

		pthread_create(&thread, NULL, serve, &turns[n]);
	}
}

static void finish(void)
{
	show();
	for (int n = 0; n < 2; n++)
		reap_child(n);
}
