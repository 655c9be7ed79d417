// SPDX-License-Identifier: GPL-2.0
/*
 * A control group of our own: what the caller touches is charged to it, and reclaimed from it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "deadline.h"
#include "files.h"
#include "tables.h"

#define ROOT	"/sys/fs/cgroup"

static int cgroup_write(const struct cgroup *cgroup, const char *name, const char *text)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/%s", cgroup->path, name);
	return file_write(path, text);
}

const char *cgroup_make(struct cgroup *cgroup)
{
	cgroup->path[0] = 0;
	if (access(ROOT "/cgroup.controllers", R_OK))
		return "no cgroup v2 at " ROOT;
	if (file_write(ROOT "/cgroup.subtree_control", "+memory"))
		return "no memory controller (CONFIG_MEMCG)";
	snprintf(cgroup->path, sizeof(cgroup->path), ROOT "/freepte-%d", getpid());
	if (mkdir(cgroup->path, 0755)) {
		cgroup->path[0] = 0;
		return "a cgroup could not be made";
	}
	return NULL;
}

const char *cgroup_join(const struct cgroup *cgroup)
{
	return cgroup_write(cgroup, "cgroup.procs", "0") ? "a cgroup could not be entered" : NULL;
}

const char *cgroup_enter(struct cgroup *cgroup)
{
	const char *reason = cgroup_make(cgroup);

	if (reason)
		return reason;
	reason = cgroup_join(cgroup);
	if (reason)
		cgroup_leave(cgroup);
	return reason;
}

void cgroup_reclaim(struct cgroup *cgroup, long kib)
{
	char text[32];

	snprintf(text, sizeof(text), "%ldK", kib);
	/* It fails when it reclaims less than that; what counts is what is left. */
	cgroup_write(cgroup, "memory.reclaim", text);
}

bool cgroup_reclaim_area(struct cgroup *cgroup, const void *addr, size_t size)
{
	int tries;

	for (tries = 0; tries < 20; tries++) {
		if (!present_in(0, addr, size))
			return true;
		/* Pages that wait in the CPUs' batches are not reclaimed; this drains them. */
		if (tries % 4 == 0)
			drop_page_cache();
		cgroup_reclaim(cgroup, 64 << 10);
	}
	return !present_in(0, addr, size);
}

void cgroup_leave(struct cgroup *cgroup)
{
	struct deadline deadline;

	if (!cgroup->path[0])
		return;
	file_write(ROOT "/cgroup.procs", "0");
	deadline_set(&deadline, WAIT_MS);
	while (rmdir(cgroup->path) && errno == EBUSY && deadline_wait(&deadline))
		;
	cgroup->path[0] = 0;
}
