/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What mm/gup.c leaves to mm/gup.rs: included there, after all other headers.
 */
#ifndef _LINUX_RUST_GUP_H
#define _LINUX_RUST_GUP_H

#include <linux/mm.h>
#include <linux/pagemap.h>

#ifdef CONFIG_RUST_GUP
#define try_grab_folio			c_try_grab_folio
#define folio_add_pin			c_folio_add_pin
#define folio_add_pins			c_folio_add_pins
#define unpin_user_page			c_unpin_user_page
#define unpin_folio			c_unpin_folio
#define unpin_user_folio		c_unpin_user_folio
#define unpin_folios			c_unpin_folios
#define unpin_user_pages		c_unpin_user_pages
#define unpin_user_pages_dirty_lock	c_unpin_user_pages_dirty_lock
#define unpin_user_page_range_dirty_lock c_unpin_user_page_range_dirty_lock
#define fixup_user_fault		c_fixup_user_fault
#define populate_vma_page_range		c_populate_vma_page_range
#define faultin_page_range		c_faultin_page_range
#define __mm_populate			c___mm_populate
#define fault_in_writeable		c_fault_in_writeable
#define fault_in_subpage_writeable	c_fault_in_subpage_writeable
#define fault_in_safe_writeable		c_fault_in_safe_writeable
#define fault_in_readable		c_fault_in_readable
#define get_dump_page			c_get_dump_page
#define get_user_pages			c_get_user_pages
#define get_user_pages_remote		c_get_user_pages_remote
#define get_user_pages_unlocked		c_get_user_pages_unlocked
#define get_user_pages_fast		c_get_user_pages_fast
#define get_user_pages_fast_only	c_get_user_pages_fast_only
#define pin_user_pages			c_pin_user_pages
#define pin_user_pages_remote		c_pin_user_pages_remote
#define pin_user_pages_unlocked		c_pin_user_pages_unlocked
#define pin_user_pages_fast		c_pin_user_pages_fast
#define memfd_pin_folios		c_memfd_pin_folios
/* Modules call what is in Rust. */
#undef EXPORT_SYMBOL
#undef EXPORT_SYMBOL_GPL
#define EXPORT_SYMBOL(name)
#define EXPORT_SYMBOL_GPL(name)
#endif

#include <linux/rust_gup_twins.h>

#endif /* _LINUX_RUST_GUP_H */
