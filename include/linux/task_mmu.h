/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What fs/proc/task_mmu.c shares with fs/proc/task_mmu.rs.
 */
#ifndef _LINUX_TASK_MMU_H
#define _LINUX_TASK_MMU_H

#include <linux/fs.h>
#include <linux/mm_types.h>
#include <linux/rust_page_readers.h>

/* What smaps tells of a VMA; in bytes, pss in bytes << PSS_SHIFT */
struct mem_size_stats {
	unsigned long resident;
	unsigned long shared_clean;
	unsigned long shared_dirty;
	unsigned long private_clean;
	unsigned long private_dirty;
	unsigned long referenced;
	unsigned long anonymous;
	unsigned long lazyfree;
	unsigned long anonymous_thp;
	unsigned long shmem_thp;
	unsigned long file_thp;
	unsigned long swap;
	unsigned long shared_hugetlb;
	unsigned long private_hugetlb;
	unsigned long ksm;
	u64 pss;
	u64 pss_anon;
	u64 pss_file;
	u64 pss_shmem;
	u64 pss_dirty;
	u64 pss_locked;
	u64 swap_pss;
};

/* A PAGEMAP_SCAN under way */
struct pagemap_scan_private {
	struct pm_scan_arg arg;
	unsigned long masks_of_interest, cur_vma_category;
	struct page_region *vec_buf;
	unsigned long vec_buf_len, vec_buf_index, found_pages;
	struct page_region __user *vec_out;
};

/**
 * rust_smaps() - Add up what a part of a VMA maps.
 * @vma: The VMA.
 * @start: Where the part starts; it goes up to the end.
 * @mss: What to add to.
 * @count_holes: Whether what is in swap and not mapped counts: @vma is of
 *	shmem, and may map pages of its own beside those of the file.
 *
 * Context: The mmap lock or the VMA lock is held. May sleep.
 */
void rust_smaps(struct vm_area_struct *vma, unsigned long start,
		struct mem_size_stats *mss, bool count_holes);

/**
 * rust_clear_refs() - Forget that pages were accessed or written to.
 * @mm: Whose pages.
 * @type: What to forget, and of which pages, as user space writes it.
 *
 * The caller flushes the TLBs.
 *
 * Context: The mmap lock is held for writing. May sleep.
 */
void rust_clear_refs(struct mm_struct *mm, int type);

/**
 * rust_pagemap() - Write words of the pagemap.
 * @mm: Whose pagemap.
 * @start: The first address.
 * @end: The first address behind, in the same block of 2 MiB at most.
 * @buffer: Where to write to.
 * @len: Words that there is room for.
 * @pos: How many words are there already, and will be.
 * @show_pfn: Whether to tell the numbers of page frames and places in swap.
 *
 * Context: The mmap lock is held. May sleep.
 * Return: 1 if the buffer is full, else 0.
 */
int rust_pagemap(struct mm_struct *mm, unsigned long start, unsigned long end,
		 u64 *buffer, int len, int *pos, bool show_pfn);

/**
 * rust_pagemap_scan() - Look for pages of some categories.
 * @mm: Whose pages.
 * @start: The first address.
 * @end: The first address behind.
 * @scan: What to look for, and where to tell what was found.
 *
 * Context: The mmap lock is held, and MMU notifiers were told if pages are to
 * be write-protected. May sleep.
 * Return: 0, -ENOSPC if there is no place for more, or another error.
 */
int rust_pagemap_scan(struct mm_struct *mm, unsigned long start,
		      unsigned long end, struct pagemap_scan_private *scan);
#endif /* _LINUX_TASK_MMU_H */
