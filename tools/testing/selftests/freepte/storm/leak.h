/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What must be as it was when all is over.
 */
#ifndef _FREEPTE_STORM_LEAK_H
#define _FREEPTE_STORM_LEAK_H

/* How things stand before */
void leak_begin(void);
/* NULL when they stand so again, within the tolerance, or what does not after so long */
const char *leak_end(long ms);
/* All numbers, before and now */
void leak_print(void);

#endif /* _FREEPTE_STORM_LEAK_H */
