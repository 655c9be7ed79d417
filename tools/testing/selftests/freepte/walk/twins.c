// SPDX-License-Identifier: GPL-2.0
/*
 * Two processes with the same shape at the same address: what changes it is done to one of them by
 * the readers in C, and to the other by those in Rust.
 */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
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

#define PAIR	2

/* One process for C and one for Rust, or both for C */
struct family {
	const int *by;
	struct twin twins[PAIR];
};

static const int by_both[PAIR] = { BY_C, BY_RUST };
static const int by_c_alone[PAIR] = { BY_C, BY_C };

static const char no_switch[] = "the readers cannot be switched";

static void note_state(struct twin *twin)
{
	const struct pagemap_how how = { .piece = 32 * ENTRIES, .mask = ~PAGEMAP_FRAME };
	static struct window windows[WINDOWS];
	unsigned int i, count = site_windows(twin->peer.pid, windows);

	for (i = 0; i < count; i++)
		note_pagemap(twin->notes, twin->pagemap, windows[i].start, windows[i].end, how);
	note_smaps_range(twin->notes, twin->peer.pid, site_start(), site_end());
}

/* NULL, or what the second noted that the first did not */
static const char *notes_differ(const struct family *family)
{
	static char text[1200];
	const char *how = transcripts_differ(family->twins[0].notes, family->twins[1].notes);

	if (!how)
		return NULL;
	snprintf(text, sizeof(text), "%s: %s", readers_names[family->by[1]], how);
	return text;
}

/* All of it is read by C, so that a difference is one of the state. */
static const char *compare_states(struct family *family)
{
	int i;

	if (readers_use(BY_C))
		return no_switch;
	for (i = 0; i < PAIR; i++) {
		transcript_clear(family->twins[i].notes);
		note_state(&family->twins[i]);
	}
	return notes_differ(family);
}

/* What the step itself says; *more: whether there was one */
static const char *take_step(struct family *family, step_fn step, struct random *random,
			     unsigned int number, bool *more)
{
	struct random again = *random;
	int i;

	for (i = 0; i < PAIR; i++) {
		transcript_clear(family->twins[i].notes);
		if (readers_use(family->by[i]))
			return no_switch;
		*random = again;
		*more = step(&family->twins[i], random, number);
	}
	return *more ? notes_differ(family) : NULL;
}

static const char *take_steps(struct family *family, step_fn step)
{
	static char text[1400];
	struct random random;
	const char *how;
	unsigned int number;
	bool more = true;

	random_seed(&random, site.shape->size, 1);
	for (number = 0; more; number++) {
		how = take_step(family, step, &random, number, &more);
		if (!how && (!more || number % BETWEEN == BETWEEN - 1))
			how = compare_states(family);
		if (how) {
			snprintf(text, sizeof(text), "step %u: %s", number, how);
			return text;
		}
	}
	return NULL;
}

static const char *make_twin(struct twin *twin, const char *(*prepare)(struct twin *twin))
{
	const char *reason = readers_use(BY_C) ? no_switch : NULL;

	if (!reason)
		reason = site_people(&twin->peer);
	if (reason)
		return reason;
	twin->pagemap = pagemap_open(twin->peer.pid, true);
	if (twin->pagemap < 0)
		return "no pagemap";
	return prepare ? prepare(twin) : NULL;
}

static void end_twins(struct family *family)
{
	int i;

	for (i = 0; i < PAIR; i++) {
		peer_stop(&family->twins[i].peer);
		if (family->twins[i].pagemap >= 0)
			close(family->twins[i].pagemap);
		transcript_drop(family->twins[i].notes);
	}
}

static struct verdict compare_once(const int *by, const char *(*prepare)(struct twin *twin),
				   step_fn step)
{
	struct family family = { .by = by };
	static char unlike[1400];
	struct verdict verdict = {};
	const char *how = NULL;
	int i;

	/* Both before the first fork: what is where is the same in both. */
	for (i = 0; i < PAIR; i++) {
		family.twins[i].pagemap = -1;
		family.twins[i].notes = transcript_make();
		if (!family.twins[i].notes)
			verdict.lacks = "no memory to read to";
	}
	for (i = 0; i < PAIR && !verdict.lacks; i++)
		verdict.lacks = make_twin(&family.twins[i], prepare);
	if (!verdict.lacks)
		how = compare_states(&family);
	if (how) {
		snprintf(unlike, sizeof(unlike), "the twins are not the same: %s", how);
		verdict.unsteady = unlike;
	} else if (!verdict.lacks) {
		verdict.different = take_steps(&family, step);
	}
	end_twins(&family);
	return verdict;
}

struct verdict compare_twins(const char *(*prepare)(struct twin *twin), step_fn step)
{
	static char difference[1400];
	struct verdict verdict = {};
	int tries;

	if (site.shape->whole)
		return (struct verdict){ .lacks = "twins are the same at their site only" };
	for (tries = 0; tries < TRIES; tries++) {
		verdict = compare_once(by_both, prepare, step);
		if (verdict.unsteady)
			continue;
		if (!verdict.different)
			break;
		snprintf(difference, sizeof(difference), "%s", verdict.different);
		/* Is it the readers who differ, or what they change? */
		verdict = compare_once(by_c_alone, prepare, step);
		if (!verdict.different)
			return (struct verdict){ .different = difference };
		verdict = (struct verdict){ .unsteady = verdict.different };
	}
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

/*
 * clear_refs leaves what the processor still knows: a page that is touched by that, no walk of the
 * tables, is not marked again. Whether it does know it hangs on who ran there meanwhile. More pages
 * than are worth flushing each by itself (tlb_single_page_flush_ceiling) have all of it forgotten.
 */
static bool forget_translations(void)
{
	const size_t size = 256 * PAGE;
	char *many = mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	return many != MAP_FAILED && !mprotect(many, size, PROT_NONE) && !munmap(many, size);
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

	if (!forget_translations())
		return -1;
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

	/* Who touches it might wait for ever. */
	if (!site.shape->has_uffd && !site.shape->is_held)
		note_number(twin->notes, peer_call(&twin->peer, touch_pages, (void *)seed),
			    "touched");
}
