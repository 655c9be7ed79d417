/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Knowing that the reclaimer has been here: a table of the caller's that is emptied for it to free.
 */
#ifndef _FREEPTE_SENTINEL_H
#define _FREEPTE_SENTINEL_H

#include <stdbool.h>

/* Reserve the place for it: tables that it takes are there from now on. */
bool sentinel_place(void);

/*
 * Wait until the reclaimer has looked at all tables of the caller's that were empty before: what it
 * has left by then, it leaves. NULL, or what is wrong. Nothing happens where nobody frees tables.
 */
const char *sentinel_wait(void);

#endif /* _FREEPTE_SENTINEL_H */
