/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The C of page walks, under its other names: see rust_mm_twins.h.
 */
#ifndef _LINUX_RUST_PAGEWALK_TWINS_H
#define _LINUX_RUST_PAGEWALK_TWINS_H

#include <linux/pagewalk.h>

#ifdef CONFIG_RUST_MM_TWINS
int c_walk_page_range_mm_unsafe(struct mm_struct *mm, unsigned long start,
				unsigned long end,
				const struct mm_walk_ops *ops, void *private);
int c_walk_page_range(struct mm_struct *mm, unsigned long start,
		      unsigned long end, const struct mm_walk_ops *ops,
		      void *private);
int c_walk_page_range_vma_unsafe(struct vm_area_struct *vma,
				 unsigned long start, unsigned long end,
				 const struct mm_walk_ops *ops, void *private);
int c_walk_page_range_vma(struct vm_area_struct *vma, unsigned long start,
			  unsigned long end, const struct mm_walk_ops *ops,
			  void *private);
int c_walk_page_vma(struct vm_area_struct *vma, const struct mm_walk_ops *ops,
		    void *private);
int c_walk_page_range_debug(struct mm_struct *mm, unsigned long start,
			    unsigned long end, const struct mm_walk_ops *ops,
			    pgd_t *pgd, void *private);
int c_walk_kernel_page_table_range(unsigned long start, unsigned long end,
				   const struct mm_walk_ops *ops, pgd_t *pgd,
				   void *private);
int c_walk_kernel_page_table_range_lockless(unsigned long start,
					    unsigned long end,
					    const struct mm_walk_ops *ops,
					    pgd_t *pgd, void *private);
int c_walk_page_mapping(struct address_space *mapping, pgoff_t first_index,
			pgoff_t nr, const struct mm_walk_ops *ops,
			void *private);
struct folio *c_folio_walk_start(struct folio_walk *fw,
				 struct vm_area_struct *vma, unsigned long addr,
				 folio_walk_flags_t flags);
#endif

#endif /* _LINUX_RUST_PAGEWALK_TWINS_H */
