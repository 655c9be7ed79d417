// SPDX-License-Identifier: GPL-2.0
/*
 * The knobs and counters of free_user_pte.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"

#include "files.h"
#include "knobs.h"

#define SYSFS	"/sys/kernel/mm/free_user_pte/"
#define DEBUGFS	"/sys/kernel/debug/free_user_pte/"
#define MOST_DELAY_MS	60000

static struct saved {
	const char *name;
	bool debug;
	bool is_saved;
	char text[32];
} knobs[] = {
	{ .name = "enabled" },
	{ .name = "delay_ms" },
	{ .name = "force_free", .debug = true },
	{ .name = "fail_trylock", .debug = true },
	{ .name = "delay_us", .debug = true },
};

static struct saved *knob_find(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		if (!strcmp(knobs[i].name, name))
			return &knobs[i];
	return NULL;
}

static const char *knob_path(const char *name)
{
	static char path[128];
	struct saved *knob = knob_find(name);

	snprintf(path, sizeof(path), "%s%s", knob && knob->debug ? DEBUGFS : SYSFS, name);
	return path;
}

long knob_read(const char *name)
{
	char text[32];
	int err = file_read(knob_path(name), text, sizeof(text));

	if (err)
		return err;
	/* debugfs shows a switch in letters. */
	if (text[0] == 'Y' || text[0] == 'N')
		return text[0] == 'Y';
	return strtol(text, NULL, 10);
}

int knob_write_text(const char *name, const char *text)
{
	struct saved *knob = knob_find(name);

	if (knob && !knob->is_saved)
		knob->is_saved = !file_read(knob_path(name), knob->text, sizeof(knob->text));
	return file_write(knob_path(name), text);
}

int knob_write(const char *name, long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%ld", value);
	return knob_write_text(name, text);
}

void knobs_restore(void)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		if (knobs[i].is_saved)
			file_write(knob_path(knobs[i].name), knobs[i].text);
}

bool have_free_user_pte(void)
{
	static const char *const file = SYSFS "enabled";
	static int answer = -1;

	if (answer < 0) {
		answer = !access(file, F_OK);
		/* A PV guest of Xen counts, but frees nothing. */
		if (answer && !knob_read("enabled")) {
			answer = file_write(file, "1") != -EOPNOTSUPP;
			file_write(file, "0");
		}
	}
	return answer;
}

long reclaimer_delay(void)
{
	long ms = knob_read("delay_ms");

	return ms < 0 ? 0 : ms;
}

bool reclaimer_delay_more(void)
{
	long ms = 2 * reclaimer_delay();

	return ms && ms <= MOST_DELAY_MS && !knob_write("delay_ms", ms);
}

bool have_debug_knobs(void)
{
	return !access(DEBUGFS "force_free", F_OK);
}

long vm_counter(const char *name)
{
	static char text[64 << 10];
	size_t len = strlen(name);
	char *line;

	if (file_read("/proc/vmstat", text, sizeof(text)))
		return -1;
	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, name, len) && line[len] == ' ')
			return strtol(line + len, NULL, 10);
	}
	return -1;
}
