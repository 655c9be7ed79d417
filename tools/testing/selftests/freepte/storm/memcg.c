// SPDX-License-Identifier: GPL-2.0
/*
 * Reclaim of all that a crew has, from its control group.
 */
#include <unistd.h>

#include "cgroup.h"

#include "storm.h"

static struct cgroup cgroup;

static const char *memcg_lacks(void)
{
	struct cgroup try;
	const char *reason = cgroup_enter(&try);

	if (!reason)
		cgroup_leave(&try);
	return reason;
}

static const char *memcg_start(struct part *part)
{
	const char *reason = cgroup_enter(&cgroup);

	return reason ? wrong("memcg: %s", reason) : NULL;
}

static const char *memcg_turn(struct part *part)
{
	struct piece piece = own_piece(part, PLAIN);
	struct pen *pen = pen_of(part, &piece);
	const char *_wrong;

	stamp(pen, &piece);
	cgroup_reclaim(&cgroup, 64L << pick(&part->random, 5));
	_wrong = check(pen, &piece);
	if (_wrong)
		return _wrong;
	nap(pick(&part->random, 100));
	return give_back(part, &piece);
}

static void memcg_end(struct part *part)
{
	cgroup_leave(&cgroup);
}

const struct actor memcg_actor = {
	.name = "memcg",
	.lacks = memcg_lacks,
	.start = memcg_start,
	.turn = memcg_turn,
	.end = memcg_end,
};
