// SPDX-License-Identifier: GPL-2.0
/*
 * Inline functions and macros of the C side that page walks call.
 */
#include <linux/huge_mm.h>
#include <linux/hugetlb.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagewalk.h>
#include <linux/pgalloc.h>
#include <linux/sched.h>

/* --- Levels ------------------------------------------------------------------ */

__rust_helper pgd_t *rust_helper_pgd_offset_pgd(pgd_t *root, unsigned long addr)
{
	return pgd_offset_pgd(root, addr);
}

__rust_helper unsigned int rust_helper_pgdir_shift_now(void)
{
	return PGDIR_SHIFT;
}

__rust_helper bool rust_helper_has_p4d_tables(void)
{
	return PTRS_PER_P4D > 1;
}

__rust_helper int rust_helper_pgd_none_or_clear_bad(pgd_t *pgd)
{
	return pgd_none_or_clear_bad(pgd);
}

__rust_helper int rust_helper_p4d_none_or_clear_bad(p4d_t *p4d)
{
	return p4d_none_or_clear_bad(p4d);
}

__rust_helper u64 rust_helper_pgd_read(pgd_t *pgd)
{
	return pgd_val(pgdp_get(pgd));
}

__rust_helper u64 rust_helper_p4d_read(p4d_t *p4d)
{
	return p4d_val(p4dp_get(p4d));
}

__rust_helper spinlock_t *rust_helper_pud_lockptr(struct mm_struct *mm,
						  pud_t *pud)
{
	return pud_lockptr(mm, pud);
}

__rust_helper void rust_helper_split_huge_pud(struct vm_area_struct *vma,
					      pud_t *pud, unsigned long addr)
{
	split_huge_pud(vma, pud, addr);
}

__rust_helper void rust_helper_split_huge_pmd(struct vm_area_struct *vma,
					      pmd_t *pmd, unsigned long addr)
{
	split_huge_pmd(vma, pmd, addr);
}

__rust_helper pte_t *rust_helper_pte_offset_kernel(pmd_t *pmd,
						   unsigned long addr)
{
	return pte_offset_kernel(pmd, addr);
}

__rust_helper bool rust_helper_is_user_address_of_task(unsigned long addr)
{
	return addr < TASK_SIZE;
}

__rust_helper bool rust_helper_pte_entry_is_none(pte_t *pte)
{
	return pte_none(ptep_get(pte));
}

/* Of a walk of a VMA: others do not install entries */
__rust_helper void rust_helper_pte_install(struct mm_walk *walk,
					   unsigned long addr, pte_t *pte,
					   pte_t value)
{
	set_pte_at(walk->mm, addr, pte, value);
	/* Some processors remember that there was none. */
	if (!WARN_ON_ONCE(walk->no_vma))
		update_mmu_cache(walk->vma, addr, pte);
}

/* --- Locks ------------------------------------------------------------------- */

__rust_helper void rust_helper_mmap_assert_locked(const struct mm_struct *mm)
{
	mmap_assert_locked(mm);
}

__rust_helper void
rust_helper_mmap_assert_write_locked(const struct mm_struct *mm)
{
	mmap_assert_write_locked(mm);
}

__rust_helper void rust_helper_vma_start_write(struct vm_area_struct *vma)
{
	vma_start_write(vma);
}

__rust_helper void
rust_helper_vma_assert_write_locked(struct vm_area_struct *vma)
{
	vma_assert_write_locked(vma);
}

__rust_helper void rust_helper_vma_assert_locked(struct vm_area_struct *vma)
{
	vma_assert_locked(vma);
}

__rust_helper void
rust_helper_i_mmap_assert_locked(struct address_space *mapping)
{
	i_mmap_assert_locked(mapping);
}

/* --- VMAs -------------------------------------------------------------------- */

__rust_helper bool rust_helper_vma_is_pfnmap(struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_PFNMAP;
}

__rust_helper unsigned long
rust_helper_vma_start_pgoff(const struct vm_area_struct *vma)
{
	return vma_start_pgoff(vma);
}

#ifdef CONFIG_HUGETLB_PAGE
__rust_helper unsigned long
rust_helper_hugetlb_vma_page_size(struct vm_area_struct *vma)
{
	return huge_page_size(hstate_vma(vma));
}

__rust_helper pte_t *rust_helper_hugetlb_walk(struct vm_area_struct *vma,
					      unsigned long addr,
					      unsigned long size)
{
	return hugetlb_walk(vma, addr, size);
}

__rust_helper spinlock_t *
rust_helper_hugetlb_entry_lock(struct vm_area_struct *vma, pte_t *pte)
{
	return huge_pte_lock(hstate_vma(vma), vma->vm_mm, pte);
}

__rust_helper pte_t rust_helper_hugetlb_entry_read(struct vm_area_struct *vma,
						   unsigned long addr,
						   pte_t *pte)
{
	return huge_ptep_get(vma->vm_mm, addr, pte);
}

__rust_helper bool rust_helper_hugetlb_pmd_shared(pte_t *pte)
{
	return hugetlb_pmd_shared(pte);
}
#endif

/* --- Folios ------------------------------------------------------------------- */

__rust_helper struct folio *rust_helper_page_folio(struct page *page)
{
	return page_folio(page);
}

__rust_helper struct page *rust_helper_pfn_to_page(unsigned long pfn)
{
	return pfn_to_page(pfn);
}

__rust_helper struct page *rust_helper_pmd_page(pmd_t pmd)
{
	return pmd_page(pmd);
}

__rust_helper bool rust_helper_is_zero_pfn(unsigned long pfn)
{
	return is_zero_pfn(pfn);
}

__rust_helper bool rust_helper_is_huge_zero_pmd(pmd_t pmd)
{
	return is_huge_zero_pmd(pmd);
}
