// SPDX-License-Identifier: GPL-2.0
/*
 * Pages that change their frame: from node to node, and by compaction.
 */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "files.h"

#include "storm.h"

#define MPOL_MF_MOVE	2
#define COMPACT		"/proc/sys/vm/compact_memory"

static const char *migrate_lacks(void)
{
	if (access("/sys/devices/system/node/node1", F_OK))
		return "one memory node only (numa=fake=2 makes two)";
	return NULL;
}

static const char *migrate_turn(struct part *part)
{
	struct piece piece = one_in(&part->random, 2) ? own_chunk(part, PLAIN) :
			     any_piece(part, any_kept(part), CHUNK);
	struct pen *pen = pen_of(part, &piece);
	int nodes[CHUNK], status[CHUNK];
	void *pages[CHUNK];
	const char *_wrong;
	unsigned int i;

	stamp(pen, &piece);
	for (i = 0; i < piece.count; i++) {
		pages[i] = page_at(piece.region, piece.page + i);
		nodes[i] = pick(&part->random, 2);
		status[i] = -EBUSY;
	}
	if (syscall(__NR_move_pages, 0, (unsigned long)piece.count, pages, nodes, status,
		    MPOL_MF_MOVE) < 0 && errno != ENOMEM && errno != EAGAIN)
		return wrong("move_pages: %m");
	/* Some are busy, some have been swapped out. */
	for (i = 0; i < piece.count; i++)
		if (status[i] == nodes[i]) {
			hit(part);
			break;
		}
	_wrong = check(pen, &piece);
	if (_wrong || piece.region->fd >= 0)
		return _wrong;
	return one_in(&part->random, 2) ? give_back(part, &piece) : NULL;
}

static const char *compact_lacks(void)
{
	return access(COMPACT, W_OK) ? "no compaction" : NULL;
}

static const char *compact_turn(struct part *part)
{
	int err;

	nap(2000 + pick(&part->random, 4000));
	err = file_write(COMPACT, "1");
	return err ? wrong("compact: %s", strerror(-err)) : NULL;
}

const struct actor move_pages_actor = {
	.name = "move_pages",
	.hits = "moved some",
	.lacks = migrate_lacks,
	.turn = migrate_turn,
};

const struct actor compact_actor = {
	.name = "compact",
	.world = true,
	.lacks = compact_lacks,
	.turn = compact_turn,
};
