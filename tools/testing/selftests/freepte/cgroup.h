/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A control group of our own: what the caller touches is charged to it, and reclaimed from it.
 */
#ifndef _FREEPTE_CGROUP_H
#define _FREEPTE_CGROUP_H

#include <stdbool.h>
#include <stddef.h>

struct cgroup {
	char path[128];	/* empty: none */
};

/* Make one. NULL, or why there can be none */
const char *cgroup_make(struct cgroup *cgroup);
/* Move the caller there. NULL, or that it can't be */
const char *cgroup_join(const struct cgroup *cgroup);
/* Both */
const char *cgroup_enter(struct cgroup *cgroup);

/* Reclaim so much, or what there is of it */
void cgroup_reclaim(struct cgroup *cgroup, long kib);

/* Reclaim until no page is mapped in an area any more; whether that was reached */
bool cgroup_reclaim_area(struct cgroup *cgroup, const void *addr, size_t size);

/* Move the caller back and remove it */
void cgroup_leave(struct cgroup *cgroup);

#endif /* _FREEPTE_CGROUP_H */
