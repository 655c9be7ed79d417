// SPDX-License-Identifier: GPL-2.0
/*
 * For how long the reclaimer had VMAs locked, and others waited for them.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kselftest.h"

#include "files.h"
#include "tables.h"

#include "scans.h"

/* A buffer of our own: others may trace as well. */
#define INSTANCE	"/sys/kernel/tracing/instances/freepte_storm"
#define SWITCH		INSTANCE "/events/free_user_pte/pte_table_scan/enable"

struct longest {
	unsigned long long held_ns, waited_ns;
};

static struct {
	bool listens, is_over;
	int pipe;
	pthread_t thread;
	unsigned long scans, awaited, tables;
	struct longest longest;
} scans;

static void take_line(const char *line)
{
	unsigned long long held, waited;
	const char *at = strstr(line, "tables=");
	unsigned int tables;

	if (!at || sscanf(at, "tables=%u held_ns=%llu waited_ns=%llu", &tables, &held, &waited) != 3)
		return;
	scans.scans++;
	scans.tables += tables;
	scans.awaited += waited > 0;
	if (held > scans.longest.held_ns)
		scans.longest.held_ns = held;
	if (waited > scans.longest.waited_ns)
		scans.longest.waited_ns = waited;
}

/* What is there of the pipe; the start of a line that is not whole yet stays in the buffer. */
static void take_lines(void)
{
	static char text[64 << 10];
	static size_t have;
	char *line, *end;
	ssize_t got;

	while ((got = read(scans.pipe, text + have, sizeof(text) - have - 1)) > 0) {
		have += got;
		text[have] = 0;
		for (line = text; (end = strchr(line, '\n')); line = end + 1) {
			*end = 0;
			take_line(line);
		}
		have = strlen(line);
		memmove(text, line, have);
	}
}

static void *listen_to(void *arg)
{
	while (!__atomic_load_n(&scans.is_over, __ATOMIC_RELAXED)) {
		take_lines();
		sleep_ms(100);
	}
	take_lines();
	return NULL;
}

void scans_begin(void)
{
	if (mkdir(INSTANCE, 0700) && errno != EEXIST)
		return;
	scans.pipe = open(INSTANCE "/trace_pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (scans.pipe < 0 || file_write(SWITCH, "1"))
		return;
	scans.listens = !pthread_create(&scans.thread, NULL, listen_to, NULL);
}

void scans_end(void)
{
	file_write(SWITCH, "0");
	__atomic_store_n(&scans.is_over, true, __ATOMIC_RELAXED);
	if (scans.listens)
		pthread_join(scans.thread, NULL);
	if (scans.pipe > 0)
		close(scans.pipe);
	rmdir(INSTANCE);
}

void scans_print(void)
{
	if (!scans.listens) {
		ksft_print_msg("no free_user_pte:pte_table_scan: the locks of VMAs are not watched\n");
		return;
	}
	ksft_print_msg("the reclaimer locked a VMA %lu times, for %lu tables, %llu us at most\n",
		       scans.scans, scans.tables, scans.longest.held_ns / 1000);
	ksft_print_msg("others waited for it %lu times, %llu us at most\n", scans.awaited,
		       scans.longest.waited_ns / 1000);
}
