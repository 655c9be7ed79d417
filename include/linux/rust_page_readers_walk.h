/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Which page walk those readers of page tables use that are in C: included by
 * them, after all other headers.
 *
 * With RUST_MM_TWINS there are two. Readers in C that use the walk in C have
 * nothing of it in common with the readers in Rust.
 */
#ifndef _LINUX_RUST_PAGE_READERS_WALK_H
#define _LINUX_RUST_PAGE_READERS_WALK_H

#include <linux/rust_page_readers.h>
#include <linux/rust_pagewalk_twins.h>

#if defined(CONFIG_RUST_PAGE_READERS) && defined(CONFIG_RUST_MM_TWINS)
DECLARE_STATIC_KEY_FALSE(page_readers_walk_in_c);

static inline bool readers_walk_in_c(void)
{
	return static_branch_unlikely(&page_readers_walk_in_c);
}

#define walk_page_range(...)						\
	(readers_walk_in_c() ? c_walk_page_range(__VA_ARGS__) :	\
				    walk_page_range(__VA_ARGS__))
#define walk_page_range_vma(...)					\
	(readers_walk_in_c() ? c_walk_page_range_vma(__VA_ARGS__) : \
				    walk_page_range_vma(__VA_ARGS__))
#define walk_page_vma(...)						\
	(readers_walk_in_c() ? c_walk_page_vma(__VA_ARGS__) :	\
				    walk_page_vma(__VA_ARGS__))
#define walk_page_range_debug(...)					\
	(readers_walk_in_c() ? c_walk_page_range_debug(__VA_ARGS__) : \
				    walk_page_range_debug(__VA_ARGS__))
#endif

#endif /* _LINUX_RUST_PAGE_READERS_WALK_H */
