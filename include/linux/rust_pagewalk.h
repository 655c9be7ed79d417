/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What mm/pagewalk.c leaves to mm/pagewalk.rs: included there, after all other
 * headers.
 */
#ifndef _LINUX_RUST_PAGEWALK_H
#define _LINUX_RUST_PAGEWALK_H

#include <linux/pagewalk.h>

#ifdef CONFIG_RUST_PAGEWALK
#define walk_page_range_mm_unsafe		c_walk_page_range_mm_unsafe
#define walk_page_range				c_walk_page_range
#define walk_page_range_vma_unsafe		c_walk_page_range_vma_unsafe
#define walk_page_range_vma			c_walk_page_range_vma
#define walk_page_vma				c_walk_page_vma
#define walk_page_range_debug			c_walk_page_range_debug
#define walk_kernel_page_table_range		c_walk_kernel_page_table_range
#define walk_kernel_page_table_range_lockless	\
	c_walk_kernel_page_table_range_lockless
#define walk_page_mapping			c_walk_page_mapping
#define folio_walk_start			c_folio_walk_start
#endif

#include <linux/rust_pagewalk_twins.h>

#endif /* _LINUX_RUST_PAGEWALK_H */
