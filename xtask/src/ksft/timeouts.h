/* SPDX-License-Identifier: GPL-2.0 */
/*
 * More time for upstream's tests, which are compiled with this as the first header.
 *
 * kselftest_harness.h waits for a test with poll(). When the time is over it kills the test, and goes
 * on with the next one though the first may still be in the kernel. lib/test_hmm.c does not bear
 * that: who closes the device evicts the pages of all, also those that the other process is about
 * to get, or to unmap. On a slow kernel that is an Oops in copy_page() or a use after free in
 * rmap_walk_anon(), of upstream's own.
 */
#ifndef _FREEPTE_TIMEOUTS_H
#define _FREEPTE_TIMEOUTS_H

#include <poll.h>
#include <stdlib.h>

static inline int scaled_poll(struct pollfd *fds, nfds_t count, int ms)
{
	const char *scale = getenv("KSFT_TIMEOUT_SCALE");

	return poll(fds, count, scale && ms > 0 ? ms * atoi(scale) : ms);
}

#define poll(fds, count, ms) scaled_poll(fds, count, ms)

#endif /* _FREEPTE_TIMEOUTS_H */
