// SPDX-License-Identifier: GPL-2.0
/*
 * Swap on a zram device of our own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/swap.h>
#include <unistd.h>

#include "files.h"
#include "tables.h"
#include "zram.h"

#define CONTROL	"/sys/class/zram-control/"

/* What mkswap writes: an empty page, with these words where the kernel looks for them */
static bool make_swap(const char *path, size_t size)
{
	static char page[PAGE];
	uint32_t header[3] = { 1, size / PAGE - 1, 0 };
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool done;

	if (fd < 0)
		return false;
	memset(page, 0, PAGE);
	memcpy(page + 1024, header, sizeof(header));
	memcpy(page + PAGE - 10, "SWAPSPACE2", 10);
	done = write(fd, page, PAGE) == (ssize_t)PAGE;
	return !close(fd) && done;
}

const char *zram_swap_on(struct zram *zram, size_t size)
{
	char text[32], path[32];

	zram->number = -1;
	zram->swapping = 0;
	/* Reading it makes a device. */
	if (file_read(CONTROL "hot_add", text, sizeof(text)))
		return "no zram (CONFIG_ZRAM)";
	zram->number = atoi(text);
	snprintf(text, sizeof(text), "%zu", size);
	snprintf(path, sizeof(path), "/dev/zram%d", zram->number);
	if (file_write_n("/sys/block/zram%d/disksize", zram->number, text) ||
	    !make_swap(path, size)) {
		zram_remove(zram);
		return "a zram device could not be set up";
	}
	/* Rather than to another */
	if (swapon(path, SWAP_FLAG_PREFER | 32767)) {
		zram_remove(zram);
		return "no swap (CONFIG_SWAP)";
	}
	zram->swapping = 1;
	return NULL;
}

int zram_swap_off(struct zram *zram)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/zram%d", zram->number);
	if (zram->swapping && swapoff(path))
		return -errno;
	zram->swapping = 0;
	return 0;
}

void zram_remove(struct zram *zram)
{
	char text[32];

	if (zram->number < 0 || zram_swap_off(zram))
		return;
	file_write_n("/sys/block/zram%d/reset", zram->number, "1");
	snprintf(text, sizeof(text), "%d", zram->number);
	file_write(CONTROL "hot_remove", text);
	zram->number = -1;
}
