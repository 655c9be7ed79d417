// SPDX-License-Identifier: GPL-2.0
/*
 * What the machine is set to while it storms.
 */
#include <stdbool.h>
#include <string.h>

#include "kselftest.h"

#include "files.h"

#include "settings.h"

#define KSM	"/sys/kernel/mm/ksm/"
#define THP	"/sys/kernel/mm/transparent_hugepage/"

/*
 * Small pages by default: who asks for huge ones, or collapses, gets them. ksmd takes the lock of
 * an address space for each page: few at a time.
 */
static struct setting {
	const char *path;
	const char *value;
	char was[128];
} settings[] = {
	{ KSM "pages_to_scan", "20" },
	{ KSM "sleep_millisecs", "10" },
	{ KSM "run", "1" },
	{ THP "enabled", "madvise" },
	{ THP "hugepages-64kB/enabled", "always" },
	{ THP "shmem_enabled", "advise" },
	{ THP "khugepaged/scan_sleep_millisecs", "200" },
	{ THP "khugepaged/alloc_sleep_millisecs", "200" },
	{ THP "khugepaged/pages_to_scan", "1024" },
	/* All stand in line for few locks. Who hangs for good is noticed in the end. */
	{ "/proc/sys/kernel/hung_task_timeout_secs", "900" },
};

/* Of a choice the one in brackets is in force. */
static const char *chosen(char *text)
{
	char *start = strchr(text, '[');

	if (!start) {
		text[strcspn(text, "\n")] = 0;
		return text;
	}
	start[strcspn(start, "]")] = 0;
	return start + 1;
}

void settings_turn(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		struct setting *setting = &settings[i];

		if (file_read(setting->path, setting->was, sizeof(setting->was)) ||
		    file_write(setting->path, setting->value))
			setting->was[0] = 0;
	}
}

void settings_restore(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(settings); i++)
		if (settings[i].was[0])
			file_write(settings[i].path, chosen(settings[i].was));
}
