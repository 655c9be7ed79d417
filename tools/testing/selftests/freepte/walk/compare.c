// SPDX-License-Identifier: GPL-2.0
/*
 * The same read with the readers in C and with those in Rust.
 */
#include <stdio.h>
#include <string.h>

#include "tables.h"
#include "walk/compare.h"
#include "walk/readers.h"

/* Others use the machine, too: how often to try, and how often they must differ. */
#define TRIES		10
#define DIFFERENCES	3

enum { BEFORE, RUST, AFTER, COUNT };

static struct transcript *read_to[COUNT];

bool compare_prepare(void)
{
	int i;

	for (i = 0; i < COUNT; i++) {
		if (!read_to[i])
			read_to[i] = transcript_make();
		if (!read_to[i])
			return false;
	}
	return true;
}

static const char *read_by(const char *which, struct transcript *to, read_fn read, void *arg)
{
	int err = readers_use(which);

	if (err)
		return strerror(-err);
	transcript_clear(to);
	read(to, arg);
	return NULL;
}

struct verdict compare_readers(read_fn read, void *arg)
{
	static char difference[1024], by_itself[1024];
	int tries, differences = 0;
	const char *how;

	if (!compare_prepare())
		return (struct verdict){ .different = "no memory to read to" };
	for (tries = 0; tries < TRIES && differences < DIFFERENCES; tries++) {
		how = read_by("c", read_to[BEFORE], read, arg);
		if (!how)
			how = read_by("rust", read_to[RUST], read, arg);
		if (how)
			return (struct verdict){ .different = how };
		how = transcripts_differ(read_to[BEFORE], read_to[RUST]);
		if (!how)
			return (struct verdict){};
		snprintf(difference, sizeof(difference), "%s", how);

		/* Is it the readers who differ, or what they read? */
		how = read_by("c", read_to[AFTER], read, arg);
		if (how)
			return (struct verdict){ .different = how };
		how = transcripts_differ(read_to[BEFORE], read_to[AFTER]);
		if (!how) {
			differences++;
			continue;
		}
		snprintf(by_itself, sizeof(by_itself), "%s", how);
		sleep_ms(50);
	}
	if (differences)
		return (struct verdict){ .different = difference };
	return (struct verdict){ .unsteady = by_itself };
}
