// SPDX-License-Identifier: GPL-2.0
/*
 * Guards: markers in tables that may hold nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "storm.h"
#include "uapi.h"

static const char *guard_lacks(void)
{
	char *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	bool works = page != MAP_FAILED && !madvise(page, PAGE, MADV_GUARD_INSTALL);

	munmap(page, PAGE);
	return works ? NULL : "no MADV_GUARD_INSTALL";
}

static int pipes[2];

static const char *guard_start(struct part *part)
{
	return pipe2(pipes, O_CLOEXEC) ? wrong("guard: pipe: %m") : NULL;
}

/* A system call says what a load would be killed for. */
static bool is_guarded(const struct piece *piece)
{
	char byte;

	if (write(pipes[1], piece_addr(piece), 1) < 0)
		return errno == EFAULT;
	return read(pipes[0], &byte, 1) < 0;
}

static const char *guard_turn(struct part *part)
{
	struct piece piece = own_piece(part, PATCHY);
	struct pen *pen = pen_of(part, &piece);
	const char *_wrong = check(pen, &piece);

	if (_wrong)
		return _wrong;
	stamp(pen, &piece);
	forget(pen, &piece);
	if (madvise(piece_addr(&piece), piece_size(&piece), MADV_GUARD_INSTALL)) {
		/* EINTR: others fault pages in all the time. */
		if (errno != EINTR && errno != EAGAIN)
			return wrong("guard: install: %m");
		_wrong = advise(&piece, MADV_GUARD_REMOVE, 0);
		return _wrong ? _wrong : give_back(part, &piece);
	}
	if (one_in(&part->random, 2))
		_wrong = advise(&piece, MADV_DONTNEED, 0);
	if (!_wrong && one_in(&part->random, 2))
		sched_yield();
	if (!_wrong && !is_guarded(&piece))
		_wrong = wrong("guard: a guard is lost");
	if (!_wrong)
		_wrong = advise(&piece, MADV_GUARD_REMOVE, 0);
	return _wrong ? _wrong : check(pen, &piece);
}

const struct actor guard_actor = {
	.name = "guard",
	.lacks = guard_lacks,
	.start = guard_start,
	.turn = guard_turn,
};
