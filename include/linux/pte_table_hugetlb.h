/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User PTE tables: keep hugetlb out of the accounting.
 *
 * hugetlb passes entries of PMD and PUD tables off as PTEs. They must not be
 * counted: in the descriptor of a PMD table the word that holds the count
 * belongs to hugetlb itself, which shares such tables between processes.
 *
 * Included by <asm/hugetlb.h>, ahead of <asm-generic/hugetlb.h>, which would
 * define the same by the functions that do count.
 */
#ifndef _LINUX_PTE_TABLE_HUGETLB_H
#define _LINUX_PTE_TABLE_HUGETLB_H

#include <linux/mm.h>
#include <asm/tlbflush.h>

#ifdef CONFIG_FREE_USER_PTE

#define __HAVE_ARCH_HUGE_PTE_CLEAR
static inline void huge_pte_clear(struct mm_struct *mm, unsigned long addr,
				  pte_t *ptep, unsigned long sz)
{
	__pte_clear_raw(mm, addr, ptep);
}

#define __HAVE_ARCH_HUGE_SET_HUGE_PTE_AT
static inline void set_huge_pte_at(struct mm_struct *mm, unsigned long addr,
				   pte_t *ptep, pte_t pte, unsigned long sz)
{
	__set_ptes_raw(mm, addr, ptep, pte, 1);
}

#define __HAVE_ARCH_HUGE_PTEP_GET_AND_CLEAR
static inline pte_t huge_ptep_get_and_clear(struct mm_struct *mm,
					    unsigned long addr, pte_t *ptep,
					    unsigned long sz)
{
	return __ptep_get_and_clear_raw(mm, addr, ptep);
}

/* Modules, which have no use for it, are not shown how to flush a TLB. */
#ifndef MODULE
#define __HAVE_ARCH_HUGE_PTEP_CLEAR_FLUSH
static inline pte_t huge_ptep_clear_flush(struct vm_area_struct *vma,
					  unsigned long addr, pte_t *ptep)
{
	pte_t pte = __ptep_get_and_clear_raw(vma->vm_mm, addr, ptep);

	if (pte_accessible(vma->vm_mm, pte))
		flush_tlb_page(vma, addr);
	return pte;
}
#endif

#endif /* CONFIG_FREE_USER_PTE */

#endif /* _LINUX_PTE_TABLE_HUGETLB_H */
