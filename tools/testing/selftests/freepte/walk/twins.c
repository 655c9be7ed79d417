// SPDX-License-Identifier: GPL-2.0
/*
 * Two processes with the same shape at the same address: what changes it is done to one of them by
 * the readers in C, and to the other by those in Rust.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "walk/pagemap.h"
#include "walk/readers.h"
#include "walk/smaps.h"
#include "walk/twins.h"

#define TRIES		3
/* Steps between looks at all of the state */
#define BETWEEN		4
#define TOUCHES		64

/* Who reads what is seen of both, so that a difference is one of the state */
static const char *const by[] = { "c", "rust" };

static void note_state(struct twin *twin)
{
	const struct pagemap_how how = { .piece = 32 * ENTRIES, .mask = ~PAGEMAP_FRAME };
	static struct window windows[WINDOWS];
	unsigned int i, count = site_windows(twin->peer.pid, windows);

	for (i = 0; i < count; i++)
		note_pagemap(twin->notes, twin->pagemap, windows[i].start, windows[i].end, how);
	note_smaps_range(twin->notes, twin->peer.pid, site_start(), site_end());
}

static const char *compare_states(struct twin twins[2])
{
	int i;

	if (readers_use("c"))
		return "the readers cannot be switched";
	for (i = 0; i < 2; i++) {
		transcript_clear(twins[i].notes);
		note_state(&twins[i]);
	}
	return transcripts_differ(twins[0].notes, twins[1].notes);
}

/* What the step itself says; *more: whether there was one */
static const char *take_step(struct twin twins[2], step_fn step, struct random *random,
			     unsigned int number, bool *more)
{
	struct random again = *random;
	int i;

	for (i = 0; i < 2; i++) {
		transcript_clear(twins[i].notes);
		if (readers_use(by[i]))
			return "the readers cannot be switched";
		*random = again;
		*more = step(&twins[i], random, number);
	}
	return *more ? transcripts_differ(twins[0].notes, twins[1].notes) : NULL;
}

static const char *take_steps(struct twin twins[2], step_fn step)
{
	static char text[1200];
	struct random random;
	const char *how;
	unsigned int number;
	bool more = true;

	random_seed(&random, site.shape->size, 1);
	for (number = 0; more; number++) {
		how = take_step(twins, step, &random, number, &more);
		if (!how && (!more || number % BETWEEN == BETWEEN - 1))
			how = compare_states(twins);
		if (how) {
			snprintf(text, sizeof(text), "step %u: %s", number, how);
			return text;
		}
	}
	return NULL;
}

static const char *make_twin(struct twin *twin, const char *(*prepare)(struct twin *twin))
{
	const char *reason = readers_use("c") ? "the readers cannot be switched" : NULL;

	if (!reason)
		reason = site_people(&twin->peer);
	if (reason)
		return reason;
	twin->pagemap = pagemap_open(twin->peer.pid, true);
	if (twin->pagemap < 0)
		return "no pagemap";
	return prepare ? prepare(twin) : NULL;
}

static void end_twins(struct twin twins[2])
{
	int i;

	for (i = 0; i < 2; i++) {
		peer_stop(&twins[i].peer);
		if (twins[i].pagemap >= 0)
			close(twins[i].pagemap);
		transcript_drop(twins[i].notes);
	}
}

static struct verdict compare_once(const char *(*prepare)(struct twin *twin), step_fn step)
{
	struct twin twins[2] = { { .pagemap = -1 }, { .pagemap = -1 } };
	static char unlike[1200];
	struct verdict verdict = {};
	int i;

	/* Both before the first fork: what is where is the same in both. */
	for (i = 0; i < 2; i++) {
		twins[i].notes = transcript_make();
		if (!twins[i].notes)
			verdict.unsteady = "no memory to read to";
	}
	for (i = 0; i < 2 && !verdict.unsteady; i++)
		verdict.unsteady = make_twin(&twins[i], prepare);
	if (!verdict.unsteady) {
		const char *how = compare_states(twins);

		if (how) {
			snprintf(unlike, sizeof(unlike), "the twins are not the same: %s", how);
			verdict.unsteady = unlike;
		}
	}
	if (!verdict.unsteady)
		verdict.different = take_steps(twins, step);
	end_twins(twins);
	return verdict;
}

struct verdict compare_twins(const char *(*prepare)(struct twin *twin), step_fn step)
{
	struct verdict verdict = {};
	static char difference[1200];
	int tries, differences = 0;

	if (site.shape->whole)
		return (struct verdict){ .unsteady = "twins are the same at their site only" };
	for (tries = 0; tries < TRIES; tries++) {
		verdict = compare_once(prepare, step);
		if (!verdict.different && !verdict.unsteady)
			return verdict;
		if (verdict.different) {
			snprintf(difference, sizeof(difference), "%s", verdict.different);
			differences++;
		}
	}
	if (differences)
		return (struct verdict){ .different = difference };
	return verdict;
}

struct touch {
	int zero;	/* What is read from there is written to memory. */
	int sink;	/* What is written there is read from memory. */
};

/* As a system call, which says that there is nothing where a program would die */
static void touch_page(const struct touch *with, char *page, bool writes)
{
	ssize_t done = writes ? read(with->zero, page, 1) : pwrite(with->sink, page, 1, 0);

	(void)done;
}

static long touch_pages(void *arg)
{
	static struct window windows[WINDOWS];
	const unsigned int count = site_windows(getpid(), windows);
	struct touch with = {
		.zero = open("/dev/zero", O_RDONLY | O_CLOEXEC),
		.sink = shmem_file(PAGE),
	};
	struct random random;
	int i;

	random_seed(&random, (uintptr_t)arg, 2);
	for (i = 0; i < TOUCHES; i++) {
		const struct window *window = &windows[pick(&random, count)];
		const uint64_t page = pick(&random, (window->end - window->start) / PAGE);

		touch_page(&with, (char *)window->start + page * PAGE, one_in(&random, 2));
	}
	close(with.zero);
	close(with.sink);
	return 0;
}

void twin_touch(struct twin *twin, struct random *random)
{
	const uintptr_t seed = pick(random, 1000);

	/* Who has a userfaultfd may wait for an answer to it. */
	if (!site.shape->has_uffd)
		note_number(twin->notes, peer_call(&twin->peer, touch_pages, (void *)seed),
			    "touched");
}
