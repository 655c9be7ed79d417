/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The C that Rust replaces, kept for comparison under other names.
 *
 * With RUST_MM_TWINS each function that is in Rust has a twin in C whose name
 * begins with c_. Nothing calls it but tests.
 */
#ifndef _LINUX_RUST_MM_TWINS_H
#define _LINUX_RUST_MM_TWINS_H

#include <linux/mm_types.h>

#ifdef CONFIG_RUST_MM_TWINS

/* In the directory of rust_mm_twins.c: see rust_mm_twins_migrating.c */
struct file_operations;
extern const struct file_operations rust_mm_twins_migrating_fops;

pte_t *c___pte_offset_map(pmd_t *pmd, unsigned long addr, pmd_t *pmdvalp);
pte_t *c_pte_offset_map_ro_nolock(struct mm_struct *mm, pmd_t *pmd,
				  unsigned long addr, spinlock_t **ptlp);
pte_t *c_pte_offset_map_rw_nolock(struct mm_struct *mm, pmd_t *pmd,
				  unsigned long addr, pmd_t *pmdvalp,
				  spinlock_t **ptlp);
pte_t *c_pte_offset_map_lock(struct mm_struct *mm, pmd_t *pmd,
			     unsigned long addr, spinlock_t **ptlp);
pte_t c_ptep_clear_flush(struct vm_area_struct *vma, unsigned long addr,
			 pte_t *ptep);
void c_pgtable_trans_huge_deposit(struct mm_struct *mm, pmd_t *pmdp,
				  pgtable_t pgtable);
pgtable_t c_pgtable_trans_huge_withdraw(struct mm_struct *mm, pmd_t *pmdp);

/* What C makes of an entry. */
enum c_pte_kind {
	C_PTE_NONE,
	C_PTE_PRESENT,
	C_PTE_SWAP,
	C_PTE_MIGRATION_READ,
	C_PTE_MIGRATION_EXCLUSIVE,
	C_PTE_MIGRATION_WRITE,
	C_PTE_DEVICE_READ,
	C_PTE_DEVICE_WRITE,
	C_PTE_DEVICE_EXCLUSIVE,
	C_PTE_HWPOISON,
	C_PTE_MARKER,
	C_PTE_UNKNOWN,
};

enum c_pmd_kind {
	C_PMD_NONE,
	C_PMD_NOT_PRESENT,
	C_PMD_LEAF,
	C_PMD_BAD,
	C_PMD_TABLE,
};

u32 c_pte_flags(pte_t pte);
enum c_pte_kind c_pte_kind(pte_t pte, unsigned long *value);
enum c_pmd_kind c_pmd_kind(pmd_t pmd, unsigned long *pfn);

#endif /* CONFIG_RUST_MM_TWINS */

#endif /* _LINUX_RUST_MM_TWINS_H */
