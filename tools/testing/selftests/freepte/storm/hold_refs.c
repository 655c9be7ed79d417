// SPDX-License-Identifier: GPL-2.0
/*
 * References to tables, held while their memory is emptied, moved, collapsed and unmapped.
 */
#include <errno.h>

#include "hold.h"

#include "storm.h"

static const char *hold_turn(struct part *part)
{
	unsigned int crew = pick(&part->random, board->nr_crews);
	struct piece block = any_block(part, pick(&part->random, REGIONS));
	char *addr = board->crews[crew].regions[block.region->id];
	int err;

	if (!addr || region_lacks(block.region->id))
		return NULL;
	err = hold_table(board->crews[crew].pid, addr + block.page * PAGE,
			 pick(&part->random, 200));
	/* There may be no table; the process may have ended; there may be enough of them. */
	if (!err)
		hit(part);
	else if (err != -ENOENT && err != -ESRCH && err != -EAGAIN && err != -EBUSY)
		return wrong("hold: %s", strerror(-err));
	nap(pick(&part->random, 20));
	return NULL;
}

const struct actor hold_actor = {
	.name = "hold",
	.hits = "held",
	.lacks = hold_lacks,
	.turn = hold_turn,
};
