// SPDX-License-Identifier: GPL-2.0
/*
 * Out to zram, and back: by page, by large folio, and all at once when swapping ends.
 */
#include <errno.h>
#include <sys/mman.h>

#include "storm.h"
#include "uapi.h"

#define SIZE	(256UL << 20)

static const char *swap_lacks(void)
{
	if (board->zram.number >= 0)
		return NULL;
	return zram_swap_on(&board->zram, SIZE);
}

static const char *swap_turn(struct part *part)
{
	struct piece piece = own_piece(part, one_in(&part->random, 2) ? PLAIN : PATCHY);
	struct piece few = some_of(part, &piece);
	struct pen *pen = pen_of(part, &piece);
	const char *_wrong = check(pen, &piece);

	if (_wrong)
		return _wrong;
	stamp(pen, &piece);
	_wrong = advise(&piece, MADV_PAGEOUT, 0);
	if (!_wrong && swapped_in(0, piece_addr(&piece), piece_size(&piece)) > 0)
		hit(part);
	if (!_wrong && one_in(&part->random, 3))
		_wrong = advise(&few, MADV_WILLNEED, 0);
	if (!_wrong && one_in(&part->random, 3))
		_wrong = check(pen, &few);
	if (!_wrong && one_in(&part->random, 3))
		_wrong = give_back(part, &few);
	if (_wrong || one_in(&part->random, 2))
		return _wrong;
	_wrong = check(pen, &piece);
	return _wrong ? _wrong : give_back(part, &piece);
}

static const char *swapoff_turn(struct part *part)
{
	const char *reason;
	int err;

	nap(1000 + pick(&part->random, 3000));
	err = zram_swap_off(&board->zram);
	/* EINTR, ENOMEM: not now */
	if (err)
		return err == -EINTR || err == -ENOMEM ? NULL :
		       wrong("swapoff: %s", strerror(-err));
	zram_remove(&board->zram);
	nap(pick(&part->random, 100));
	reason = zram_swap_on(&board->zram, SIZE);
	return reason ? wrong("swapoff: %s", reason) : NULL;
}

const struct actor swap_actor = {
	.name = "swap",
	.hits = "swapped out",
	.lacks = swap_lacks,
	.turn = swap_turn,
};

const struct actor swapoff_actor = {
	.name = "swapoff",
	.world = true,
	.lacks = swap_lacks,
	.turn = swapoff_turn,
};
