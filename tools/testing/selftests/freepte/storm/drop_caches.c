// SPDX-License-Identifier: GPL-2.0
/*
 * The page cache goes, as far as it is not mapped, after it was written to disk.
 */
#include <unistd.h>

#include "files.h"

#include "storm.h"

static const char *drop_turn(struct part *part)
{
	int err;

	nap(1000 + pick(&part->random, 2000));
	if (one_in(&part->random, 2))
		sync();
	err = drop_page_cache();
	return err ? wrong("drop_caches: %s", strerror(-err)) : NULL;
}

const struct actor drop_caches_actor = { .name = "drop_caches", .world = true, .turn = drop_turn };
