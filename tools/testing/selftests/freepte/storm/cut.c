// SPDX-License-Identifier: GPL-2.0
/*
 * A file that is punched and truncated while all crews have it mapped.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "storm.h"

/* What is written after a hole was made is there, until the next one. */
static const char *write_and_check(struct part *part, void *arg)
{
	struct piece *piece = arg;
	struct pen *pen = pen_of(part, piece);
	const char *_wrong = check(pen, piece);

	if (_wrong)
		return _wrong;
	stamp(pen, piece);
	return check(pen, piece);
}

static const char *truncate_turn(struct part *part)
{
	size_t size = regions[CUT].pages * PAGE;
	struct piece piece;

	if (ftruncate(regions[CUT].fd, pick(&part->random, regions[CUT].pages) * PAGE))
		return wrong("truncate: %m");
	if (one_in(&part->random, 2))
		sched_yield();
	if (ftruncate(regions[CUT].fd, size))
		return wrong("truncate: %m");
	/* The other crew may have done the same. */
	piece = any_piece(part, CUT, 32);
	return touch(write_and_check, part, &piece);
}

static const char *punch_turn(struct part *part)
{
	struct piece hole = one_in(&part->random, 4) ? any_block(part, CUT) :
			    any_piece(part, CUT, one_in(&part->random, 2) ? 2 : ENTRIES);
	struct piece piece = any_piece(part, CUT, 32);

	if (one_in(&part->random, 4)) {
		/* EINVAL: the file ends before by now */
		if (madvise(piece_addr(&hole), piece_size(&hole), MADV_REMOVE) && errno != EINVAL)
			return wrong("punch: MADV_REMOVE: %m");
	} else if (fallocate(regions[CUT].fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
			     hole.page * PAGE, piece_size(&hole))) {
		return wrong("punch: %m");
	}
	return touch(write_and_check, part, &piece);
}

const struct actor truncate_actor = { .name = "truncate", .turn = truncate_turn };
const struct actor punch_actor = { .name = "punch", .turn = punch_turn };
