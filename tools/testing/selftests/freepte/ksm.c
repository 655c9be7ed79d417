// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that are alike, merged by the kernel.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kselftest.h"

#include "files.h"
#include "ksm.h"

#define MERGING	"ksm_merging_pages "

/* The last one starts it. */
static struct {
	const char *name;
	const char *value;
	char found[32];
} knobs[] = {
	{ "pages_to_scan", "1000" },
	{ "sleep_millisecs", "1" },
	{ "smart_scan", "0" },
	{ "run", "1" },
};

static const char *path_of(const char *name)
{
	static __thread char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/mm/ksm/%s", name);
	return path;
}

bool ksm_start(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		const char *path = path_of(knobs[i].name);

		if ((!knobs[i].found[0] &&
		     file_read(path, knobs[i].found, sizeof(knobs[i].found))) ||
		    file_write(path, knobs[i].value)) {
			ksm_restore();
			return false;
		}
	}
	return true;
}

void ksm_stop(void)
{
	file_write(path_of("run"), "0");
}

void ksm_restore(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		if (knobs[i].found[0])
			file_write(path_of(knobs[i].name), knobs[i].found);
}

long ksm_merging(void)
{
	char text[512];
	char *line;

	if (file_read("/proc/self/ksm_stat", text, sizeof(text)))
		return -1;
	line = strstr(text, MERGING);
	return line ? strtol(line + strlen(MERGING), NULL, 10) : -1;
}

long ksm_read(const char *name)
{
	char text[32];

	return file_read(path_of(name), text, sizeof(text)) ? -1 : strtol(text, NULL, 10);
}
