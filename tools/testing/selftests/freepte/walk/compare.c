// SPDX-License-Identifier: GPL-2.0
/*
 * The same read with all readers.
 */
#include <stdio.h>
#include <string.h>

#include "tables.h"
#include "walk/compare.h"
#include "walk/readers.h"

/* Others use the machine, too: how often to read what does not stand still. */
#define TRIES	10

/* What each of them read, and what C read once more */
#define AGAIN	READERS_COUNT

static struct transcript *read_to[READERS_COUNT + 1];

bool compare_prepare(void)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(read_to); i++) {
		if (!read_to[i])
			read_to[i] = transcript_make();
		if (!read_to[i])
			return false;
	}
	return true;
}

static const char *read_by(int which, struct transcript *to, read_fn read, void *arg)
{
	int err = readers_use(which);

	if (err)
		return strerror(-err);
	transcript_clear(to);
	read(to, arg);
	return NULL;
}

/* Both are NULL if this one read what C did. */
static struct verdict compare_with_c(int which, read_fn read, void *arg)
{
	static char difference[1200], by_itself[1200];
	const char *how = read_by(which, read_to[which], read, arg);

	if (how)
		return (struct verdict){ .different = how };
	how = transcripts_differ(read_to[BY_C], read_to[which]);
	if (!how)
		return (struct verdict){};
	snprintf(difference, sizeof(difference), "%s: %s", readers_names[which], how);

	/* Is it the readers who differ, or what they read? */
	how = read_by(BY_C, read_to[AGAIN], read, arg);
	if (how)
		return (struct verdict){ .different = how };
	how = transcripts_differ(read_to[BY_C], read_to[AGAIN]);
	if (!how)
		return (struct verdict){ .different = difference };
	snprintf(by_itself, sizeof(by_itself), "%s", how);
	return (struct verdict){ .unsteady = by_itself };
}

static struct verdict compare_once(read_fn read, void *arg)
{
	const char *how = read_by(BY_C, read_to[BY_C], read, arg);
	struct verdict verdict = { .different = how };
	int which;

	for (which = BY_C + 1; which < READERS_COUNT; which++) {
		if (verdict.different || verdict.unsteady)
			break;
		verdict = compare_with_c(which, read, arg);
	}
	return verdict;
}

struct verdict compare_readers(read_fn read, void *arg)
{
	struct verdict verdict = { .different = "no memory to read to" };
	int tries;

	if (!compare_prepare())
		return verdict;
	for (tries = 0; tries < TRIES; tries++) {
		verdict = compare_once(read, arg);
		if (!verdict.unsteady)
			break;
		sleep_ms(50);
	}
	return verdict;
}
