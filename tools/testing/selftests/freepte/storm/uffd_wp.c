// SPDX-License-Identifier: GPL-2.0
/*
 * Write protection by userfaultfd, which leaves markers where there is no page.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "storm.h"
#include "uapi.h"
#include "uffd.h"

#define FEATURES	(UFFD_FEATURE_WP_UNPOPULATED | UFFD_FEATURE_WP_ASYNC)

static int uffd = -1;

static const char *wp_lacks(void)
{
	int fd = uffd_open(FEATURES);

	close(fd);
	return fd < 0 ? "no UFFD_FEATURE_WP_ASYNC" : NULL;
}

static const char *wp_start(struct part *part)
{
	struct piece chunk = own_chunk(part, PATCHY);

	uffd = uffd_open(FEATURES);
	if (uffd < 0)
		return wrong("uffd_wp: userfaultfd: %m");
	for (chunk.page %= ENTRIES; chunk.page < regions[PATCHY].pages; chunk.page += ENTRIES)
		if (uffd_register(uffd, piece_addr(&chunk), piece_size(&chunk),
				  UFFDIO_REGISTER_MODE_WP))
			return wrong("uffd_wp: register: %m");
	return NULL;
}

static const char *wp_turn(struct part *part)
{
	struct piece piece = own_piece(part, PATCHY);
	struct piece few = some_of(part, &piece);
	struct pen *pen = pen_of(part, &piece);
	const char *_wrong = NULL;

	if (one_in(&part->random, 2))
		stamp(pen, &few);
	if (uffd_protect(uffd, piece_addr(&piece), piece_size(&piece), 1))
		return wrong("uffd_wp: protect: %m");
	switch (pick(&part->random, 4)) {
	case 0:
		_wrong = advise(&piece, MADV_PAGEOUT, 0);
		break;
	case 1:
		stamp(pen, &few);
		break;
	case 2:
		_wrong = give_back(part, &piece);
		break;
	}
	if (!_wrong)
		_wrong = check(pen, &piece);
	if (!_wrong && one_in(&part->random, 2) &&
	    uffd_protect(uffd, piece_addr(&piece), piece_size(&piece), 0))
		_wrong = wrong("uffd_wp: unprotect: %m");
	if (!_wrong)
		_wrong = check(pen, &piece);
	if (_wrong || one_in(&part->random, 3))
		return _wrong;
	if (uffd_protect(uffd, piece_addr(&piece), piece_size(&piece), 0))
		return wrong("uffd_wp: unprotect: %m");
	return give_back(part, &piece);
}

static void wp_end(struct part *part)
{
	close(uffd);
}

const struct actor uffd_wp_actor = {
	.name = "uffd_wp",
	.lacks = wp_lacks,
	.start = wp_start,
	.turn = wp_turn,
	.end = wp_end,
};
