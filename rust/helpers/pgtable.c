// SPDX-License-Identifier: GPL-2.0
/*
 * Inline functions and macros of the C side that the page table code calls.
 */
#include <linux/hugetlb_inline.h>
#include <linux/leafops.h>
#include <linux/mm.h>
#include <linux/pgalloc.h>
#include <linux/pgtable.h>
#include <linux/swapops.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>
#include <asm/tlb.h>

/* --- Walking down to a PMD entry ------------------------------------------ */

__rust_helper pgd_t *rust_helper_pgd_offset(struct mm_struct *mm,
					    unsigned long addr)
{
	return pgd_offset(mm, addr);
}

#ifdef CONFIG_PARAVIRT_XXL
__rust_helper pteval_t rust_helper_pte_val(pte_t entry)
{
	return pte_val(entry);
}

__rust_helper pte_t rust_helper___pte(pteval_t value)
{
	return __pte(value);
}

__rust_helper pmdval_t rust_helper_pmd_val(pmd_t entry)
{
	return pmd_val(entry);
}

__rust_helper pmd_t rust_helper___pmd(pmdval_t value)
{
	return __pmd(value);
}

__rust_helper pudval_t rust_helper_pud_val(pud_t entry)
{
	return pud_val(entry);
}

__rust_helper pud_t rust_helper___pud(pudval_t value)
{
	return __pud(value);
}
#endif

__rust_helper p4d_t *rust_helper_p4d_offset(pgd_t *pgd, unsigned long addr)
{
	return p4d_offset(pgd, addr);
}

__rust_helper pud_t *rust_helper_pud_offset(p4d_t *p4d, unsigned long addr)
{
	return pud_offset(p4d, addr);
}

__rust_helper pmd_t *rust_helper_pmd_offset(pud_t *pud, unsigned long addr)
{
	return pmd_offset(pud, addr);
}

__rust_helper bool rust_helper_pgd_points_to_table(pgd_t *pgd)
{
	pgd_t entry = pgdp_get(pgd);

	return pgd_present(entry) && !pgd_bad(entry);
}

__rust_helper bool rust_helper_p4d_points_to_table(p4d_t *p4d)
{
	p4d_t entry = p4dp_get(p4d);

	return p4d_present(entry) && !p4d_bad(entry);
}

__rust_helper bool rust_helper_pud_points_to_table(pud_t *pud)
{
	pud_t entry = pudp_get(pud);

	return pud_present(entry) && !pud_leaf(entry) && !pud_bad(entry);
}

__rust_helper unsigned long rust_helper_pgd_addr_end(unsigned long addr,
						     unsigned long end)
{
	return pgd_addr_end(addr, end);
}

__rust_helper unsigned long rust_helper_p4d_addr_end(unsigned long addr,
						     unsigned long end)
{
	return p4d_addr_end(addr, end);
}

__rust_helper unsigned long rust_helper_pud_addr_end(unsigned long addr,
						     unsigned long end)
{
	return pud_addr_end(addr, end);
}

/* --- A PMD entry and the table below it ------------------------------------ */

__rust_helper spinlock_t *rust_helper_pmd_lockptr(struct mm_struct *mm,
						  pmd_t *pmd)
{
	return pmd_lockptr(mm, pmd);
}

/* @table is the physical address of a PTE table */
__rust_helper struct ptdesc *rust_helper_pte_table_descriptor(phys_addr_t table)
{
	return page_ptdesc(pfn_to_page(PHYS_PFN(table)));
}

__rust_helper pte_t *rust_helper_pte_table_entry(phys_addr_t table,
						 unsigned long addr)
{
	return (pte_t *)__va(table) + pte_index(addr);
}

__rust_helper void rust_helper_pmd_clear(pmd_t *pmd)
{
	pmd_clear(pmd);
}

__rust_helper spinlock_t *rust_helper_ptdesc_lockptr(struct ptdesc *table)
{
	return ptlock_ptr(table);
}

__rust_helper void rust_helper_spin_lock_nested_once(spinlock_t *lock)
{
	spin_lock_nested(lock, SINGLE_DEPTH_NESTING);
}

__rust_helper struct pte_table_state *
rust_helper_pte_table_state(struct ptdesc *table)
{
	return &table->pt_table;
}

/* Without the table's lock, under which other flags may change */
__rust_helper bool rust_helper_pte_table_tracked(struct ptdesc *table)
{
	return (READ_ONCE(table->pt_table.flags) & PTE_TABLE_TAG_MASK) ==
	       PTE_TABLE_TAG;
}

/* @table is found by nobody any more */
__rust_helper void rust_helper_pte_table_free(struct ptdesc *table)
{
	pagetable_dtor(table);
	pagetable_free(table);
}

/* --- Entries ---------------------------------------------------------------- */

__rust_helper bool rust_helper_cpu_has_shadow_stacks(void)
{
	return cpu_feature_enabled(X86_FEATURE_SHSTK);
}

__rust_helper unsigned int rust_helper_swp_pfn_bits(void)
{
	return SWP_PFN_BITS;
}

__rust_helper void rust_helper_set_pte_at(struct mm_struct *mm,
					  unsigned long addr, pte_t *ptep,
					  pte_t pte)
{
	set_pte_at(mm, addr, ptep, pte);
}

__rust_helper void rust_helper___set_ptes_raw(struct mm_struct *mm,
					      unsigned long addr, pte_t *ptep,
					      pte_t pte, unsigned int nr)
{
	__set_ptes_raw(mm, addr, ptep, pte, nr);
}

__rust_helper pte_t rust_helper_ptep_get_and_clear(struct mm_struct *mm,
						   unsigned long addr,
						   pte_t *ptep)
{
	return ptep_get_and_clear(mm, addr, ptep);
}

__rust_helper pte_t rust_helper___ptep_get_and_clear_raw(struct mm_struct *mm,
							 unsigned long addr,
							 pte_t *ptep)
{
	return __ptep_get_and_clear_raw(mm, addr, ptep);
}

__rust_helper bool rust_helper_pte_accessible(struct mm_struct *mm, pte_t pte)
{
	return pte_accessible(mm, pte);
}

__rust_helper void rust_helper_flush_tlb_page(struct vm_area_struct *vma,
					      unsigned long addr)
{
	flush_tlb_page(vma, addr);
}

__rust_helper struct mm_struct *rust_helper_vma_mm(struct vm_area_struct *vma)
{
	return vma->vm_mm;
}

/* --- Deposited tables ------------------------------------------------------- */

#ifdef CONFIG_TRANSPARENT_HUGEPAGE
__rust_helper void rust_helper_assert_pmd_locked(struct mm_struct *mm,
						 pmd_t *pmd)
{
	assert_spin_locked(pmd_lockptr(mm, pmd));
}

__rust_helper pgtable_t *rust_helper_pmd_deposits(struct mm_struct *mm,
						  pmd_t *pmd)
{
	return &pmd_huge_pte(mm, pmd);
}

__rust_helper void rust_helper_pte_table_ring_alone(struct page *table)
{
	INIT_LIST_HEAD(&table->lru);
}

__rust_helper void rust_helper_pte_table_ring_join(struct page *table,
						   struct page *newest)
{
	list_add(&table->lru, &newest->lru);
}

/* Returns the newest of those that stay, NULL if none does */
__rust_helper struct page *
rust_helper_pte_table_ring_leave(struct page *newest)
{
	struct page *next = list_first_entry_or_null(&newest->lru, struct page,
						     lru);

	if (next)
		list_del(&newest->lru);
	return next;
}

__rust_helper void rust_helper_pte_table_withdrawn(struct page *table)
{
	pte_table_withdrawn(table);
}

__rust_helper struct rcu_head *rust_helper_pte_table_rcu_head(struct page *table)
{
	return &table->rcu_head;
}

__rust_helper void
rust_helper_pte_table_free_by_rcu_head(struct rcu_head *head)
{
	struct page *table = container_of(head, struct page, rcu_head);

	pagetable_dtor_free(page_ptdesc(table));
}
#endif

/* --- Freeing --------------------------------------------------------------- */

__rust_helper void rust_helper_pte_free_tlb(struct mmu_gather *tlb,
					    struct ptdesc *table,
					    unsigned long addr)
{
	pte_free_tlb(tlb, ptdesc_page(table), addr);
}

__rust_helper void rust_helper_mm_dec_nr_ptes(struct mm_struct *mm)
{
	mm_dec_nr_ptes(mm);
}

/* --- Hints ------------------------------------------------------------------ */

__rust_helper struct pte_table_hints *
rust_helper_mm_pte_table_hints(struct mm_struct *mm)
{
	return &mm->pte_table_hints;
}

__rust_helper struct mm_struct *
rust_helper_pte_table_hints_mm(struct work_struct *work)
{
	return container_of(to_delayed_work(work), struct mm_struct,
			    pte_table_hints.work);
}

__rust_helper void rust_helper_might_lock(spinlock_t *lock)
{
	might_lock(lock);
}

__rust_helper bool rust_helper_in_task(void)
{
	return in_task();
}

__rust_helper bool rust_helper_mm_has_vmas(struct mm_struct *mm)
{
	return READ_ONCE(mm->map_count) != 0;
}

__rust_helper bool rust_helper_mm_has_users(struct mm_struct *mm)
{
	return atomic_read(&mm->mm_users) != 0;
}

__rust_helper bool rust_helper_is_user_address(unsigned long addr)
{
	return addr < TASK_SIZE_MAX;
}

__rust_helper bool rust_helper_is_vm_hugetlb_page(struct vm_area_struct *vma)
{
	return is_vm_hugetlb_page(vma);
}

__rust_helper bool rust_helper_pte_table_work_queue(struct delayed_work *work,
						    unsigned long delay_ms)
{
	return queue_delayed_work(free_user_pte_wq, work,
				  msecs_to_jiffies(delay_ms));
}

__rust_helper bool rust_helper_pte_table_work_kick(struct delayed_work *work)
{
	return mod_delayed_work(free_user_pte_wq, work, 0);
}

__rust_helper bool rust_helper_free_user_pte_enabled(void)
{
	return free_user_pte_enabled();
}

__rust_helper void rust_helper_count_vm_event(enum vm_event_item item)
{
	count_vm_event(item);
}

__rust_helper bool rust_helper_mt_in_rcu(struct maple_tree *mt)
{
	return mt_in_rcu(mt);
}

__rust_helper int rust_helper_cond_resched(void)
{
	return cond_resched();
}

__rust_helper int rust_helper_spin_needbreak(spinlock_t *lock)
{
	return spin_needbreak(lock);
}
