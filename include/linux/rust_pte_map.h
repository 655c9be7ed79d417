/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What mm/pgtable-generic.c leaves to mm/pte_map.rs: included there, after all
 * other headers.
 */
#ifndef _LINUX_RUST_PTE_MAP_H
#define _LINUX_RUST_PTE_MAP_H

#include <linux/rust_mm_twins.h>

#ifdef CONFIG_RUST_PTE_MAP
#ifdef CONFIG_RUST_MM_TWINS
#define __pte_offset_map		c___pte_offset_map
#define pte_offset_map_ro_nolock	c_pte_offset_map_ro_nolock
#define pte_offset_map_rw_nolock	c_pte_offset_map_rw_nolock
#define pte_offset_map_lock		c_pte_offset_map_lock
#define ptep_clear_flush		c_ptep_clear_flush
#define pgtable_trans_huge_deposit	c_pgtable_trans_huge_deposit
#define pgtable_trans_huge_withdraw	c_pgtable_trans_huge_withdraw
#else
#define __HAVE_ARCH_PTEP_CLEAR_FLUSH
#define __HAVE_ARCH_PGTABLE_DEPOSIT
#define __HAVE_ARCH_PGTABLE_WITHDRAW
#endif
/* There is nothing about it to be compared */
#define pte_free_defer			pte_free_defer
#endif /* CONFIG_RUST_PTE_MAP */

#endif /* _LINUX_RUST_PTE_MAP_H */
