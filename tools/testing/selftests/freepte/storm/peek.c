// SPDX-License-Identifier: GPL-2.0
/*
 * Looking at the memory of other processes, and at one's own by ways that take no lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "storm.h"

static int pipes[2];

static const char *peek_start(struct part *part)
{
	return pipe2(pipes, O_CLOEXEC) ? wrong("peek: pipe: %m") : NULL;
}

static const char *check_copy(struct part *part, const struct piece *piece, const __u64 *copy,
			      unsigned int crew)
{
	const char *_wrong = NULL;
	unsigned int i;

	for (i = 0; !_wrong && i < piece->count; i++)
		_wrong = check_words(piece->region, piece->page + i, copy + i * WORDS, 0, WORDS,
				     crew);
	return _wrong;
}

static const char *peek_at_crew(struct part *part)
{
	static const unsigned int where[] = { PLAIN, PLAIN, KEPT, CUT };
	static __u64 copy[4 * WORDS];
	unsigned int crew = pick(&part->random, board->nr_crews);
	struct piece piece = any_piece(part, where[pick(&part->random, ARRAY_SIZE(where))], 4);
	char *addr = board->crews[crew].regions[piece.region->id];
	struct iovec local = { .iov_base = copy, .iov_len = piece_size(&piece) };
	struct iovec remote = { .iov_base = addr + piece.page * PAGE,
				.iov_len = piece_size(&piece) };
	ssize_t got;

	/* It may not be there yet, or no longer. */
	if (!addr)
		return NULL;
	got = process_vm_readv(board->crews[crew].pid, &local, 1, &remote, 1, 0);
	if (got < 0)
		/* EFAULT: cut off; ESRCH: it has ended */
		return errno == EFAULT || errno == ESRCH ? NULL : wrong("process_vm_readv: %m");
	piece.count = got / PAGE;
	hit(part);
	return check_copy(part, &piece, copy, crew);
}

/* To a pipe, by gup_fast */
static const char *splice_own(struct part *part)
{
	static __u64 copy[WORDS];
	struct piece piece = own_piece(part, PLAIN);
	struct pen *pen = pen_of(part, &piece);
	const char *_wrong;
	struct iovec iov;

	piece.count = 1;
	iov = (struct iovec){ .iov_base = piece_addr(&piece), .iov_len = PAGE };
	_wrong = check(pen, &piece);
	if (_wrong)
		return _wrong;
	stamp(pen, &piece);
	if (vmsplice(pipes[1], &iov, 1, 0) != PAGE)
		return wrong("peek: vmsplice: %m");
	if (one_in(&part->random, 2)) {
		_wrong = give_back(part, &piece);
		if (_wrong)
			return _wrong;
	}
	if (read(pipes[0], copy, PAGE) != PAGE)
		return wrong("peek: read: %m");
	if (!copy[pen->writer] || copy[pen->writer] != copy[WORDS - 1 - pen->writer])
		return wrong("peek: a page is lost in a pipe");
	return check_copy(part, &piece, copy, part->crew);
}

static const char *peek_turn(struct part *part)
{
	return one_in(&part->random, 2) ? splice_own(part) : peek_at_crew(part);
}

static void peek_end(struct part *part)
{
	close(pipes[0]);
	close(pipes[1]);
}

const struct actor peek_actor = {
	.name = "peek",
	.hits = "at another process",
	.start = peek_start,
	.turn = peek_turn,
	.end = peek_end,
};
