// SPDX-License-Identifier: GPL-2.0
/*
 * Zerocopy receive of TCP maps pages to user space, whatever happens beside them.
 *
 * Without "mm/memory: let vm_insert_pages() survive a vanished PTE table" it says -EFAULT if the
 * table was there when one would be allocated, and is gone when its lock is taken, as somebody has
 * zapped what else it held. This takes luck; no debug knobs.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness.h"

#include "hazard.h"
#include "meet.h"
#include "race.h"
#include "tables.h"

/* Pages of the socket's mapping, and of the neighbour in the same table; of one message */
#define MAPPED		64
#define NEIGHBOUR	128
#define MESSAGE		8

static struct {
	char *area;
	char *neighbour;
	int to;
	int from;
	int pipe[2];
	unsigned long mapped;
} shared;

/* Whole pages, none of them mapped anywhere else: the only ones that are mapped */
static const char *send_pages(uint64_t mark)
{
	static char page[PAGE];
	size_t size = MESSAGE * PAGE;
	int i;

	for (i = 0; i < MESSAGE; i++) {
		mark_page(page, mark << 8 | i);
		if (write(shared.pipe[1], page, PAGE) != PAGE)
			return wrong("write: %m");
	}
	while (size) {
		ssize_t sent = splice(shared.pipe[0], NULL, shared.to, NULL, size, 0);

		if (sent <= 0)
			return wrong("splice: %m");
		size -= sent;
	}
	return NULL;
}

static const char *receive(struct racer *racer)
{
	/* An address that moves, so that a message may cover the first entries of the mapping */
	char *start = shared.area + some(MAPPED - MESSAGE) * PAGE;
	uint64_t mark = racer->turns + 1;
	const char *_wrong = send_pages(mark);
	int got = 0;

	while (!_wrong && got < MESSAGE) {
		struct tcp_zerocopy_receive zc = {
			.address = (uintptr_t)start,
			.length = (MESSAGE - got) * PAGE,
		};
		socklen_t len = sizeof(zc);
		unsigned int i;

		if (getsockopt(shared.from, IPPROTO_TCP, TCP_ZEROCOPY_RECEIVE, &zc, &len))
			return wrong("TCP_ZEROCOPY_RECEIVE: %m, after %lu turns", racer->turns);
		for (i = 0; i < zc.length / PAGE; i++, got++, shared.mapped++)
			if (!page_marked(start + i * PAGE, mark << 8 | got))
				return wrong("page %d is not what was sent", got);
		if (zc.recv_skip_hint) {
			static char page[PAGE];

			if (recv(shared.from, page, PAGE, MSG_WAITALL) != PAGE)
				return wrong("recv: %m");
			if (!page_marked(page, mark << 8 | got))
				return wrong("page %d is not what was sent", got);
			got++;
		}
		/* The table is empty again, if the neighbour's part is. */
		if (madvise(start, MESSAGE * PAGE, MADV_DONTNEED))
			return wrong("MADV_DONTNEED: %m");
	}
	return _wrong;
}

static const char *zap(struct racer *racer)
{
	char *page = shared.neighbour + some(NEIGHBOUR) * PAGE;

	mark_page(page, racer->turns + 1);
	if (!page_marked(page, racer->turns + 1))
		return wrong("a page is lost");
	dawdle(300);
	if (madvise(page, PAGE, MADV_DONTNEED))
		return wrong("MADV_DONTNEED: %m");
	usleep(200);
	return NULL;
}

/* A connection whose segments are whole pages */
static const char *connect_self(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(addr);
	const int yes = 1, mss = PAGE + 12;
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	shared.to = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || shared.to < 0)
		return "no TCP (CONFIG_INET)";
	if (setsockopt(listener, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss)) ||
	    setsockopt(shared.to, IPPROTO_TCP, TCP_MAXSEG, &mss, sizeof(mss)) ||
	    setsockopt(shared.to, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes)) ||
	    bind(listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(listener, 1) ||
	    getsockname(listener, (struct sockaddr *)&addr, &len) ||
	    connect(shared.to, (struct sockaddr *)&addr, sizeof(addr)))
		return "no connection to myself";
	shared.from = accept(listener, NULL, NULL);
	close(listener);
	return shared.from < 0 ? "no connection to myself" : NULL;
}

FIXTURE(insert_pages)
{
};

FIXTURE_SETUP(insert_pages)
{
	const char *reason = connect_self();
	struct racer once = {};

	if (reason)
		SKIP(return, "%s", reason);
	ASSERT_EQ(0, pipe(shared.pipe));
	shared.area = arena(TABLE_SPAN);
	ASSERT_NE(NULL, shared.area);
	if (mmap(shared.area, MAPPED * PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, shared.from, 0) ==
	    MAP_FAILED)
		SKIP(return, "a socket cannot be mapped (CONFIG_MMU)");
	shared.neighbour = map_anon(shared.area + MAPPED * PAGE, NEIGHBOUR * PAGE);
	ASSERT_NE(NULL, shared.neighbour);
	ASSERT_EQ(NULL, receive(&once));
	if (!shared.mapped)
		SKIP(return, "TCP copies all that it sends to itself");
	hazard_begin(0);
}

FIXTURE_TEARDOWN(insert_pages)
{
	hazard_end();
}

static long mapped(void)
{
	return __atomic_load_n(&shared.mapped, __ATOMIC_RELAXED);
}

TEST_F(insert_pages, tcp_zerocopy)
{
	struct racer racers[] = { { RACER(receive) }, { RACER(zap) } };

	race_needs("pages mapped", mapped, 500);
	race_needs("tables freed", freed, 50);
	EXPECT_HARMLESS(race(racers, 2));
}

TEST_HARNESS_MAIN
