/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What shapes are made of.
 */
#ifndef _FREEPTE_WALK_MAKE_H
#define _FREEPTE_WALK_MAKE_H

#include <stdbool.h>
#include <stddef.h>

/* Private memory that is never mapped by huge pages, or that is whenever it can be; or NULL */
char *map_small_pages(char *addr, size_t size);
char *map_huge_pages(char *addr, size_t size);

/* Have it mapped by huge pages that are written to; NULL, or why it cannot be had. */
const char *fill_huge_pages(char *addr, size_t size);

/* Whether all of it went to swap */
bool swap_out(char *addr, size_t size);

#endif /* _FREEPTE_WALK_MAKE_H */
