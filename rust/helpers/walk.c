// SPDX-License-Identifier: GPL-2.0
/*
 * Inline functions and macros of the C side that page walks call.
 */
#include <linux/huge_mm.h>
#include <linux/hugetlb.h>
#include <linux/kasan.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/pagewalk.h>
#include <linux/pgalloc.h>
#include <linux/rust_page_readers.h>
#include <linux/task_mmu.h>
#include <linux/page_idle.h>
#include <linux/sched.h>
#include <linux/shmem_fs.h>
#include <linux/userfaultfd_k.h>

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

__rust_helper int rust_helper_pud_none_or_clear_bad(pud_t *pud)
{
	return pud_none_or_clear_bad(pud);
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

__rust_helper unsigned long rust_helper_folio_flags_now(struct folio *folio)
{
	return READ_ONCE(folio->flags.f);
}

__rust_helper unsigned long rust_helper_folio_mapping_flags(struct folio *folio)
{
	return (unsigned long)folio->mapping & FOLIO_MAPPING_FLAGS;
}

__rust_helper bool rust_helper_folio_test_large(struct folio *folio)
{
	return folio_test_large(folio);
}

__rust_helper bool rust_helper_folio_is_zone_device(struct folio *folio)
{
	return folio_is_zone_device(folio);
}

__rust_helper unsigned long rust_helper_compound_nr(struct page *page)
{
	return compound_nr(page);
}

__rust_helper int rust_helper_folio_ref_count(struct folio *folio)
{
	return folio_ref_count(folio);
}

/* Mappings of the page by itself: 0 if the field has another use */
__rust_helper int rust_helper_page_own_mapcount(struct page *page)
{
	int mapcount = atomic_read(&page->_mapcount) + 1;

	return page_mapcount_is_type(mapcount) ? 0 : mapcount;
}

__rust_helper int rust_helper_folio_entire_mapcount(struct folio *folio)
{
	return folio_entire_mapcount(folio);
}

__rust_helper bool rust_helper_folio_maybe_mapped_shared(struct folio *folio)
{
	return folio_maybe_mapped_shared(folio);
}

__rust_helper bool rust_helper_folio_maybe_dma_pinned(struct folio *folio)
{
	return folio_maybe_dma_pinned(folio);
}

__rust_helper bool rust_helper_folio_test_clear_young(struct folio *folio)
{
	return folio_test_clear_young(folio);
}

__rust_helper void rust_helper_folio_clear_referenced(struct folio *folio)
{
	folio_clear_referenced(folio);
}

/* --- Marks of entries --------------------------------------------------------- */

__rust_helper pte_t rust_helper_pte_mkold(pte_t pte)
{
	return pte_mkold(pte);
}

__rust_helper bool rust_helper_pmdp_test_and_clear_young(
	struct vm_area_struct *vma, unsigned long addr, pmd_t *pmd)
{
	return pmdp_test_and_clear_young(vma, addr, pmd);
}

__rust_helper pte_t rust_helper_pte_wrprotect(pte_t pte)
{
	return pte_wrprotect(pte);
}

__rust_helper pte_t rust_helper_pte_clear_soft_dirty(pte_t pte)
{
	return pte_clear_soft_dirty(pte);
}

__rust_helper pte_t rust_helper_pte_swp_clear_soft_dirty(pte_t pte)
{
	return pte_swp_clear_soft_dirty(pte);
}

__rust_helper pte_t rust_helper_pte_mkuffd(pte_t pte)
{
	return pte_mkuffd(pte);
}

__rust_helper pte_t rust_helper_pte_swp_mkuffd(pte_t pte)
{
	return pte_swp_mkuffd(pte);
}

__rust_helper pte_t rust_helper_pte_uffd_wp_marker(void)
{
	return make_pte_marker(PTE_MARKER_UFFD_WP);
}

__rust_helper pmd_t rust_helper_pmd_mkdirty(pmd_t pmd)
{
	return pmd_mkdirty(pmd);
}

__rust_helper pmd_t rust_helper_pmd_mkyoung(pmd_t pmd)
{
	return pmd_mkyoung(pmd);
}

__rust_helper pmd_t rust_helper_pmd_wrprotect(pmd_t pmd)
{
	return pmd_wrprotect(pmd);
}

__rust_helper pmd_t rust_helper_pmd_clear_soft_dirty(pmd_t pmd)
{
	return pmd_clear_soft_dirty(pmd);
}

__rust_helper pmd_t rust_helper_pmd_swp_clear_soft_dirty(pmd_t pmd)
{
	return pmd_swp_clear_soft_dirty(pmd);
}

__rust_helper pmd_t rust_helper_pmd_mkuffd(pmd_t pmd)
{
	return pmd_mkuffd(pmd);
}

__rust_helper pmd_t rust_helper_pmd_swp_mkuffd(pmd_t pmd)
{
	return pmd_swp_mkuffd(pmd);
}

__rust_helper bool rust_helper_pmd_is_migration_entry(pmd_t pmd)
{
	return pmd_is_migration_entry(pmd);
}

__rust_helper void rust_helper_set_pmd_at(struct mm_struct *mm,
					  unsigned long addr, pmd_t *pmdp,
					  pmd_t pmd)
{
	set_pmd_at(mm, addr, pmdp, pmd);
}

__rust_helper pmd_t rust_helper_pmdp_invalidate(struct vm_area_struct *vma,
						unsigned long addr, pmd_t *pmd)
{
	return pmdp_invalidate(vma, addr, pmd);
}

__rust_helper pmd_t rust_helper_pmdp_invalidate_ad(struct vm_area_struct *vma,
						   unsigned long addr,
						   pmd_t *pmd)
{
	return pmdp_invalidate_ad(vma, addr, pmd);
}

__rust_helper void rust_helper_flush_tlb_range(struct vm_area_struct *vma,
					       unsigned long start,
					       unsigned long end)
{
	flush_tlb_range(vma, start, end);
}

/* --- Readers ------------------------------------------------------------------ */

#ifdef CONFIG_RUST_PAGE_READERS
__rust_helper unsigned char rust_helper_mincore_swapped(unsigned int area,
							unsigned long offset)
{
	return mincore_swap(swp_entry(area, offset), false);
}
#endif

__rust_helper int rust_helper_swap_entry_users(unsigned int area,
					       unsigned long offset)
{
	return swp_swapcount(swp_entry(area, offset));
}

__rust_helper unsigned long
rust_helper_vma_partial_swap_usage(struct vm_area_struct *vma,
				   unsigned long start, unsigned long end)
{
#ifdef CONFIG_SHMEM
	return shmem_partial_swap_usage(vma->vm_file->f_mapping,
					linear_page_index(vma, start),
					linear_page_index(vma, end));
#else
	return 0;
#endif
}

__rust_helper bool rust_helper_pgtable_supports_soft_dirty(void)
{
	return pgtable_supports_soft_dirty();
}

__rust_helper bool rust_helper_mm_has_pinned(struct mm_struct *mm)
{
	return mm_flags_test(MMF_HAS_PINNED, mm);
}

__rust_helper bool rust_helper_userfaultfd_wp(struct vm_area_struct *vma)
{
	return userfaultfd_wp(vma);
}

__rust_helper bool rust_helper_userfaultfd_rwp(struct vm_area_struct *vma)
{
	return userfaultfd_rwp(vma);
}

__rust_helper bool rust_helper_uffd_wp_scannable(struct vm_area_struct *vma)
{
	return userfaultfd_wp_async(vma) && userfaultfd_wp_use_markers(vma);
}

/* --- Dumps -------------------------------------------------------------------- */

__rust_helper unsigned long rust_helper_mm_task_size(struct mm_struct *mm)
{
	return mm->task_size;
}

__rust_helper int rust_helper_mmap_write_lock_killable(struct mm_struct *mm)
{
	return mmap_write_lock_killable(mm);
}

__rust_helper void rust_helper_mmap_write_unlock(struct mm_struct *mm)
{
	mmap_write_unlock(mm);
}

__rust_helper pgd_t rust_helper_pgd_of(u64 value)
{
	return __pgd(value);
}

__rust_helper p4d_t rust_helper_p4d_of(u64 value)
{
	return __p4d(value);
}

/* Whether an entry points to a table that all of KASAN's shadow of nothing has */
__rust_helper bool rust_helper_leads_to_kasan_shadow(enum pgtable_level level,
						     u64 value)
{
#ifdef CONFIG_KASAN_GENERIC
	phys_addr_t table = value & PTE_PFN_MASK;

	switch (level) {
	case PGTABLE_LEVEL_PGD:
		return table == __pa_symbol(kasan_early_shadow_p4d);
	case PGTABLE_LEVEL_P4D:
		return table == __pa_symbol(kasan_early_shadow_pud);
	case PGTABLE_LEVEL_PUD:
		return table == __pa_symbol(kasan_early_shadow_pmd);
	case PGTABLE_LEVEL_PMD:
		return table == __pa_symbol(kasan_early_shadow_pte);
	default:
		break;
	}
#endif
	return false;
}

__rust_helper pte_t rust_helper_kasan_shadow_entry(void)
{
#ifdef CONFIG_KASAN_GENERIC
	return kasan_early_shadow_pte[0];
#else
	return __pte(0);
#endif
}

/* --- Tests -------------------------------------------------------------------- */

__rust_helper u64 rust_helper_phys_of(void *address)
{
	return __pa(address);
}

__rust_helper void *rust_helper_virt_of(u64 address)
{
	return __va(address);
}

#ifdef CONFIG_RUST_MM_TWINS
__rust_helper void rust_helper_mmap_write_lock(struct mm_struct *mm)
{
	mmap_write_lock(mm);
}

__rust_helper void rust_helper_mmap_write_lock_nested(struct mm_struct *mm,
						      int subclass)
{
	mmap_write_lock_nested(mm, subclass);
}

__rust_helper void
rust_helper_i_mmap_lock_read(struct address_space *mapping)
{
	i_mmap_lock_read(mapping);
}

__rust_helper void
rust_helper_i_mmap_unlock_read(struct address_space *mapping)
{
	i_mmap_unlock_read(mapping);
}

__rust_helper void rust_helper_folio_walk_end(struct folio_walk *walk,
					      struct vm_area_struct *vma)
{
	folio_walk_end(walk, vma);
}

__rust_helper pte_t rust_helper_make_pte_marker(pte_marker marker)
{
	return make_pte_marker(marker);
}
#endif
