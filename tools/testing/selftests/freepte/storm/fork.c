// SPDX-License-Identifier: GPL-2.0
/*
 * Children that have a copy of all private memory, look at it, change it, and end.
 */
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "storm.h"

/* All that the crew wrote, as it was at the time of the fork */
static const char *look_around(struct part *part)
{
	unsigned int i;

	for (i = 0; i < 16; i++) {
		struct piece piece = any_piece(part, PLAIN, 1);
		const char *_wrong = check_words(piece.region, piece.page, piece_addr(&piece), 0,
						 WORDS, part->crew);

		if (_wrong)
			return _wrong;
	}
	return NULL;
}

static const char *live(struct part *part, struct piece *piece)
{
	struct pen *pen = pen_of(part, piece);
	const char *_wrong = check(pen, piece);

	if (!_wrong)
		_wrong = look_around(part);
	if (_wrong)
		return _wrong;
	stamp(pen, piece);
	if (one_in(&part->random, 2))
		sleep_ms(pick(&part->random, 20));
	_wrong = check(pen, piece);
	if (!_wrong && one_in(&part->random, 2)) {
		struct piece block = any_block(part, PLAIN);

		_wrong = advise(&block, MADV_DONTNEED, 0);
	}
	return _wrong;
}

static const char *fork_turn(struct part *part)
{
	struct piece piece = own_piece(part, one_in(&part->random, 2) ? PLAIN : PATCHY);
	struct pen *pen = pen_of(part, &piece);
	const char *_wrong;
	int status;
	pid_t pid;

	stamp(pen, &piece);
	pid = fork();
	if (pid < 0)
		return wrong("fork: %m");
	if (!pid)
		_exit(!!live(part, &piece));
	_wrong = check(pen, &piece);
	if (!_wrong && one_in(&part->random, 2))
		stamp(pen, &piece);
	if (waitpid(pid, &status, 0) != pid || status)
		return wrong("fork: a child ends with %#x", status);
	if (!_wrong)
		_wrong = check(pen, &piece);
	return _wrong || one_in(&part->random, 2) ? _wrong : give_back(part, &piece);
}

const struct actor fork_actor = { .name = "fork", .turn = fork_turn };
