/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The knobs and counters of free_user_pte.
 */
#ifndef _FREEPTE_KNOBS_H
#define _FREEPTE_KNOBS_H

#include <stdbool.h>

/*
 * Names: "enabled", "delay_ms" and the statistics in /sys/kernel/mm/free_user_pte; "force_free",
 * "fail_trylock" and "delay_us" of a kernel with CONFIG_FREE_USER_PTE_DEBUG.
 */

/* Its value, or a negative errno */
long knob_read(const char *name);

/* 0, or a negative errno. What it was before is kept, for knobs_restore(). */
int knob_write(const char *name, long value);
int knob_write_text(const char *name, const char *text);
void knobs_restore(void);

/* Whether this kernel frees empty tables, unless told not to */
bool have_free_user_pte(void);
bool have_debug_knobs(void);
/*
 * How long it spares an empty table at present, in ms; and twice as long, for who was too slow to do
 * something before that was over. False if it can't be longer.
 */
long reclaimer_delay(void);
bool reclaimer_delay_more(void);

/* A counter of /proc/vmstat, or -1 */
long vm_counter(const char *name);

#endif /* _FREEPTE_KNOBS_H */
