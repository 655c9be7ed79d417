// SPDX-License-Identifier: GPL-2.0
/*
 * /proc/PID/smaps and smaps_rollup
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kselftest.h"

#include "walk/smaps.h"

/* Large enough for any process of ours; one thread at a time reads it. */
static char text[1 << 20];

/* 0 or a negative errno */
static int read_text(const char *path, size_t piece)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0, room;
	ssize_t got = 0;

	text[0] = 0;
	if (fd < 0)
		return -errno;
	do {
		len += got;
		room = sizeof(text) - 1 - len;
		got = read(fd, text + len, piece < room ? piece : room);
	} while (got > 0);
	text[len] = 0;
	got = got < 0 ? -errno : 0;
	close(fd);
	return got;
}

/* An area starts with its address; that of another line is a name. */
static bool is_header(const char *line)
{
	return isdigit(*line) || (*line >= 'a' && *line <= 'f');
}

/* To the next area, or the end */
static char *next_area(char *at)
{
	do {
		at = strchrnul(at, '\n');
		at += *at == '\n';
	} while (*at && !is_header(at));
	return at;
}

static void path_of(char path[64], pid_t pid, const char *name)
{
	snprintf(path, 64, "/proc/%d/%s", pid, name);
}

static void note_areas(struct transcript *to)
{
	char *area, *next;

	for (area = text; *area; area = next) {
		next = next_area(area);
		note(to, area, next - area, "smaps of %.*s", (int)strcspn(area, "\n"), area);
	}
}

void note_smaps(struct transcript *to, pid_t pid, size_t piece)
{
	char path[64];

	path_of(path, pid, "smaps");
	note_number(to, read_text(path, piece), "smaps");
	note_areas(to);
}

void note_smaps_rollup(struct transcript *to, pid_t pid)
{
	char path[64];

	path_of(path, pid, "smaps_rollup");
	note_number(to, read_text(path, sizeof(text)), "smaps_rollup");
	note(to, text, strlen(text), "smaps_rollup");
}

void note_smaps_range(struct transcript *to, pid_t pid, uint64_t start, uint64_t end)
{
	char *area, *next, *lines;
	char path[64];

	path_of(path, pid, "smaps");
	note_number(to, read_text(path, sizeof(text)), "smaps");
	for (area = text; *area; area = next) {
		uint64_t from, until;
		char *dash;

		next = next_area(area);
		from = strtoull(area, &dash, 16);
		until = strtoull(dash + 1, NULL, 16);
		if (until <= start || from >= end)
			continue;
		lines = strchrnul(area, '\n');
		/* Addresses and permissions */
		note(to, lines, next - lines, "smaps of %.*s", 2 * 12 + 1 + 5, area);
	}
}

static const struct {
	const char *name;
	size_t offset;
} fields[] = {
	{ "Size", offsetof(struct smaps_area, size) },
	{ "Rss", offsetof(struct smaps_area, rss) },
	{ "Pss", offsetof(struct smaps_area, pss) },
	{ "Pss_Dirty", offsetof(struct smaps_area, pss_dirty) },
	{ "Shared_Clean", offsetof(struct smaps_area, shared_clean) },
	{ "Shared_Dirty", offsetof(struct smaps_area, shared_dirty) },
	{ "Private_Clean", offsetof(struct smaps_area, private_clean) },
	{ "Private_Dirty", offsetof(struct smaps_area, private_dirty) },
	{ "Referenced", offsetof(struct smaps_area, referenced) },
	{ "Anonymous", offsetof(struct smaps_area, anonymous) },
	{ "Locked", offsetof(struct smaps_area, locked) },
	{ "Swap", offsetof(struct smaps_area, swap) },
	{ "Shared_Hugetlb", offsetof(struct smaps_area, shared_hugetlb) },
};

static void parse_line(const char *line, struct smaps_area *area)
{
	const size_t len = strcspn(line, ":");
	int i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (strlen(fields[i].name) == len && !strncmp(line, fields[i].name, len))
			*(long *)((char *)area + fields[i].offset) = strtol(line + len + 1, NULL,
									    10);
}

static bool parse_area(const char *at, const char *end, struct smaps_area *area)
{
	const struct smaps_area none = {
		.size = -1, .rss = -1, .pss = -1, .shared_clean = -1, .private_dirty = -1,
	};
	char *dash;

	*area = none;
	area->start = strtoull(at, &dash, 16);
	if (*dash != '-')
		return false;
	area->end = strtoull(dash + 1, NULL, 16);
	while (at < end) {
		at = strchrnul(at, '\n');
		at += *at == '\n';
		if (at < end)
			parse_line(at, area);
	}
	return area->rss >= 0 && area->pss >= 0 && area->shared_clean >= 0 &&
	       area->private_dirty >= 0;
}

bool smaps_read(const char *path, bool (*fn)(const struct smaps_area *area, void *arg), void *arg)
{
	struct smaps_area parsed;
	char *area, *next;

	if (read_text(path, sizeof(text)) || !*text)
		return false;
	for (area = text; *area; area = next) {
		next = next_area(area);
		if (!parse_area(area, next, &parsed))
			return false;
		if (!fn(&parsed, arg))
			break;
	}
	return true;
}
