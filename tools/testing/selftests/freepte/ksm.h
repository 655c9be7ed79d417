/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages that are alike, merged by the kernel.
 */
#ifndef _FREEPTE_KSM_H
#define _FREEPTE_KSM_H

#include <stdbool.h>

/*
 * Let ksmd scan all the time, also pages that it did not merge before. False if there is no KSM, or
 * it can't be told so.
 */
bool ksm_start(void);
/* Scan no more; what is merged stays so. */
void ksm_stop(void);
/* All as it was, if it was ever started */
void ksm_restore(void);

/* Pages of this process that are merged, or -1 */
long ksm_merging(void);
/* What is in a file of its sysfs, or -1: "full_scans" */
long ksm_read(const char *name);

#endif /* _FREEPTE_KSM_H */
