// SPDX-License-Identifier: GPL-2.0
/*
 * Protections that change: each entry is none for a moment.
 */
#include <sys/mman.h>

#include "storm.h"

static const char *protect_turn(struct part *part)
{
	struct piece piece = own_piece(part, PATCHY);
	struct piece few = some_of(part, &piece);
	struct pen *pen = pen_of(part, &piece);
	const char *_wrong;

	if (one_in(&part->random, 2))
		stamp(pen, &few);
	if (mprotect(piece_addr(&piece), piece_size(&piece), PROT_READ))
		return wrong("protect: to read: %m");
	_wrong = check(pen, &few);
	if (_wrong)
		return _wrong;
	if (one_in(&part->random, 4) &&
	    (mprotect(piece_addr(&piece), piece_size(&piece), PROT_NONE) ||
	     mprotect(piece_addr(&few), piece_size(&few), PROT_READ)))
		return wrong("protect: none: %m");
	_wrong = check(pen, &few);
	if (_wrong)
		return _wrong;
	if (mprotect(piece_addr(&piece), piece_size(&piece), PROT_READ | PROT_WRITE))
		return wrong("protect: to write: %m");
	_wrong = check(pen, &piece);
	return _wrong || one_in(&part->random, 2) ? _wrong : give_back(part, &piece);
}

const struct actor protect_actor = { .name = "protect", .turn = protect_turn };
