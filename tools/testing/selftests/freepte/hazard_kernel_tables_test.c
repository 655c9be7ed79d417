// SPDX-License-Identifier: GPL-2.0
/*
 * The kernel's own tables in user address spaces are left alone.
 *
 * Without "x86: exempt the kernel's own tables in user mms from being freed" the table that maps
 * an LDT under page table isolation is freed with a count that is not zero when its process ends,
 * which the kernel takes for a bug: for certain, with pti=on. And each poke of text empties the
 * table of text_poke_mm, with interrupts off, where a hint takes a lock that it must not: lockdep
 * may tell. No debug knobs.
 */
#include <asm/ldt.h>
#include <errno.h>
#include <linux/filter.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness.h"

#include "files.h"
#include "hazard.h"
#include "knobs.h"
#include "race.h"
#include "tables.h"

#define EVENTS	"/sys/kernel/tracing/events/"

static char *area;

static const char *zap(struct racer *racer)
{
	char *page = area + some(4) * TABLE_SPAN + racer->number * PAGE;

	mark_page(page, racer->turns + 1);
	if (!page_marked(page, racer->turns + 1))
		return wrong("a page is lost");
	return madvise(page, PAGE, MADV_DONTNEED) ? wrong("MADV_DONTNEED: %m") : NULL;
}

static int set_ldt(unsigned int entry, unsigned int limit)
{
	struct user_desc desc = {
		.entry_number = entry,
		.limit = limit,
		.seg_32bit = 1,
		.limit_in_pages = 1,
		.useable = 1,
	};

	return syscall(__NR_modify_ldt, 0x11, &desc, sizeof(desc));
}

static bool have_ldt(unsigned int entry, unsigned int limit)
{
	unsigned int found;

	/* Its selector: of the LDT, for user mode */
	asm volatile("lsl %1, %0" : "=r"(found) : "r"(entry << 3 | 7), "0"(0));
	return found == (limit << 12 | 0xfff);
}

/* An LDT that grows, in a process that ends with it, and with a child that inherits it */
static const char *ldt(struct racer *racer)
{
	unsigned int entry = some(8000), limit = 1 + some(1000);
	int status;
	pid_t pid = fork();

	if (pid < 0)
		return wrong("fork: %m");
	if (!pid) {
		if (set_ldt(0, limit))
			_exit(2);
		if (!have_ldt(0, limit))
			_exit(3);
		if (set_ldt(entry, limit + 1) || !have_ldt(entry, limit + 1))
			_exit(4);
		pid = fork();
		if (!pid) {
			if (!have_ldt(entry, limit + 1))
				_exit(5);
			/* Tables of ours that are freed beside those of the LDT */
			mark_page(area + 5 * PAGE, 1);
			if (madvise(area + 5 * PAGE, PAGE, MADV_DONTNEED))
				_exit(6);
			_exit(have_ldt(entry, limit + 1) ? 0 : 7);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			_exit(8);
		_exit(have_ldt(entry, limit + 1) ? 0 : 9);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		return wrong("a child with an LDT ends with %#x", status);
	return NULL;
}

/* Text is poked for static keys: our own switch, and trace points. */
static const char *poke(struct racer *racer)
{
	static const char *const events[] = {
		EVENTS "exceptions/page_fault_user/enable",
		EVENTS "syscalls/sys_enter_madvise/enable",
		EVENTS "free_user_pte/enable",
	};
	const char *event = events[some(3)];

	if (have_free_user_pte() && (knob_write("enabled", 0) || knob_write("enabled", 1)))
		return wrong("the switch cannot be switched");
	if (!access(event, F_OK) && (file_write(event, "1") || file_write(event, "0")))
		return wrong("%s cannot be switched", event);
	return NULL;
}

/* vmalloc: text of programs for sockets, and stacks of threads, which come and go. */
static const char *churn(struct racer *racer)
{
	struct sock_filter code[64];
	struct sock_fprog program = { .len = 64, .filter = code };
	int status, i, sockets[8];
	pid_t pid;

	for (i = 0; i < 64; i++)
		code[i] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_IMM, some(1000));
	code[63] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0xffff);
	for (i = 0; i < 8; i++) {
		sockets[i] = socket(AF_UNIX, SOCK_DGRAM, 0);
		if (sockets[i] < 0)
			return wrong("socket: %m");
		if (setsockopt(sockets[i], SOL_SOCKET, SO_ATTACH_FILTER, &program,
			       sizeof(program)))
			return wrong("SO_ATTACH_FILTER: %m");
	}
	pid = fork();
	if (pid < 0)
		return wrong("fork: %m");
	if (!pid)
		_exit(0);
	for (i = 0; i < 8; i++)
		close(sockets[i]);
	if (waitpid(pid, &status, 0) != pid || status)
		return wrong("a child ends with %#x", status);
	return NULL;
}

FIXTURE(kernel_tables)
{
};

FIXTURE_SETUP(kernel_tables)
{
	area = arena(4 * TABLE_SPAN);
	ASSERT_NE(NULL, area);
	ASSERT_NE(NULL, map_anon(area, 4 * TABLE_SPAN));
	ASSERT_EQ(0, no_huge_pages(area, 4 * TABLE_SPAN));
	hazard_begin(0);
}

FIXTURE_TEARDOWN(kernel_tables)
{
	hazard_end();
}

#define RACE(function, turns_least) do {						\
	struct racer racers[] = {							\
		{ RACER(zap), .number = 0 },						\
		{ RACER(zap), .number = 1 },						\
		{ RACER(function), .least = (turns_least) },				\
	};										\
											\
	race_needs("tables freed", freed, 50);						\
	EXPECT_HARMLESS(race(racers, 3));						\
} while (0)

TEST_F(kernel_tables, ldt)
{
	char text[8192];

	if (set_ldt(0, 1))
		SKIP(return, "no modify_ldt (CONFIG_MODIFY_LDT_SYSCALL): %m");
	/* Without page table isolation an LDT has no table. */
	if (!file_read("/proc/cpuinfo", text, sizeof(text)) && !strstr(text, " pti"))
		TH_LOG("no page table isolation (pti=on)");
	RACE(ldt, 20);
}

TEST_F(kernel_tables, text_poke)
{
	RACE(poke, 50);
}

TEST_F(kernel_tables, vmalloc)
{
	RACE(churn, 20);
}

TEST_HARNESS_MAIN
