// SPDX-License-Identifier: GPL-2.0
/*
 * Processes whose mmap lock cannot be had for long: their empty tables wait, and nobody waits with
 * them, neither a worker nor the tables of others.
 */
#include "harness.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "deadline.h"
#include "files.h"
#include "hazard.h"
#include "knobs.h"
#include "tables.h"

#define LOCK_MM		"/sys/kernel/debug/free_user_pte/lock_mm"

/* Far more than the reclaimer has workers */
#define PROCESSES	100
#define TABLES		4
#define SIZE		(TABLES * TABLE_SPAN)
#define STEP		(TABLE_SPAN / 4)
#define LOCKED_MS	8000
/* The reclaimer looks when all have their locks. */
#define DELAY_MS	2000

FIXTURE(contended)
{
	pid_t pids[PROCESSES];
};

FIXTURE_SETUP(contended)
{
	if (access(LOCK_MM, W_OK))
		SKIP(return, "nobody takes the mmap lock on request");
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

/* Tables that have no page any more */
static char *emptied(void)
{
	char *area = arena(SIZE);

	if (!area || !map_anon(area, SIZE))
		return NULL;
	write_pages(area, SIZE, STEP);
	return advise_pieces(area, SIZE, STEP, MADV_DONTNEED) ? NULL : area;
}

/* 0: its tables were freed after all; else which step failed */
static int be_locked(void)
{
	char text[16];

	snprintf(text, sizeof(text), "%d", LOCKED_MS);
	touch_program();
	account_open(&own_account, 0);
	if (!emptied())
		return 1;
	if (file_write(LOCK_MM, text))
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

	for (i = 0; i < PROCESSES; i++) {
		self->pids[i] = fork();
		ASSERT_LE(0, self->pids[i]);
		if (!self->pids[i])
			_exit(be_locked());
	}
	touch_program();
	account_open(&own_account, 0);
	ASSERT_NE(NULL, emptied());
	/* And perhaps some that are needed */
	ASSERT_LE(TABLES, account_grew(&own_account));
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

TEST_HARNESS_MAIN
