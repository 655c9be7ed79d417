// SPDX-License-Identifier: GPL-2.0
/*
 * All kinds of advice, and what of the data may be gone after it.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "storm.h"
#include "uapi.h"

#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED	24
#endif

/* What each takes of private memory; of shared memory none takes any. */
static const struct {
	int advice;
	bool loses;	/* Then or later */
	bool splits;	/* Changes the VMA */
} kinds[] = {
	{ MADV_DONTNEED, true },
	{ MADV_DONTNEED_LOCKED, true },
	{ MADV_FREE, true },
	{ MADV_PAGEOUT, false },
	{ MADV_COLD, false },
	{ MADV_WILLNEED, false },
	{ MADV_POPULATE_READ, false },
	{ MADV_POPULATE_WRITE, false },
	{ MADV_SEQUENTIAL, false, true },
	{ MADV_RANDOM, false, true },
	{ MADV_NORMAL, false, true },
	{ MADV_DONTFORK, false, true },
	{ MADV_DOFORK, false, true },
	{ MADV_WIPEONFORK, false, true },
	{ MADV_KEEPONFORK, false, true },
	{ MADV_NOHUGEPAGE, false, true },
	{ MADV_HUGEPAGE, false, true },
};

static int pidfd = -1;

static const char *madvise_start(struct part *part)
{
	pidfd = syscall(__NR_pidfd_open, getpid(), 0);
	return pidfd < 0 ? wrong("madvise: pidfd_open: %m") : NULL;
}

/* The same by another call, for what that allows */
static const char *advise_by_pidfd(const struct piece *piece, int advice)
{
	struct iovec iov = { .iov_base = piece_addr(piece), .iov_len = piece_size(piece) };

	if (syscall(__NR_process_madvise, pidfd, &iov, 1, advice, 0) < 0 && errno != EAGAIN &&
	    errno != EINTR)
		return wrong("madvise: process_madvise(%d): %m", advice);
	return NULL;
}

static const char *do_advise(struct part *part, const struct piece *piece, int advice)
{
	if ((advice == MADV_COLD || advice == MADV_PAGEOUT || advice == MADV_WILLNEED) &&
	    one_in(&part->random, 2))
		return advise_by_pidfd(piece, advice);
	/* EINVAL: not for this kind of memory, or not in this kernel */
	return advise(piece, advice, EINVAL);
}

static const char *on_private(struct part *part, unsigned int i)
{
	struct piece piece = own_piece(part, kinds[i].splits ? PATCHY : PLAIN);
	struct pen *pen = pen_of(part, &piece);
	const char *_wrong;

	if (one_in(&part->random, 2))
		stamp(pen, &piece);
	/* Before, as an advice that fails in the middle was heard until then */
	if (kinds[i].loses)
		may_vanish(pen, &piece);
	_wrong = do_advise(part, &piece, kinds[i].advice);
	if (!_wrong)
		_wrong = check(pen, &piece);
	if (_wrong || one_in(&part->random, 3))
		return _wrong;
	/* The whole table, if it is all ours by now */
	return give_back(part, &piece);
}

static const char *on_shared(struct part *part, unsigned int i)
{
	const unsigned int most = one_in(&part->random, 4) ? ENTRIES : 16;
	struct piece piece = any_piece(part, any_kept(part), most);
	struct piece few = some_of(part, &piece);
	struct pen *pen = pen_of(part, &piece);
	const char *_wrong;

	if (few.count > 16)
		few.count = 16;
	stamp(pen, &few);
	_wrong = do_advise(part, &piece, kinds[i].advice);
	return _wrong ? _wrong : check(pen, &few);
}

static const char *madvise_turn(struct part *part)
{
	unsigned int i = pick(&part->random, ARRAY_SIZE(kinds));

	return one_in(&part->random, 2) || kinds[i].splits ? on_private(part, i) :
	       on_shared(part, i);
}

static void madvise_end(struct part *part)
{
	close(pidfd);
}

const struct actor madvise_actor = {
	.name = "madvise",
	.start = madvise_start,
	.turn = madvise_turn,
	.end = madvise_end,
};
