/* SPDX-License-Identifier: GPL-2.0 */
/*
 * kselftest_harness.h, for tests that a slow machine does not make fail.
 *
 * The harness kills a test after some seconds. Here it asks first how slow the machine is, and is
 * patient: a test that is killed hangs.
 */
#ifndef _FREEPTE_HARNESS_H
#define _FREEPTE_HARNESS_H

#include <poll.h>

#include "deadline.h"
#include "race.h"

static inline int poll_until_deadline(struct pollfd *fds, nfds_t count, long ms)
{
	struct deadline deadline;
	int ready;

	if (ms < HANG_MS)
		ms = HANG_MS;
	/* No test has more races than this. */
	deadline_set(&deadline, ms + 2 * race_least_ms());
	do {
		long left = deadline.ms - deadline_waited(&deadline);

		ready = poll(fds, count, left > 0 ? left : 0);
	} while (!ready && !deadline_passed(&deadline));
	return ready;
}

/* It calls this when it waits for a test, and for nothing else. */
#define poll(fds, count, ms) poll_until_deadline(fds, count, ms)
#include "kselftest_harness.h"
#undef poll

#endif /* _FREEPTE_HARNESS_H */
