/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The C of getting user pages, under its other names: see rust_mm_twins.h.
 */
#ifndef _LINUX_RUST_GUP_TWINS_H
#define _LINUX_RUST_GUP_TWINS_H

#include <linux/jump_label.h>
#include <linux/mm_types.h>

#ifdef CONFIG_RUST_MM_TWINS
int __must_check c_try_grab_folio(struct folio *folio, int refs,
				  unsigned int flags);
void c_folio_add_pin(struct folio *folio);
int c_folio_add_pins(struct folio *folio, unsigned int pins);
void c_unpin_user_page(struct page *page);
void c_unpin_folio(struct folio *folio);
void c_unpin_user_folio(struct folio *folio, unsigned long npages);
void c_unpin_folios(struct folio **folios, unsigned long nfolios);
void c_unpin_user_pages(struct page **pages, unsigned long npages);
void c_unpin_user_pages_dirty_lock(struct page **pages, unsigned long npages,
				   bool make_dirty);
void c_unpin_user_page_range_dirty_lock(struct page *page,
					unsigned long npages, bool make_dirty);
int c_fixup_user_fault(struct mm_struct *mm, unsigned long address,
		       unsigned int fault_flags, bool *unlocked);
long c_populate_vma_page_range(struct vm_area_struct *vma, unsigned long start,
			       unsigned long end, int *locked);
long c_faultin_page_range(struct mm_struct *mm, unsigned long start,
			  unsigned long end, bool write, int *locked);
int c___mm_populate(unsigned long start, unsigned long len, int ignore_errors);
size_t c_fault_in_writeable(char __user *uaddr, size_t size);
size_t c_fault_in_subpage_writeable(char __user *uaddr, size_t size);
size_t c_fault_in_safe_writeable(const char __user *uaddr, size_t size);
size_t c_fault_in_readable(const char __user *uaddr, size_t size);
struct page *c_get_dump_page(unsigned long addr, int *locked);
long c_get_user_pages(unsigned long start, unsigned long nr_pages,
		      unsigned int gup_flags, struct page **pages);
long c_get_user_pages_remote(struct mm_struct *mm, unsigned long start,
			     unsigned long nr_pages, unsigned int gup_flags,
			     struct page **pages, int *locked);
long c_get_user_pages_unlocked(unsigned long start, unsigned long nr_pages,
			       struct page **pages, unsigned int gup_flags);
int c_get_user_pages_fast(unsigned long start, int nr_pages,
			  unsigned int gup_flags, struct page **pages);
int c_get_user_pages_fast_only(unsigned long start, int nr_pages,
			       unsigned int gup_flags, struct page **pages);
long c_pin_user_pages(unsigned long start, unsigned long nr_pages,
		      unsigned int gup_flags, struct page **pages);
long c_pin_user_pages_remote(struct mm_struct *mm, unsigned long start,
			     unsigned long nr_pages, unsigned int gup_flags,
			     struct page **pages, int *locked);
long c_pin_user_pages_unlocked(unsigned long start, unsigned long nr_pages,
			       struct page **pages, unsigned int gup_flags);
int c_pin_user_pages_fast(unsigned long start, int nr_pages,
			  unsigned int gup_flags, struct page **pages);
long c_memfd_pin_folios(struct file *memfd, loff_t start, loff_t end,
			struct folio **folios, unsigned int max_folios,
			pgoff_t *offset);

/* Enabled while a test does something in the middle of taking pages */
struct gup_hook {
	struct static_key_false key;
};

extern struct gup_hook gup_hook;
#endif

#endif /* _LINUX_RUST_GUP_TWINS_H */
