// SPDX-License-Identifier: GPL-2.0
/*
 * O_DIRECT: a disk reads from and writes to the pages of a process.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "storm.h"

static int file = -1;

static const char *direct_lacks(void)
{
	return region_lacks(DISK);
}

static const char *direct_start(struct part *part)
{
	char name[32];

	snprintf(name, sizeof(name), "direct-%u", part->crew);
	file = openat(stage_disk(), name, O_RDWR | O_CREAT | O_DIRECT | O_CLOEXEC, 0600);
	return file < 0 ? wrong("direct: open: %m") : NULL;
}

static const char *direct_turn(struct part *part)
{
	struct piece piece = own_piece(part, PLAIN);
	struct pen *pen = pen_of(part, &piece);
	size_t size = piece_size(&piece);
	off_t at = pick(&part->random, 64) * PAGE;
	__u32 first;
	const char *_wrong = check(pen, &piece);
	unsigned int i;

	if (_wrong)
		return _wrong;
	stamp(pen, &piece);
	first = pen->turn - piece.count + 1;
	if (pwrite(file, piece_addr(&piece), size, at) != size)
		return wrong("direct: write: %m");
	_wrong = give_back(part, &piece);
	if (_wrong)
		return _wrong;
	/* What was given back comes from the disk again. */
	if (pread(file, piece_addr(&piece), size, at) != size)
		return wrong("direct: read: %m");
	for (i = 0; i < piece.count; i++)
		was_stamped(pen, piece.page + i, first + i);
	_wrong = check(pen, &piece);
	return _wrong || one_in(&part->random, 3) ? _wrong : give_back(part, &piece);
}

static void direct_end(struct part *part)
{
	close(file);
}

const struct actor direct_actor = {
	.name = "direct",
	.lacks = direct_lacks,
	.start = direct_start,
	.turn = direct_turn,
	.end = direct_end,
};
