// SPDX-License-Identifier: GPL-2.0
/*
 * A table that is emptied for the reclaimer to free.
 *
 * Its only page moves to another table, and its area stays. Nothing but the reclaimer frees the table
 * that it leaves, and that has one worker for an address space: when the sentinel is gone, it has begun with all that it
 * was told of earlier; when the next one is, it is done with that.
 */
#include <stdio.h>
#include <sys/mman.h>

#include "deadline.h"
#include "knobs.h"
#include "sentinel.h"
#include "tables.h"
#include "uapi.h"

#define ROUNDS	2

static char *page, *other;

bool sentinel_place(void)
{
	if (page)
		return true;
	page = arena(2 * TABLE_SPAN);
	if (!page || !map_anon(page, PAGE))
		return false;
	*page = 1;
	other = page + TABLE_SPAN;
	return true;
}

static bool move(void)
{
	char *from = page;

	page = other;
	other = from;
	return mremap(from, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
		      page) == page;
}

/* Whether the one that was left is free; of other processes' tables the counter knows, too. */
static bool is_gone(long held, long freed)
{
	return tables_held(0) <= held && vm_counter("pte_table_free_deferred") > freed;
}

const char *sentinel_wait(void)
{
	static char text[128];
	int round;

	for (round = 0; have_free_user_pte() && round < ROUNDS; round++) {
		const long held = tables_held(0), freed = vm_counter("pte_table_free_deferred");
		struct deadline deadline;

		if (!move())
			return "a page cannot be moved";
		deadline_set(&deadline, WAIT_MS + reclaimer_delay());
		while (!is_gone(held, freed)) {
			if (deadline_wait(&deadline))
				continue;
			snprintf(text, sizeof(text), "the reclaimer did not come in %ld ms",
				 deadline_waited(&deadline));
			return text;
		}
	}
	return NULL;
}
