// SPDX-License-Identifier: GPL-2.0
/*
 * Those who only look at tables, of any process of the storm, and who clear what they looked for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "files.h"

#include "storm.h"
#include "uapi.h"

static int open_of(unsigned int crew, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", board->crews[crew].pid, name);
	return open(path, O_RDONLY | O_CLOEXEC);
}

/* All of a file, for nothing but having it made */
static void read_all(unsigned int crew, const char *name)
{
	static char text[16 << 10];
	int fd = open_of(crew, name);

	if (fd < 0)
		return;
	while (read(fd, text, sizeof(text)) > 0)
		;
	close(fd);
}

static void read_pagemap(unsigned int crew, char *addr)
{
	static __u64 entries[4 * ENTRIES];
	int fd = open_of(crew, "pagemap");

	if (fd < 0)
		return;
	if (pread(fd, entries, sizeof(entries), (uintptr_t)addr / PAGE * sizeof(*entries)) < 0)
		wrong("look: pagemap: %m");
	close(fd);
}

static void scan_pagemap(unsigned int crew, char *addr)
{
	static struct page_region found[64];
	struct pm_scan_arg scan = {
		.size = sizeof(scan),
		.start = (uintptr_t)addr,
		.end = (uintptr_t)addr + 4 * TABLE_SPAN,
		.vec = (uintptr_t)found,
		.vec_len = ARRAY_SIZE(found),
		.category_anyof_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
		.return_mask = PAGE_IS_PRESENT | PAGE_IS_SWAPPED,
	};
	int fd = open_of(crew, "pagemap");

	if (fd < 0)
		return;
	/* ESRCH: it has ended */
	if (ioctl(fd, PAGEMAP_SCAN, &scan) < 0 && errno != ESRCH)
		wrong("look: PAGEMAP_SCAN: %m");
	close(fd);
}

static void clear_bits(unsigned int crew, const char *what)
{
	char path[64];

	/* Whether this kernel knows about what is cleared does not matter. */
	snprintf(path, sizeof(path), "/proc/%d/clear_refs", board->crews[crew].pid);
	file_write(path, what);
}

static const char *look_turn(struct part *part)
{
	static unsigned char vec[4 * ENTRIES];
	unsigned int crew = pick(&part->random, board->nr_crews);
	struct piece block = any_block(part, pick(&part->random, REGIONS));
	char *addr = board->crews[crew].regions[block.region->id];

	if (!addr || region_lacks(block.region->id))
		return NULL;
	switch (pick(&part->random, 7)) {
	case 0:
		read_pagemap(crew, addr);
		break;
	case 1:
		scan_pagemap(crew, addr);
		break;
	case 2:
		read_all(crew, "smaps");
		break;
	case 3:
		read_all(crew, "smaps_rollup");
		break;
	case 4:
		read_all(crew, "numa_maps");
		break;
	case 5:
		clear_bits(crew, one_in(&part->random, 2) ? "1" : "4");
		break;
	default:
		if (mincore(regions[PLAIN].addr, 4 * TABLE_SPAN, vec))
			return wrong("look: mincore: %m");
	}
	nap(pick(&part->random, 50));
	return NULL;
}

const struct actor look_actor = { .name = "look", .turn = look_turn };
