/* SPDX-License-Identifier: GPL-2.0 */
/*
 * For how long the reclaimer had VMAs locked, and others waited for them: what the tracepoint
 * free_user_pte:pte_table_scan says.
 */
#ifndef _FREEPTE_STORM_SCANS_H
#define _FREEPTE_STORM_SCANS_H

/* Listen from here on, if the kernel has the tracepoint. */
void scans_begin(void);
void scans_end(void);
void scans_print(void);

#endif /* _FREEPTE_STORM_SCANS_H */
