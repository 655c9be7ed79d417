/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages that are still there: by whom they are pinned, to whom they are charged, where they lie.
 */
#ifndef _FREEPTE_PAGES_H
#define _FREEPTE_PAGES_H

#include <limits.h>
#include <stddef.h>

#include "cgroup.h"

/*
 * Pins that nobody has released, in the whole system, but for a constant: it is below zero where
 * KUnit ran, as folio_add_pin() counts no pin, and unpin_user_page() counts its release.
 */
long pins_held(void);
/* The kernel does not say. */
#define PINS_UNKNOWN	LONG_MIN

/* NULL, or why pages can't be counted */
const char *pages_lack(void);

/*
 * Pages of memory and of files in memory that are charged to a control group, whether or not
 * anybody maps them. Those that were freed are not, so that what is left when all that used them is
 * gone has a reference that nobody gives back. Negative if they can't be counted.
 */
long pages_charged(const struct cgroup *cgroup);
/* Their number when it is @wanted, or else after a while, as some are freed later */
long pages_settle(const struct cgroup *cgroup, long wanted);

/* Those of an area that lie in memory which must stay movable; negative if there is none such */
long pages_movable(const void *addr, size_t size);

#endif /* _FREEPTE_PAGES_H */
