// SPDX-License-Identifier: GPL-2.0
/*
 * The knobs of free_user_pte, at random.
 */
#include <errno.h>

#include "knobs.h"

#include "storm.h"

static const char *knobs_lack(void)
{
	return have_free_user_pte() ? NULL : "this kernel does not free user tables";
}

static const char *knob_turn(struct part *part)
{
	static const struct {
		const char *name;
		unsigned int limit;
		bool debug;
	} knobs[] = {
		{ "enabled", 2 }, { "delay_ms", 30 }, { "force_free", 2, true },
		{ "fail_trylock", 2, true }, { "delay_us", 200, true },
	};
	unsigned int i = pick(&part->random, ARRAY_SIZE(knobs));
	long value = pick(&part->random, knobs[i].limit);
	int err;

	if (knobs[i].debug && !have_debug_knobs())
		return NULL;
	err = knob_write(knobs[i].name, value);
	if (err)
		return wrong("knobs: %s to %ld: %s", knobs[i].name, value, strerror(-err));
	nap(pick(&part->random, 500));
	/* Most of the time there is to be something that can go wrong. */
	if (!i && !value && knob_write("enabled", 1))
		return wrong("knobs: enabled cannot be set");
	return NULL;
}

const struct actor knobs_actor = {
	.name = "knobs",
	.world = true,
	.lacks = knobs_lack,
	.turn = knob_turn,
};
