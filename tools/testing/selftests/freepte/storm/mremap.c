// SPDX-License-Identifier: GPL-2.0
/*
 * Memory that moves: entries from table to table, and whole tables.
 */
#include <errno.h>
#include <sys/mman.h>

#include "storm.h"

#define TABLES	4

/* For whole tables: private memory, then a second view of a shared region */
static char *tables, *view;

static const char *mremap_start(struct part *part)
{
	tables = arena(2 * TABLES * TABLE_SPAN);
	view = arena(2 * TABLES * TABLE_SPAN);
	if (!tables || !view || !map_anon(tables, TABLES * TABLE_SPAN) ||
	    !map_file(view, TABLES * TABLE_SPAN, regions[KEPT].fd, MAP_SHARED))
		return wrong("mremap: mmap: %m");
	return NULL;
}

static bool move(char *from, char *to, size_t size)
{
	return mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == to;
}

/* Private memory again where something was moved away */
static const char *mend(struct part *part, const struct piece *piece)
{
	if (!map_anon(piece_addr(piece), piece_size(piece)))
		return wrong("mremap: mmap: %m");
	forget(pen_of(part, piece), piece);
	return NULL;
}

static const char *move_entries(struct part *part)
{
	struct piece from = own_piece(part, PATCHY), to = own_chunk(part, PATCHY);
	struct pen *pen = pen_of(part, &from);
	const char *_wrong;

	/* To the same place in another table, or to another place there; not over itself */
	to.page += pick(&part->random, CHUNK - from.count + 1);
	to.count = from.count;
	if (to.page < from.page + from.count && from.page < to.page + to.count)
		return NULL;
	if (one_in(&part->random, 2))
		stamp(pen, &from);
	if (one_in(&part->random, 4)) {
		/* The old mapping stays, and is empty. */
		if (mremap(piece_addr(&from), piece_size(&from), piece_size(&from),
			   MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP, piece_addr(&to)) !=
		    piece_addr(&to))
			return wrong("mremap: DONTUNMAP: %m");
		_wrong = check_moved(pen, &from, &to);
		forget(pen, &from);
		return _wrong ? _wrong : check(pen, &from);
	}
	if (!move(piece_addr(&from), piece_addr(&to), piece_size(&from)))
		return wrong("mremap: %m");
	_wrong = check_moved(pen, &from, &to);
	return _wrong ? _wrong : mend(part, &from);
}

/* Some pages of each table, some tables empty, and all of it to the other half of the arena */
static const char *move_tables(struct part *part)
{
	static char *here;
	size_t size = TABLES * TABLE_SPAN, at;
	const char *_wrong = NULL;
	char *there;

	if (!here)
		here = tables;
	there = here == tables ? tables + size : tables;
	for (at = 0; at < size; at += TABLE_SPAN)
		mark_pages(here + at, 4 * PAGE, part->turns + 1);
	at = pick(&part->random, TABLES) * TABLE_SPAN;
	if (madvise(here + at, 4 * PAGE, MADV_DONTNEED))
		return wrong("mremap: madvise: %m");
	if (!move(here, there, size))
		return wrong("mremap: tables: %m");
	here = there;
	if (!page_zero(here + at))
		return wrong("mremap: what was given back is back");
	for (at = 0; !_wrong && at < size; at += TABLE_SPAN)
		if (!page_zero(here + at))
			_wrong = check_marks(here + at, 4 * PAGE, part->turns + 1);
	if (!_wrong && madvise(here, size, MADV_DONTNEED))
		_wrong = wrong("mremap: madvise: %m");
	return _wrong;
}

static const char *move_view(struct part *part)
{
	static char *here;
	size_t size = TABLES * TABLE_SPAN;
	const char *_wrong = NULL;
	unsigned int i;
	char *there;

	if (!here)
		here = view;
	there = here == view ? view + size : view;
	for (i = 0; !_wrong && i < 8; i++) {
		unsigned int page = pick(&part->random, size / PAGE);

		_wrong = check_words(&regions[KEPT], page, here + page * PAGE, 0, WORDS, -1);
	}
	if (_wrong)
		return _wrong;
	if (one_in(&part->random, 4) && madvise(here, size, MADV_DONTNEED))
		return wrong("mremap: madvise: %m");
	if (!move(here, there, size))
		return wrong("mremap: view: %m");
	here = there;
	return NULL;
}

static const char *mremap_turn(struct part *part)
{
	switch (pick(&part->random, 4)) {
	case 0:
		return move_tables(part);
	case 1:
		return move_view(part);
	default:
		return move_entries(part);
	}
}

const struct actor mremap_actor = { .name = "mremap", .start = mremap_start, .turn = mremap_turn };
