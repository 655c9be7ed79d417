// SPDX-License-Identifier: GPL-2.0
/*
 * Shapes of private anonymous memory, in small pages.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kselftest.h"

#include "deadline.h"
#include "files.h"
#include "ksm.h"
#include "tables.h"
#include "uapi.h"
#include "walk/make.h"
#include "walk/shapes.h"

static const char no_memory[] = "mmap failed";

static const char *make_untouched(char *at)
{
	return map_small_pages(at, shape_untouched.size) ? NULL : no_memory;
}

/* Areas without a table, and no area */
const struct shape shape_untouched = {
	.size = 3 * TABLE_SPAN,
	.make = make_untouched,
};

static const char *make_dense(char *at)
{
	if (!map_small_pages(at, shape_dense.size))
		return no_memory;
	write_pages(at, shape_dense.size, PAGE);
	return NULL;
}

const struct shape shape_dense = {
	.size = 2 * TABLE_SPAN,
	.make = make_dense,
};

/* Holes in a PTE table, in a PMD table, and in a PUD table, in one area */
static const char *make_sparse(char *at)
{
	if (!map_small_pages(at, shape_sparse.size))
		return no_memory;
	write_pages(at, TABLE_SPAN, 5 * PAGE);
	at[5 * TABLE_SPAN - PAGE] = 1;
	at[PMD_TABLE_SPAN - TABLE_SPAN] = 2;
	at[PMD_TABLE_SPAN - PAGE] = 3;
	/* Nothing of the second GiB */
	at[2 * PMD_TABLE_SPAN] = 4;
	at[shape_sparse.size - PAGE] = 5;
	return NULL;
}

const struct shape shape_sparse = {
	.size = 2 * PMD_TABLE_SPAN + 3 * TABLE_SPAN,
	.make = make_sparse,
};

/* Holes in the PGD as well: where multiples of the stride are left out */
static const char *make_far(char *at)
{
	const size_t stride = shape_far.stride;

	if (!map_small_pages(at, shape_far.size))
		return no_memory;
	at[0] = 1;
	at[stride - PAGE] = 2;
	at[stride] = 3;
	/* Nothing for more than what one entry of a PGD maps */
	at[5 * stride + TABLE_SPAN / 2] = 4;
	at[shape_far.size - PAGE] = 5;
	return NULL;
}

const struct shape shape_far = {
	.size = 6 * PUD_TABLE_SPAN / 2,
	.stride = PUD_TABLE_SPAN / 2,
	.make = make_far,
};

static const char *make_zero_pages(char *at)
{
	if (!map_small_pages(at, shape_zero_pages.size))
		return no_memory;
	read_pages(at, TABLE_SPAN, PAGE);
	read_pages(at + TABLE_SPAN, TABLE_SPAN, 3 * PAGE);
	write_pages(at, shape_zero_pages.size, 7 * PAGE);
	return NULL;
}

const struct shape shape_zero_pages = {
	.size = 2 * TABLE_SPAN,
	.make = make_zero_pages,
};

/* Runs of pages in swap, some of which are in the swap cache, too; and pages that were not */
static const char *make_swapped(char *at)
{
	char *half = at + TABLE_SPAN / 2;

	if (!map_small_pages(at, shape_swapped.size))
		return no_memory;
	write_pages(at, shape_swapped.size, 2 * PAGE);
	if (!swap_out(half, TABLE_SPAN))
		return "not all of it goes to swap";
	madvise(half, 32 * PAGE, MADV_WILLNEED);
	read_pages(half + 64 * PAGE, 64 * PAGE, 4 * PAGE);
	write_pages(half + 128 * PAGE, 64 * PAGE, 8 * PAGE);
	return NULL;
}

const struct shape shape_swapped = {
	.size = 2 * TABLE_SPAN,
	.needs = NEEDS_SWAP,
	.make = make_swapped,
};

static const char *make_lazyfree(char *at)
{
	if (!map_small_pages(at, shape_lazyfree.size))
		return no_memory;
	write_pages(at, shape_lazyfree.size, PAGE);
	if (madvise(at, TABLE_SPAN / 2, MADV_FREE))
		return "no MADV_FREE";
	/* What waits in the CPUs' batches is not free yet; this drains them. */
	drop_page_cache();
	write_pages(at, TABLE_SPAN / 4, 2 * PAGE);
	return NULL;
}

const struct shape shape_lazyfree = {
	.size = TABLE_SPAN,
	.make = make_lazyfree,
};

/* Each protection in turn, with pages and without */
static const char *make_prot_none(char *at)
{
	static const int how[] = { PROT_NONE, PROT_READ, PROT_READ | PROT_WRITE };
	const size_t piece = 11 * PAGE;
	size_t i;

	if (!map_small_pages(at, shape_prot_none.size))
		return no_memory;
	write_pages(at, shape_prot_none.size / 2, PAGE);
	for (i = 0; (i + 1) * piece <= shape_prot_none.size; i += 2)
		if (mprotect(at + i * piece, piece, how[i / 2 % 3]))
			return "mprotect failed";
	return NULL;
}

const struct shape shape_prot_none = {
	.size = TABLE_SPAN,
	.make = make_prot_none,
};

static const char *make_mlocked(char *at)
{
	if (!map_small_pages(at, shape_mlocked.size))
		return no_memory;
	write_pages(at, TABLE_SPAN, 3 * PAGE);
	if (mlock(at + 16 * PAGE, 100 * PAGE) ||
	    mlock2(at + TABLE_SPAN, 100 * PAGE, MLOCK_ONFAULT))
		return "no memory may be locked";
	write_pages(at + TABLE_SPAN, 50 * PAGE, 2 * PAGE);
	return NULL;
}

const struct shape shape_mlocked = {
	.size = 2 * TABLE_SPAN,
	.make = make_mlocked,
};

#define MERGED	64

/* Alike with each other, and with those of no other process */
static void fill_alike(char *at, size_t count)
{
	pid_t word = getpid();
	size_t i;

	for (i = 0; i < count * PAGE; i += sizeof(word))
		memcpy(at + i, &word, sizeof(word));
}

static const char *make_merged(char *at)
{
	struct deadline deadline;

	if (!map_small_pages(at, shape_merged.size))
		return no_memory;
	write_pages(at, shape_merged.size, 3 * PAGE);
	fill_alike(at + 100 * PAGE, MERGED);
	if (madvise(at, shape_merged.size, MADV_MERGEABLE))
		return "no KSM (CONFIG_KSM)";
	if (!ksm_start())
		return "no KSM (CONFIG_KSM)";
	deadline_set(&deadline, RACE_MS);
	while (ksm_merging() < MERGED - 1 && deadline_wait(&deadline))
		;
	ksm_restore();
	ksm_stop();
	return ksm_merging() < MERGED - 1 ? "KSM is too slow" : NULL;
}

const struct shape shape_merged = {
	.size = TABLE_SPAN,
	.make = make_merged,
};

/* Pages that another process has as well, and some that it has no more */
static const char *make_forked(char *at)
{
	int ready[2], life[2];
	char byte;
	pid_t pid;

	if (!map_small_pages(at, shape_forked.size))
		return no_memory;
	write_pages(at, shape_forked.size, 2 * PAGE);
	if (pipe(ready) || pipe(life))
		return "pipe failed";
	pid = fork();
	if (pid < 0)
		return "fork failed";
	if (!pid) {
		close(life[1]);
		madvise(at, 16 * PAGE, MADV_DONTNEED);
		write_pages(at + 32 * PAGE, 16 * PAGE, 4 * PAGE);
		if (write(ready[1], "", 1) != 1)
			_exit(1);
		/* Until who made it ends, of whatever */
		_exit(read(life[0], &byte, 1) != 0);
	}
	close(life[0]);
	if (read(ready[0], &byte, 1) != 1)
		return "the other process is dead";
	close(ready[0]);
	close(ready[1]);
	write_pages(at + 64 * PAGE, 64 * PAGE, 4 * PAGE);
	return NULL;
}

const struct shape shape_forked = {
	.size = TABLE_SPAN,
	.make = make_forked,
};

/* Many areas in one table, some of them without pages, and places without an area */
static const char *make_patchwork(char *at)
{
	const size_t piece = 3 * PAGE;
	size_t i;

	for (i = 0; (i + 1) * piece <= shape_patchwork.size; i++) {
		char *here = at + i * piece;

		switch (i % 7) {
		case 0:
			if (munmap(here, piece))
				return "munmap failed";
			continue;
		case 1:
			/* As it is: PROT_NONE */
			continue;
		case 2:
			if (!map_shared_anon(here, piece))
				return no_memory;
			break;
		case 3:
			if (!map_small_pages(here, piece) || mlock(here, piece))
				return no_memory;
			break;
		default:
			if (!map_small_pages(here, piece))
				return no_memory;
		}
		if (i % 7 != 4)
			write_pages(here + (i % 2) * PAGE, piece - (i % 2) * PAGE, 2 * PAGE);
		if (i % 7 == 5 && mprotect(here, piece, PROT_READ))
			return "mprotect failed";
	}
	return NULL;
}

const struct shape shape_patchwork = {
	.size = TABLE_SPAN + TABLE_SPAN / 2,
	.make = make_patchwork,
};
