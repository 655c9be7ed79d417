// SPDX-License-Identifier: GPL-2.0
/*
 * UFFDIO_MOVE: pages that change their address.
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "storm.h"
#include "uffd.h"

static int uffd = -1;

static const char *move_lacks(void)
{
	int fd = uffd_open(UFFD_FEATURE_MOVE);

	close(fd);
	return fd < 0 ? "no UFFDIO_MOVE" : NULL;
}

static const char *move_start(struct part *part)
{
	struct piece chunk = own_chunk(part, PATCHY);

	uffd = uffd_open(UFFD_FEATURE_MOVE);
	if (uffd < 0)
		return wrong("uffd_move: userfaultfd: %m");
	/* To the second half of each chunk */
	chunk.page = chunk.page % ENTRIES + CHUNK / 2;
	chunk.count = CHUNK / 2;
	for (; chunk.page < regions[PATCHY].pages; chunk.page += ENTRIES)
		if (uffd_register(uffd, piece_addr(&chunk), piece_size(&chunk),
				  UFFDIO_REGISTER_MODE_MISSING))
			return wrong("uffd_move: register: %m");
	return NULL;
}

/* EBUSY: a child has the page, too, or somebody pinned it. */
static const char *move_all(const struct piece *from, const struct piece *to, unsigned int *moved)
{
	unsigned int busy = 0;

	for (*moved = 0; *moved < from->count;) {
		size_t done = *moved * PAGE;
		long bytes = uffd_move(uffd, piece_addr(to) + done, piece_addr(from) + done,
				       piece_size(from) - done, 0);

		if (bytes == -EBUSY || (bytes == -EAGAIN && ++busy > 1000))
			return NULL;
		if (bytes == -EAGAIN)
			sched_yield();
		else if (bytes <= 0)
			return wrong("uffd_move: after %u of %u pages: %s", *moved, from->count,
				     strerror(-bytes));
		else
			*moved += bytes / PAGE;
	}
	return NULL;
}

static const char *move_turn(struct part *part)
{
	struct piece from = own_chunk(part, PATCHY), to = own_chunk(part, PATCHY);
	struct pen *pen = pen_of(part, &from);
	const char *_wrong;
	unsigned int moved;

	from.count = 1 + pick(&part->random, CHUNK / 2);
	to.page += CHUNK / 2;
	to.count = from.count;
	_wrong = give_back(part, &to);
	if (_wrong)
		return _wrong;
	/* The source is not to be shared with a child, nor to be a zero page. */
	_wrong = check(pen, &from);
	if (_wrong)
		return _wrong;
	stamp(pen, &from);
	_wrong = move_all(&from, &to, &moved);
	if (_wrong)
		return _wrong;
	if (moved == from.count)
		hit(part);
	from.count = moved;
	to.count = moved;
	_wrong = check_moved(pen, &from, &to);
	forget(pen, &from);
	if (!_wrong)
		_wrong = check(pen, &from);
	from.count = CHUNK / 2;
	to.count = CHUNK / 2;
	if (!_wrong)
		_wrong = give_back(part, &from);
	return _wrong ? _wrong : give_back(part, &to);
}

static void move_end(struct part *part)
{
	close(uffd);
}

const struct actor uffd_move_actor = {
	.name = "uffd_move",
	.hits = "moved whole",
	.lacks = move_lacks,
	.start = move_start,
	.turn = move_turn,
	.end = move_end,
};
