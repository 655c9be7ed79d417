// SPDX-License-Identifier: GPL-2.0
/*
 * Processes of several threads that are killed in the middle of giving memory back, so that their
 * address space ends with hints in it.
 */
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storm.h"

#define TABLES	4
#define STACK	(16 << 10)

static char *area;

static const char *exit_start(struct part *part)
{
	area = arena(TABLES * TABLE_SPAN);
	if (!area || !map_anon(area, TABLES * TABLE_SPAN))
		return wrong("exit: mmap: %m");
	return NULL;
}

/* A thread that the C library does not know: nothing but memory and system calls. */
static int fill_and_empty(void *arg)
{
	size_t at = (uintptr_t)arg * PAGE;

	for (;;) {
		area[at] = 1;
		syscall(__NR_madvise, area + at, PAGE, MADV_DONTNEED);
		at = (at + TABLE_SPAN) % (TABLES * TABLE_SPAN);
	}
	return 0;
}

static void be_killed(void)
{
	/* Aligned as the ABI wants it */
	static long double stack[STACK / sizeof(long double)];
	const int flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS | CLONE_FILES;

	if (clone(fill_and_empty, stack + ARRAY_SIZE(stack), flags, (void *)1UL) < 0)
		_exit(1);
	fill_and_empty((void *)2UL);
}

static const char *exit_turn(struct part *part)
{
	int status;
	pid_t pid;

	pid = fork();
	if (pid < 0)
		return wrong("exit: fork: %m");
	if (!pid)
		be_killed();
	usleep(pick(&part->random, 20000));
	if (kill(pid, SIGKILL) || waitpid(pid, &status, 0) != pid)
		return wrong("exit: %m");
	if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL)
		return wrong("exit: a child ends with %#x", status);
	return NULL;
}

const struct actor exit_actor = { .name = "exit", .start = exit_start, .turn = exit_turn };
