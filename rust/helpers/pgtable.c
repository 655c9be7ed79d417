// SPDX-License-Identifier: GPL-2.0
/*
 * Inline functions and macros of the C side that the page table code calls.
 */
#include <linux/hugetlb_inline.h>
#include <linux/mm.h>
#include <linux/pgalloc.h>
#include <linux/pgtable.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>
#include <asm/tlb.h>

/* --- Walking down to a PMD entry ------------------------------------------ */

__rust_helper pgd_t *rust_helper_pgd_offset(struct mm_struct *mm,
					    unsigned long addr)
{
	return pgd_offset(mm, addr);
}

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

/* The descriptor of the PTE table that @pmd points to, NULL if to none */
__rust_helper struct ptdesc *rust_helper_pmd_table(pmd_t *pmd)
{
	pmd_t entry = pmdp_get(pmd);

	if (!pmd_present(entry) || pmd_leaf(entry) || pmd_bad(entry))
		return NULL;
	return page_ptdesc(pmd_page(entry));
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

__rust_helper bool rust_helper_pte_table_freeze(struct ptdesc *table)
{
	return atomic_cmpxchg(&table->pt_table.refs, 1, 0) == 1;
}

__rust_helper pte_t *rust_helper_pte_table_entries(struct ptdesc *table)
{
	return pte_table_entries(table);
}

__rust_helper bool rust_helper_pte_none(pte_t pte)
{
	return pte_none(pte);
}

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

__rust_helper bool rust_helper_mm_has_vmas(struct mm_struct *mm)
{
	return READ_ONCE(mm->map_count) != 0;
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
	return queue_delayed_work(system_dfl_wq, work,
				  msecs_to_jiffies(delay_ms));
}

__rust_helper bool rust_helper_pte_table_work_kick(struct delayed_work *work)
{
	return mod_delayed_work(system_dfl_wq, work, 0);
}

__rust_helper bool rust_helper_free_user_pte_enabled(void)
{
	return free_user_pte_enabled();
}

__rust_helper void rust_helper_count_vm_event(enum vm_event_item item)
{
	count_vm_event(item);
}

__rust_helper bool rust_helper_mmap_lock_is_contended(struct mm_struct *mm)
{
	return mmap_lock_is_contended(mm);
}

__rust_helper int rust_helper_cond_resched(void)
{
	return cond_resched();
}
