// SPDX-License-Identifier: GPL-2.0
/*
 * VMAs that come and go: small ones beside others in a table, and all that a table has.
 */
#include <sys/mman.h>

#include "storm.h"

#define TABLES	2

static char *tables;

static const char *munmap_start(struct part *part)
{
	tables = arena(TABLES * TABLE_SPAN);
	return tables ? NULL : wrong("munmap: mmap: %m");
}

static const char *small(struct part *part)
{
	struct piece piece = own_piece(part, PATCHY);
	struct pen *pen = pen_of(part, &piece);
	const char *_wrong;

	stamp(pen, &piece);
	_wrong = check(pen, &piece);
	if (!_wrong && one_in(&part->random, 2))
		_wrong = give_back(part, &piece);
	if (_wrong)
		return _wrong;
	if (munmap(piece_addr(&piece), piece_size(&piece)))
		return wrong("munmap: %m");
	if (one_in(&part->random, 2))
		sched_yield();
	if (!map_anon(piece_addr(&piece), piece_size(&piece)))
		return wrong("munmap: mmap: %m");
	forget(pen, &piece);
	return check(pen, &piece);
}

/* A table with nothing else in it goes with its last VMA, empty or not. */
static const char *whole(struct part *part)
{
	char *block = tables + pick(&part->random, TABLES) * TABLE_SPAN;
	size_t size = (1 + pick(&part->random, 8)) * PAGE;
	char *start = block + pick(&part->random, 256) * PAGE;
	const char *_wrong;

	if (!map_anon(start, size))
		return wrong("munmap: mmap: %m");
	mark_pages(start, size, part->turns + 1);
	_wrong = check_marks(start, size, part->turns + 1);
	if (_wrong)
		return _wrong;
	if (one_in(&part->random, 2) && madvise(start, size, MADV_DONTNEED))
		return wrong("munmap: madvise: %m");
	if (munmap(start, size))
		return wrong("munmap: %m");
	/* A place for the arena's next one, so that nobody else takes it */
	if (mmap(start, size, PROT_NONE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		 -1, 0) != start)
		return wrong("munmap: mmap: %m");
	return NULL;
}

static const char *munmap_turn(struct part *part)
{
	return one_in(&part->random, 2) ? small(part) : whole(part);
}

const struct actor munmap_actor = { .name = "munmap", .start = munmap_start, .turn = munmap_turn };
