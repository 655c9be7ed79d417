// SPDX-License-Identifier: GPL-2.0
/*
 * Tables that become huge pages where all others are at work, and are split by them.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "storm.h"
#include "uapi.h"

static const char *collapse_lacks(void)
{
	return access("/sys/kernel/mm/transparent_hugepage", F_OK) ? "no huge pages" : NULL;
}

static const char *check_few(struct part *part, void *arg)
{
	return check(pen_of(part, arg), arg);
}

static const char *stamp_few(struct part *part, void *arg)
{
	stamp(pen_of(part, arg), arg);
	return NULL;
}

static const char *collapse_turn(struct part *part)
{
	static const unsigned int where[] = { PLAIN, PLAIN, KEPT, CUT };
	struct piece block = any_block(part, where[pick(&part->random, ARRAY_SIZE(where))]);
	struct piece few = block;
	const char *_wrong;

	few.count = CHUNK;
	few.page += part->number * CHUNK;
	few = some_of(part, &few);
	_wrong = touch(stamp_few, part, &few);
	if (_wrong)
		return _wrong;
	/* EINVAL: the file ends before, the table has gone, or it is no place for a huge page */
	if (!madvise(piece_addr(&block), piece_size(&block), MADV_COLLAPSE))
		hit(part);
	else if (errno != EAGAIN && errno != EBUSY && errno != ENOMEM && errno != EINVAL &&
		 errno != EINTR)
		return wrong("collapse: MADV_COLLAPSE of %s: %m", block.region->name);
	_wrong = touch(check_few, part, &few);
	if (_wrong || one_in(&part->random, 2))
		return _wrong;
	if (block.region->fd < 0)
		return give_back(part, &few);
	return advise(&few, MADV_DONTNEED, 0);
}

const struct actor collapse_actor = {
	.name = "collapse",
	.hits = "collapsed",
	.lacks = collapse_lacks,
	.turn = collapse_turn,
};
