/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which implementation reads page tables for user space, in a kernel that has two.
 */
#ifndef _FREEPTE_WALK_READERS_H
#define _FREEPTE_WALK_READERS_H

#define READERS	"/sys/kernel/debug/rust_mm_twins/readers"

/* NULL, or why there is no choice */
const char *readers_lack(void);
/* Let "c" or "rust" read, in the whole system; 0 or a negative errno, -EINVAL if it did not help */
int readers_use(const char *which);
/* "rust", which is what a kernel starts with; nothing where there is no choice */
void readers_restore(void);

#endif /* _FREEPTE_WALK_READERS_H */
