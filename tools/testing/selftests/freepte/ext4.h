/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An ext4 file system on a loop device: of the file systems that a guest has at hand, the one
 * whose page cache is reclaimed like that of a disk.
 */
#ifndef _FREEPTE_EXT4_H
#define _FREEPTE_EXT4_H

#include <stddef.h>

struct ext4 {
	int root;	/* The root directory, mounted nowhere; negative: none */
};

/*
 * NULL, or why there can be none. All of it, the loop device too, goes when the descriptor is
 * closed and no file is open or mapped, at the latest when the process ends.
 */
const char *ext4_make(struct ext4 *ext4, size_t size);
void ext4_remove(struct ext4 *ext4);

/*
 * A file with a page of data each step, holes between; nothing of it is dirty or in the page
 * cache. Or -1.
 */
int ext4_file(struct ext4 *ext4, size_t size, size_t step);

#endif /* _FREEPTE_EXT4_H */
