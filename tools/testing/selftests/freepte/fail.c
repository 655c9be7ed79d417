// SPDX-License-Identifier: GPL-2.0
/*
 * Allocations of the caller that the kernel makes fail.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kselftest.h"

#include "fail.h"
#include "files.h"

#define NTH	"/proc/thread-self/fail-nth"

static struct {
	const char *path;
	const char *wanted;
	char before[16];
} settings[] = {
	{ .path = "/sys/kernel/debug/fail_page_alloc/ignore-gfp-highmem", .wanted = "N" },
	{ .path = "/sys/kernel/debug/fail_page_alloc/ignore-gfp-wait", .wanted = "N" },
	{ .path = "/sys/kernel/debug/fail_page_alloc/min-order", .wanted = "0" },
	{ .path = "/sys/kernel/debug/fail_page_alloc/verbose", .wanted = "0" },
	{ .path = "/sys/kernel/debug/failslab/ignore-gfp-wait", .wanted = "N" },
	{ .path = "/sys/kernel/debug/failslab/verbose", .wanted = "0" },
};

const char *fail_lacks(void)
{
	unsigned int i;

	if (access(NTH, W_OK))
		return "no " NTH " (CONFIG_FAULT_INJECTION)";
	for (i = 0; i < ARRAY_SIZE(settings); i++)
		if (access(settings[i].path, W_OK))
			return "no CONFIG_FAIL_PAGE_ALLOC, or no CONFIG_FAILSLAB";
	return NULL;
}

void fail_begin(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		if (file_read(settings[i].path, settings[i].before, sizeof(settings[i].before)) ||
		    file_write(settings[i].path, settings[i].wanted))
			settings[i].before[0] = 0;
	}
}

void fail_end(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(settings); i++)
		if (settings[i].before[0])
			file_write(settings[i].path, settings[i].before);
}

/* The file is that of the thread that opened it. */
static int nth_file(void)
{
	static __thread int fd = -1;
	static __thread pid_t of;

	if (fd < 0 || of != gettid()) {
		fd = open(NTH, O_RDWR | O_CLOEXEC);
		of = gettid();
	}
	return fd;
}

/* The C library has the kernel write down on which CPU the thread is, whenever that may change. */
void fail_prepare(void)
{
	char *area = (char *)__builtin_thread_pointer() + __rseq_offset;
	/* Its size as registered is not told: that of the first version, or of a later one */
	const unsigned int sizes[] = { 32, __rseq_size };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		if (!syscall(SYS_rseq, area, sizes[i], RSEQ_FLAG_UNREGISTER, RSEQ_SIG))
			break;
}

void fail_arm(unsigned int nth)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", nth);

	if (write(nth_file(), text, len) != len)
		abort();
}

bool fail_disarm(void)
{
	char text[16] = "";

	if (pread(nth_file(), text, sizeof(text) - 1, 0) < 1 || write(nth_file(), "0", 1) != 1)
		abort();
	return strtol(text, NULL, 10) == 0;
}
