/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Allocations of the caller that the kernel makes fail (CONFIG_FAULT_INJECTION).
 */
#ifndef _FREEPTE_FAIL_H
#define _FREEPTE_FAIL_H

#include <stdbool.h>

/* NULL, or why none can be made to fail */
const char *fail_lacks(void);

/* Pages that user space may have, too; without a word in the log. Undone by fail_end() */
void fail_begin(void);
void fail_end(void);

/*
 * To be called by the thread first: the kernel must have nothing to write to its memory by itself.
 * If that failed the thread would be killed.
 */
void fail_prepare(void);

/* The nth allocation of the calling thread from now on fails, of pages or of a slab. */
void fail_arm(unsigned int nth);
/* From now on none does. Whether one has failed since */
bool fail_disarm(void);

#endif /* _FREEPTE_FAIL_H */
