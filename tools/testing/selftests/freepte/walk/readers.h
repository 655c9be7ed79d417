/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which implementation reads page tables for user space, in a kernel that has more than one.
 */
#ifndef _FREEPTE_WALK_READERS_H
#define _FREEPTE_WALK_READERS_H

#define TWINS	"/sys/kernel/debug/rust_mm_twins/"
#define READERS	TWINS "readers"

/*
 * The readers in C on the page walk in C, which is what the others are compared with; the readers
 * in C on the page walk in Rust; and those in Rust, which walk by themselves.
 */
enum { BY_C, BY_C_ON_RUST, BY_RUST, READERS_COUNT };

/* What the kernel calls them */
extern const char *const readers_names[READERS_COUNT];

/* NULL, or why there is no choice */
const char *readers_lack(void);
/* Let these read, in the whole system; 0 or a negative errno, -EINVAL if it did not help */
int readers_use(int which);
/* Those in Rust, with which a kernel starts; nothing where there is no choice */
void readers_restore(void);

#endif /* _FREEPTE_WALK_READERS_H */
