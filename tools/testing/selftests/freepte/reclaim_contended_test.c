// SPDX-License-Identifier: GPL-2.0
/*
 * Processes whose locks cannot be had for long. If it is that of their VMAs, their empty tables wait,
 * and nobody waits with them, neither a worker nor the tables of others. If it is the mmap lock alone,
 * nothing waits.
 */
#include "harness.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "cpu.h"
#include "deadline.h"
#include "files.h"
#include "hazard.h"
#include "knobs.h"
#include "tables.h"

#define LOCK_MM		"/sys/kernel/debug/free_user_pte/lock_mm"
#define LOCK_VMAS	"/sys/kernel/debug/free_user_pte/lock_vmas"

/* Far more than the reclaimer has workers */
#define PROCESSES	100
#define TABLES		4
#define SIZE		(TABLES * TABLE_SPAN)
#define STEP		(TABLE_SPAN / 4)
#define LOCKED_MS	8000
/* The reclaimer looks when all have their locks. */
#define DELAY_MS	2000

/* Of the one child that others watch */
static struct {
	long held;		/* tables, before they were empty */
	bool is_ready, is_over;
} *child;

FIXTURE(contended)
{
	pid_t pids[PROCESSES];
};

FIXTURE_SETUP(contended)
{
	if (access(LOCK_VMAS, W_OK))
		SKIP(return, "nobody takes locks on request");
	memset(self->pids, 0, sizeof(self->pids));
	hazard_begin(0);
	ASSERT_EQ(0, knob_write("delay_ms", DELAY_MS));
}

FIXTURE_TEARDOWN(contended)
{
	int i;

	for (i = 0; i < PROCESSES; i++)
		if (self->pids[i] > 0)
			kill(self->pids[i], SIGKILL);
	while (wait(NULL) > 0)
		;
	hazard_end();
}

static char *filled(void)
{
	char *area = arena(SIZE);

	if (!area || !map_anon(area, SIZE))
		return NULL;
	write_pages(area, SIZE, STEP);
	return area;
}

/* Has tables that have no page any more. */
static bool leave_empty(char *area)
{
	return area && !advise_pieces(area, SIZE, STEP, MADV_DONTNEED);
}

/* 0: its tables were freed after all; else which step failed */
static int be_locked(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", LOCKED_MS);
	account_open(&own_account, 0);
	if (!leave_empty(filled()))
		return 1;
	if (file_write(LOCK_VMAS, text))
		return 2;
	return account_settle(&own_account).excess ? 3 : 0;
}

/* Workers of the reclaimer that wait for a lock */
static int parked(void)
{
	char path[300], text[512], *state;
	struct dirent *entry;
	DIR *proc = opendir("/proc");
	int count = 0;

	while (proc && (entry = readdir(proc))) {
		if (!isdigit(entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
		if (file_read(path, text, sizeof(text)) || !strstr(text, "free_user_pte"))
			continue;
		state = strrchr(text, ')');
		count += state && state[1] && state[2] == 'D';
	}
	if (proc)
		closedir(proc);
	return count;
}

TEST_F(contended, others_do_not_wait)
{
	struct deadline deadline;
	int i, status, seen = 0;
	char *area;

	/* While all is at rest */
	account_open(&own_account, 0);
	for (i = 0; i < PROCESSES; i++) {
		self->pids[i] = fork();
		ASSERT_LE(0, self->pids[i]);
		if (!self->pids[i])
			_exit(be_locked());
	}
	area = filled();
	ASSERT_NE(NULL, area);
	/* And perhaps some that are needed */
	ASSERT_LE(TABLES, account_grew(&own_account));
	ASSERT_TRUE(leave_empty(area));
	/* Ours are freed when those of nobody else are. */
	deadline_set(&deadline, LOCKED_MS);
	while (account_balance(&own_account).excess && deadline_wait(&deadline))
		seen += parked();
	EXPECT_EQ(0, account_balance(&own_account).excess);
	EXPECT_EQ(0, seen);
	for (i = 0; i < PROCESSES; i++) {
		ASSERT_EQ(self->pids[i], waitpid(self->pids[i], &status, 0));
		self->pids[i] = 0;
		EXPECT_EQ(0, status)
			TH_LOG("process %d ends with %#x", i, status);
	}
}

/* As above, with the mmap lock alone */
static int be_watched(void)
{
	char text[16], *area;

	snprintf(text, sizeof(text), "%d", LOCKED_MS);
	account_open(&own_account, 0);
	area = filled();
	/* What comes next starts a delay of its own. */
	if (!area || reclaimer_wait())
		return 1;
	child->held = tables_held(0);
	if (!leave_empty(area))
		return 3;
	__atomic_store_n(&child->is_ready, true, __ATOMIC_RELEASE);
	if (file_write(LOCK_MM, text))
		return 2;
	__atomic_store_n(&child->is_over, true, __ATOMIC_RELEASE);
	return 0;
}

TEST_F(contended, mmap_lock_is_not_needed)
{
	struct deadline deadline;
	int status;

	child = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, (void *)child);
	/* The reclaimer's timer, which is where the child ran, wakes no idle CPU: we do. */
	ASSERT_TRUE(run_on(0));
	self->pids[0] = fork();
	ASSERT_LE(0, self->pids[0]);
	if (!self->pids[0])
		_exit(be_watched());
	deadline_set(&deadline, 4 * DELAY_MS);
	while (!__atomic_load_n(&child->is_ready, __ATOMIC_ACQUIRE) && deadline_wait(&deadline))
		;
	ASSERT_TRUE(child->is_ready);
	deadline_set(&deadline, LOCKED_MS);
	while (tables_held(self->pids[0]) > child->held - TABLES && deadline_wait(&deadline))
		;
	EXPECT_FALSE(__atomic_load_n(&child->is_over, __ATOMIC_ACQUIRE));
	EXPECT_GE(child->held - TABLES, tables_held(self->pids[0]));
	ASSERT_EQ(self->pids[0], waitpid(self->pids[0], &status, 0));
	self->pids[0] = 0;
	EXPECT_EQ(0, status);
	munmap(child, PAGE);
}

TEST_HARNESS_MAIN
