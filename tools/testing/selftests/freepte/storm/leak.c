// SPDX-License-Identifier: GPL-2.0
/*
 * What must be as it was when all is over: tables, the memory that was mapped by them, pins, and
 * the objects that address spaces consist of.
 *
 * Tolerances: a counter of pages is exact once the CPUs' parts of it are added up, but this program
 * itself, and others that wake up now and then, touch a few pages more. Of objects, a slab counts
 * those as used that a CPU keeps at hand: as many as fit into the slab that it allocates from. What
 * it keeps beyond is let go by "shrink". Pins are exact.
 */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"

#include "deadline.h"
#include "files.h"
#include "knobs.h"
#include "tables.h"

#include "leak.h"

#define POLL_MS		500
/* So long for all of it to be exactly as it was */
#define SETTLE_MS	15000
#define FEW_TABLES	32
#define FEW_PAGES	512
/* There is no such thing: less than nothing may well be a difference of two counters. */
#define NOT_COUNTED	LONG_MIN

static struct number {
	const char *name;
	/* A slab; or else a counter of /proc/vmstat, less another one if there is one */
	bool is_slab;
	const char *less;
	/* Of these there is one for each thread: kernel threads come and go. */
	bool is_of_thread;
	long tolerance;
	long before, now;
} numbers[] = {
	{ .name = "nr_page_table_pages", .tolerance = FEW_TABLES },
	{ .name = "nr_anon_pages", .tolerance = FEW_PAGES },
	{ .name = "nr_mapped", .tolerance = FEW_PAGES },
	{ .name = "nr_shmem", .tolerance = FEW_PAGES },
	{ .name = "nr_mlock", .tolerance = 0 },
	{ .name = "nr_foll_pin_acquired", .less = "nr_foll_pin_released", .tolerance = 0 },
	{ .name = "page->ptl", .is_slab = true },
	{ .name = "mm_struct", .is_slab = true },
	{ .name = "vm_area_struct", .is_slab = true },
	{ .name = "anon_vma", .is_slab = true },
	{ .name = "anon_vma_chain", .is_slab = true },
	{ .name = "pid", .is_slab = true, .is_of_thread = true },
	{ .name = "task_struct", .is_slab = true, .is_of_thread = true },
	{ .name = "ksm_mm_slot", .is_slab = true },
	{ .name = "ksm_rmap_item", .is_slab = true },
	{ .name = "ksm_stable_node", .is_slab = true },
	{ .name = "khugepaged_mm_slot", .is_slab = true },
	{ .name = "userfaultfd_ctx_cache", .is_slab = true },
	{ .name = "maple_node", .is_slab = true },
};

/* Of all processes, those of the kernel included: "0.00 0.00 0.00 1/50 1234" */
static long threads(void)
{
	char text[128];
	char *slash;

	if (file_read("/proc/loadavg", text, sizeof(text)))
		return 0;
	slash = strchr(text, '/');
	return slash ? strtol(slash + 1, NULL, 10) : 0;
}

static long slab_objects(struct number *number)
{
	static char text[256 << 10];
	long active, objects, size, per_slab;
	char path[128], line[64];
	char *at;

	snprintf(path, sizeof(path), "/sys/kernel/slab/%s/shrink", number->name);
	file_write(path, "1");
	if (file_read("/proc/slabinfo", text, sizeof(text)))
		return NOT_COUNTED;
	snprintf(line, sizeof(line), "\n%s ", number->name);
	at = strstr(text, line);
	if (!at || sscanf(at + strlen(line), "%ld %ld %ld %ld", &active, &objects, &size,
			  &per_slab) != 4)
		return NOT_COUNTED;
	number->tolerance = per_slab * sysconf(_SC_NPROCESSORS_ONLN);
	return active - (number->is_of_thread ? threads() : 0);
}

static long look_at(struct number *number)
{
	long count, less;

	if (number->is_slab)
		return slab_objects(number);
	count = vm_counter(number->name);
	less = number->less ? vm_counter(number->less) : 0;
	return count < 0 || less < 0 ? NOT_COUNTED : count - less;
}

/* Whether nothing is more than it was, exactly, or within the tolerances */
static bool is_back(bool is_exact)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct number *number = &numbers[i];
		long most = number->before + (is_exact ? 0 : number->tolerance);

		if (number->before != NOT_COUNTED && number->now > most)
			return false;
	}
	return true;
}

static void look(void)
{
	unsigned int i;

	/* Inodes and their like; what the CPUs have counted for themselves */
	file_write("/proc/sys/vm/drop_caches", "3");
	file_write("/proc/sys/vm/stat_refresh", "1");
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		numbers[i].now = look_at(&numbers[i]);
}

void leak_begin(void)
{
	unsigned int i;

	/* What looking itself takes is to be there before. */
	for (i = 0; i < 3; i++) {
		look();
		sleep_ms(POLL_MS);
	}
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		numbers[i].before = numbers[i].now;
}

const char *leak_end(long ms)
{
	struct deadline deadline, exact;
	static char text[256];
	unsigned int i;

	/*
	 * Address spaces end, and their parts are freed, somewhat later than their processes: what
	 * is just late is not to be excused by the tolerance.
	 */
	deadline_set(&deadline, ms);
	deadline_set(&exact, SETTLE_MS);
	for (look(); !is_back(true) && !deadline_passed(is_back(false) ? &exact : &deadline);
	     look())
		sleep_ms(POLL_MS);
	text[0] = 0;
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct number *number = &numbers[i];
		size_t len = strlen(text);

		if (number->before != NOT_COUNTED &&
		    number->now - number->before > number->tolerance)
			snprintf(text + len, sizeof(text) - len, "%s%s %ld, was %ld",
				 len ? "; " : "", number->name, number->now, number->before);
	}
	return text[0] ? text : NULL;
}

void leak_print(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		const struct number *number = &numbers[i];

		if (number->before == NOT_COUNTED)
			ksft_print_msg("%s: not counted here\n", number->name);
		else
			ksft_print_msg("%s: %ld before, %ld after (%ld more are no leak)\n",
				       number->name, number->before, number->now,
				       number->tolerance);
	}
}
