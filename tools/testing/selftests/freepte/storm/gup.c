// SPDX-License-Identifier: GPL-2.0
/*
 * A driver that gets pages, and one that pins them for long and looks at them later.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "gup_test.h"

#include "storm.h"

/* One for each of the two actors */
static int get_fd = -1, pin_fd = -1;

static const char *gup_lacks(void)
{
	return access(GUP_TEST, R_OK | W_OK) ? "no " GUP_TEST " (CONFIG_GUP_TEST)" : NULL;
}

static const char *open_test(int *fd)
{
	*fd = open(GUP_TEST, O_RDWR | O_CLOEXEC);
	return *fd < 0 ? wrong(GUP_TEST ": %m") : NULL;
}

static const char *gup_start(struct part *part)
{
	return open_test(&get_fd);
}

/* Pages that are there to be written to: the driver complains of zero pages. */
static const char *gup_turn(struct part *part)
{
	static const unsigned long how[] = {
		GUP_FAST_BENCHMARK, PIN_FAST_BENCHMARK, PIN_LONGTERM_BENCHMARK, GUP_BASIC_TEST,
		PIN_BASIC_TEST,
	};
	struct piece piece = own_piece(part, one_in(&part->random, 2) ? PLAIN : PATCHY);
	struct pen *pen = pen_of(part, &piece);
	struct gup_test test = {
		.addr = (uintptr_t)piece_addr(&piece),
		.size = piece_size(&piece),
		.nr_pages_per_call = 1 + pick(&part->random, piece.count),
		.gup_flags = FOLL_WRITE,
	};
	const char *_wrong = check(pen, &piece);

	if (_wrong)
		return _wrong;
	if (one_in(&part->random, 2))
		stamp(pen, &piece);
	/* EINTR, EAGAIN, ENOMEM: a page that cannot be pinned for long, as it cannot move now */
	if (ioctl(get_fd, how[pick(&part->random, ARRAY_SIZE(how))], &test)) {
		if (errno != EINTR && errno != EAGAIN && errno != ENOMEM)
			return wrong("gup: %m");
	} else {
		if (test.size != piece_size(&piece))
			return wrong("gup: %llu bytes", test.size);
		hit(part);
	}
	_wrong = check(pen, &piece);
	return _wrong || one_in(&part->random, 3) ? _wrong : give_back(part, &piece);
}

static void gup_end(struct part *part)
{
	close(get_fd);
}

static const char *pin_start(struct part *part)
{
	return open_test(&pin_fd);
}

/*
 * What was pinned is what the process sees, until it gives the pages back; then they are what they
 * were, but nobody sees them.
 */
static const char *pin_turn(struct part *part)
{
	static __u64 copy[CHUNK * WORDS];
	static struct pen copies;
	struct piece piece = own_piece(part, PLAIN);
	struct pen *pen = pen_of(part, &piece);
	struct pin_longterm_test test = {
		.addr = (uintptr_t)piece_addr(&piece),
		.size = piece_size(&piece),
		.flags = PIN_LONGTERM_TEST_FLAG_USE_WRITE |
			 (one_in(&part->random, 2) ? PIN_LONGTERM_TEST_FLAG_USE_FAST : 0),
	};
	__u64 to = (uintptr_t)copy;
	const char *_wrong = NULL;
	unsigned int i;

	stamp(pen, &piece);
	if (ioctl(pin_fd, PIN_LONGTERM_TEST_START, &test))
		return errno == EINTR || errno == EAGAIN || errno == ENOMEM ? NULL :
		       wrong("pin: %m");
	hit(part);
	/* What is written now, the holder of the pin must see. */
	stamp(pen, &piece);
	copies = *pen;
	if (one_in(&part->random, 2)) {
		_wrong = give_back(part, &piece);
		if (!_wrong)
			_wrong = check(pen, &piece);
	}
	if (!_wrong && one_in(&part->random, 2))
		nap(pick(&part->random, 30));
	if (!_wrong && ioctl(pin_fd, PIN_LONGTERM_TEST_READ, &to))
		_wrong = wrong("pin: read: %m");
	for (i = 0; !_wrong && i < piece.count; i++) {
		__u64 wanted[WORDS] = { 0 };
		__u64 *got = copy + i * WORDS;

		stamp_copy(&copies, piece.page + i, copies.turn - piece.count + 1 + i, wanted);
		if (memcmp(wanted, got, PAGE))
			_wrong = wrong("pin: page %u of plain has changed: %#llx, not %#llx",
				       piece.page + i, got[copies.writer],
				       wanted[copies.writer]);
	}
	if (ioctl(pin_fd, PIN_LONGTERM_TEST_STOP) && !_wrong)
		_wrong = wrong("pin: stop: %m");
	return _wrong ? _wrong : check(pen, &piece);
}

static void pin_end(struct part *part)
{
	close(pin_fd);
}

const struct actor gup_actor = {
	.name = "gup",
	.hits = "got",
	.lacks = gup_lacks,
	.start = gup_start,
	.turn = gup_turn,
	.end = gup_end,
};

const struct actor pin_actor = {
	.name = "pin",
	.hits = "pinned",
	.lacks = gup_lacks,
	.start = pin_start,
	.turn = pin_turn,
	.end = pin_end,
};
