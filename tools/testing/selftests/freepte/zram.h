/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Swap on a zram device of our own.
 */
#ifndef _FREEPTE_ZRAM_H
#define _FREEPTE_ZRAM_H

#include <stddef.h>

struct zram {
	int number;	/* of the device; negative: none */
	int swapping;
};

/* NULL, or why there can be none */
const char *zram_swap_on(struct zram *zram, size_t size);
/* What is in it comes back to memory; 0 or a negative errno. */
int zram_swap_off(struct zram *zram);
/* Swap off, and the device away */
void zram_remove(struct zram *zram);

#endif /* _FREEPTE_ZRAM_H */
