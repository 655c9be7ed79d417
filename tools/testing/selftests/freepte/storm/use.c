// SPDX-License-Identifier: GPL-2.0
/*
 * What most programs do with memory: write, read again later, give back.
 */
#include <sys/mman.h>

#include "storm.h"

static const char *write_and_look(struct part *part, void *arg)
{
	const struct piece *piece = arg;
	struct pen *pen = pen_of(part, piece);
	const char *_wrong = check(pen, piece);
	unsigned int page, first;

	if (_wrong)
		return _wrong;
	stamp(pen, piece);
	/* What others wrote there */
	for (page = piece->page; !_wrong && page < piece->page + piece->count; page++) {
		first = pick(&part->random, WORDS - 8);
		_wrong = check_words(piece->region, page,
				     (__u64 *)page_at(piece->region, page) + first, first, 8,
				     part->crew);
	}
	return _wrong ? _wrong : check(pen, piece);
}

static const char *use_private(struct part *part)
{
	struct piece piece = own_piece(part, one_in(&part->random, 2) ? PLAIN : PATCHY);
	const char *_wrong = write_and_look(part, &piece);

	if (_wrong || one_in(&part->random, 3))
		return _wrong;
	return give_back(part, &piece);
}

static const char *use_shared(struct part *part)
{
	struct piece piece = any_piece(part, one_in(&part->random, 3) ? CUT : any_kept(part), 16);
	struct piece block = any_block(part, piece.region->id);
	const char *_wrong = touch(write_and_look, part, &piece);

	if (_wrong || one_in(&part->random, 3))
		return _wrong;
	return advise(one_in(&part->random, 3) ? &block : &piece, MADV_DONTNEED, 0);
}

static const char *use_turn(struct part *part)
{
	return one_in(&part->random, 2) ? use_private(part) : use_shared(part);
}

const struct actor use_actor = { .name = "use", .turn = use_turn };
