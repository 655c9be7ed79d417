// SPDX-License-Identifier: GPL-2.0
/*
 * Holes that user space fills, beforehand or when somebody waits for it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "storm.h"
#include "uffd.h"

/* What the pager writes, in the name of the actor */
#define PAGED	1

static int uffd = -1;
static pthread_t pager;
static bool has_pager;
static struct part *owner;

static const char *uffd_lacks(void)
{
	int fd = uffd_open(0);

	close(fd);
	return fd < 0 ? "no userfaultfd" : NULL;
}

/* EEXIST: it is there; who waits for it goes on. EAGAIN: the address space is changing. */
static int fill(unsigned int page, void *source)
{
	struct uffdio_copy copy = {
		.dst = (uintptr_t)page_at(&regions[PATCHY], page),
		.src = (uintptr_t)source,
		.len = PAGE,
	};
	struct uffdio_range range = { .start = copy.dst, .len = PAGE };

	for (;;) {
		if (!ioctl(uffd, UFFDIO_COPY, &copy))
			return 0;
		if (errno == EEXIST)
			ioctl(uffd, UFFDIO_WAKE, &range);
		if (errno != EAGAIN)
			return -errno;
		copy.copy = 0;
	}
}

static void *page_in(void *arg)
{
	static char source[PAGE];
	struct pollfd poll_uffd = { .fd = uffd, .events = POLLIN };
	struct uffd_msg msg;

	self = owner;
	while (!__atomic_load_n(&has_pager, __ATOMIC_ACQUIRE))
		;
	while (__atomic_load_n(&has_pager, __ATOMIC_ACQUIRE)) {
		unsigned int page;
		int err;

		if (poll(&poll_uffd, 1, 100) <= 0 ||
		    read(uffd, &msg, sizeof(msg)) != sizeof(msg))
			continue;
		page = (msg.arg.pagefault.address - (uintptr_t)regions[PATCHY].addr) / PAGE;
		memset(source, 0, PAGE);
		stamp_copy(&owner->pens[PATCHY], page, PAGED, source);
		err = fill(page, source);
		if (err && err != -EEXIST)
			wrong("uffd_fill: the pager: %s", strerror(-err));
	}
	return NULL;
}

static const char *uffd_start(struct part *part)
{
	struct piece chunk = own_chunk(part, PATCHY);

	owner = part;
	uffd = uffd_open(0);
	/* Others may have filled what was waited for: no sleep for that. */
	if (uffd < 0 || fcntl(uffd, F_SETFL, O_NONBLOCK))
		return wrong("uffd_fill: userfaultfd: %m");
	for (chunk.page %= ENTRIES; chunk.page < regions[PATCHY].pages; chunk.page += ENTRIES)
		if (uffd_register(uffd, piece_addr(&chunk), piece_size(&chunk),
				  UFFDIO_REGISTER_MODE_MISSING))
			return wrong("uffd_fill: register: %m");
	if (pthread_create(&pager, NULL, page_in, NULL))
		return wrong("uffd_fill: no thread");
	__atomic_store_n(&has_pager, true, __ATOMIC_RELEASE);
	return NULL;
}

/* As user space would before anybody waits */
static const char *fill_ahead(struct part *part, const struct piece *piece)
{
	static char source[PAGE];
	struct pen *pen = pen_of(part, piece);
	unsigned int page;

	for (page = piece->page; page < piece->page + piece->count; page++) {
		struct uffdio_zeropage zero = {
			.range = { .start = (uintptr_t)page_at(piece->region, page), .len = PAGE },
		};

		memset(source, 0, PAGE);
		stamp_copy(pen, page, PAGED + 1, source);
		if (one_in(&part->random, 4)) {
			while (ioctl(uffd, UFFDIO_ZEROPAGE, &zero)) {
				/* Here was a hole, and nobody else fills it. */
				if (errno != EAGAIN)
					return wrong("uffd_fill: UFFDIO_ZEROPAGE: %m");
				zero.zeropage = 0;
			}
		} else {
			int err = fill(page, source);

			if (err)
				return wrong("uffd_fill: UFFDIO_COPY: %s", strerror(-err));
			was_stamped(pen, page, PAGED + 1);
		}
	}
	return NULL;
}

static const char *uffd_turn(struct part *part)
{
	struct piece piece = own_piece(part, PATCHY);
	struct pen *pen = pen_of(part, &piece);
	const char *_wrong = give_back(part, &piece);
	unsigned int page;

	if (_wrong)
		return _wrong;
	if (one_in(&part->random, 2)) {
		_wrong = fill_ahead(part, &piece);
	} else {
		for (page = piece.page; page < piece.page + piece.count; page++)
			was_stamped(pen, page, PAGED);
		hit(part);
	}
	if (!_wrong)
		_wrong = check(pen, &piece);
	if (_wrong)
		return _wrong;
	stamp(pen, &piece);
	_wrong = check(pen, &piece);
	return _wrong ? _wrong : give_back(part, &piece);
}

static void uffd_end(struct part *part)
{
	__atomic_store_n(&has_pager, false, __ATOMIC_RELEASE);
	pthread_join(pager, NULL);
	close(uffd);
}

const struct actor uffd_fill_actor = {
	.name = "uffd_fill",
	.hits = "with a pager",
	.lacks = uffd_lacks,
	.start = uffd_start,
	.turn = uffd_turn,
	.end = uffd_end,
};
