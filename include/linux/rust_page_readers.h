/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether what reads page tables for user space is to be in Rust, or in C.
 *
 * With RUST_MM_TWINS there are both, and
 * /sys/kernel/debug/rust_mm_twins/readers says which is used. It also says
 * which page walk those in C use: see rust_page_readers_walk.h.
 */
#ifndef _LINUX_RUST_PAGE_READERS_H
#define _LINUX_RUST_PAGE_READERS_H

#include <linux/jump_label.h>
#include <linux/mm_types.h>

#if defined(CONFIG_RUST_PAGE_READERS) && defined(CONFIG_RUST_MM_TWINS)
DECLARE_STATIC_KEY_FALSE(page_readers_in_c);

static inline bool page_readers_in_rust(void)
{
	return !static_branch_unlikely(&page_readers_in_c);
}
#else
static inline bool page_readers_in_rust(void)
{
	return IS_ENABLED(CONFIG_RUST_PAGE_READERS);
}
#endif

/* For functions of C that Rust calls as well */
#ifdef CONFIG_RUST_PAGE_READERS
#define VISIBLE_IF_RUST

/* mm/mincore.c */
int __mincore_unmapped_range(unsigned long addr, unsigned long end,
			     struct vm_area_struct *vma, unsigned char *vec);
unsigned char mincore_swap(swp_entry_t entry, bool shmem);

/* fs/proc/task_mmu.c */
struct mm_walk;
int pagemap_scan_hugetlb_entry(pte_t *ptep, unsigned long hmask,
			       unsigned long start, unsigned long end,
			       struct mm_walk *walk);
int pagemap_scan_hugetlb_hole_wp(struct vm_area_struct *vma,
				 unsigned long addr, unsigned long end);
#else
#define VISIBLE_IF_RUST static
#endif

/**
 * rust_mincore() - Tell which pages are in memory.
 * @vma: What maps them.
 * @start: The first address.
 * @end: The first address behind, in the same VMA.
 * @vec: Where to write a byte for each page.
 *
 * Context: The mmap lock is held. May sleep.
 * Return: 0.
 */
int rust_mincore(struct vm_area_struct *vma, unsigned long start,
		 unsigned long end, unsigned char *vec);

struct ptdump_state;

/**
 * rust_ptdump() - Tell of each entry of a range.
 * @mm: Whose tables.
 * @start: The first address.
 * @end: The first address behind.
 * @pgd: The root, if it is not that of @mm.
 * @state: Whom to tell.
 *
 * Context: The mmap lock of @mm and that of init_mm are held for writing.
 */
void rust_ptdump(struct mm_struct *mm, unsigned long start, unsigned long end,
		 pgd_t *pgd, struct ptdump_state *state);

#endif /* _LINUX_RUST_PAGE_READERS_H */
