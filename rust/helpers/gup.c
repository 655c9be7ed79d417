// SPDX-License-Identifier: GPL-2.0
/*
 * Inline functions and macros of the C side that getting user pages calls.
 */
#include <linux/dax.h>
#include <linux/fs.h>
#include <linux/hugetlb.h>
#include <linux/memfd.h>
#include <linux/memremap.h>
#include <linux/migrate.h>
#include <linux/mm.h>
#include <linux/mmu_context.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/secretmem.h>
#include <linux/shmem_fs.h>
#include <linux/uaccess.h>
#include <linux/userfaultfd_k.h>
#include <linux/vmstat.h>
#include <../mm/internal.h>

/* --- Walking without a lock ------------------------------------------------ */

__rust_helper unsigned long rust_helper_local_irq_save(void)
{
	unsigned long flags;

	local_irq_save(flags);
	return flags;
}

__rust_helper void rust_helper_local_irq_restore(unsigned long flags)
{
	local_irq_restore(flags);
}

/* The table that an entry of a PGD, P4D or PUD table points to */
__rust_helper void *rust_helper_table_below(u64 entry)
{
	return __va(entry & PTE_PFN_MASK);
}

__rust_helper bool rust_helper_pkey_permits(unsigned long entry, bool write)
{
	return __pkru_allows_pkey(pte_flags_pkey(entry), write);
}

__rust_helper bool rust_helper_gup_fast_permitted(unsigned long start,
						  unsigned long end)
{
	return gup_fast_permitted(start, end);
}

__rust_helper bool rust_helper_gup_pin_begin(unsigned int *seq)
{
	return raw_seqcount_try_begin(&current->mm->write_protect_seq, *seq);
}

__rust_helper bool rust_helper_gup_pin_retry(unsigned int seq)
{
	return read_seqcount_retry(&current->mm->write_protect_seq, seq);
}

/*
 * Pages of the same folio from this one on, as it looks: nothing keeps the
 * folio from being split, or freed. So the fields are read as they are; a debug
 * kernel would complain of a page that stops being the first of a folio.
 */
__rust_helper unsigned long rust_helper_page_estimate_behind(struct page *page)
{
	struct folio *folio = page_folio(page);
	unsigned int order;

	if (!(READ_ONCE(folio->flags.f) & BIT(PG_head)))
		return 1;
	order = READ_ONCE(folio->_flags_1) & 0xff;
	return (1UL << (order % BITS_PER_LONG)) - (page - &folio->page);
}

/* Whether it is a folio of its own, not a part or the first page of a larger one */
__rust_helper bool rust_helper_page_is_small_folio(struct page *page)
{
	return !(READ_ONCE(page->flags.f) & BIT(PG_head)) &&
	       !(READ_ONCE(page->compound_info) & 1);
}

/*
 * Whether the file that the folio belongs to lets its pages be taken without a
 * look at the VMA. Interrupts are off, which keeps the inode.
 */
__rust_helper bool rust_helper_folio_mapping_is_open(struct folio *folio,
						     bool written_for_long)
{
	struct address_space *mapping;
	unsigned long flags;

	if (WARN_ON_ONCE(folio_test_slab(folio)))
		return false;
	if (folio_test_large(folio) && folio_test_hugetlb(folio))
		return true;
	lockdep_assert_irqs_disabled();
	mapping = READ_ONCE(folio->mapping);
	/* What is truncated may have been of any file, but a secret one. */
	if (!mapping)
		return !written_for_long;
	flags = (unsigned long)mapping & FOLIO_MAPPING_FLAGS;
	if (flags)
		return flags & FOLIO_MAPPING_ANON;
	if (!folio_test_large(folio) && secretmem_mapping(mapping))
		return false;
	return !written_for_long || shmem_mapping(mapping);
}

/* --- Folios ------------------------------------------------------------------ */

__rust_helper bool rust_helper_folio_ref_try_add(struct folio *folio, int refs)
{
	return folio_ref_try_add(folio, refs);
}

__rust_helper void rust_helper_folio_ref_add(struct folio *folio, int refs)
{
	folio_ref_add(folio, refs);
}

__rust_helper void rust_helper_folio_put_refs(struct folio *folio, int refs)
{
	folio_put_refs(folio, refs);
}

__rust_helper void rust_helper_folio_pincount_add(struct folio *folio, int pins)
{
	atomic_add(pins, &folio->_pincount);
}

__rust_helper void rust_helper_folio_pincount_sub(struct folio *folio, int pins)
{
	atomic_sub(pins, &folio->_pincount);
}

__rust_helper int rust_helper_folio_pincount(struct folio *folio)
{
	return folio_has_pincount(folio) ? atomic_read(&folio->_pincount) : 0;
}

__rust_helper bool rust_helper_pfn_valid(unsigned long pfn)
{
	return pfn_valid(pfn);
}

__rust_helper void rust_helper_smp_mb__after_atomic(void)
{
	/* What it pairs with is the caller's to say */
	smp_mb__after_atomic();
}

__rust_helper void rust_helper_node_stat_mod_folio(struct folio *folio,
						   enum node_stat_item item,
						   long delta)
{
	node_stat_mod_folio(folio, item, delta);
}

__rust_helper void rust_helper_node_stat_mod(int nid, enum node_stat_item item,
					     long delta)
{
	mod_node_page_state(NODE_DATA(nid), item, delta);
}

__rust_helper int rust_helper_folio_nid(struct folio *folio)
{
	return folio_nid(folio);
}

__rust_helper bool rust_helper_is_zero_folio(struct folio *folio)
{
	return is_zero_folio(folio);
}

__rust_helper bool rust_helper_folio_is_pci_p2pdma(struct folio *folio)
{
	return folio_is_pci_p2pdma(folio);
}

__rust_helper bool rust_helper_is_pci_p2pdma_page(struct page *page)
{
	return is_pci_p2pdma_page(page);
}

__rust_helper bool rust_helper_folio_is_longterm_pinnable(struct folio *folio)
{
	return folio_is_longterm_pinnable(folio);
}

__rust_helper bool rust_helper_folio_is_device_coherent(struct folio *folio)
{
	return folio_is_device_coherent(folio);
}

__rust_helper bool rust_helper_folio_test_hugetlb(struct folio *folio)
{
	return folio_test_hugetlb(folio);
}

__rust_helper bool rust_helper_folio_test_anon(struct folio *folio)
{
	return folio_test_anon(folio);
}

__rust_helper bool rust_helper_folio_test_dirty(struct folio *folio)
{
	return folio_test_dirty(folio);
}

__rust_helper void rust_helper_folio_lock(struct folio *folio)
{
	folio_lock(folio);
}

__rust_helper void rust_helper_folio_set_referenced(struct folio *folio)
{
	/* To look first spares the atomic operation, most often. */
	if (!folio_test_referenced(folio))
		folio_set_referenced(folio);
}

__rust_helper unsigned long rust_helper_folio_nr_pages(struct folio *folio)
{
	return folio_nr_pages(folio);
}

__rust_helper unsigned long rust_helper_folio_page_idx(struct folio *folio,
						       struct page *page)
{
	return folio_page_idx(folio, page);
}

__rust_helper unsigned long rust_helper_folio_offset_of(struct folio *folio,
							loff_t byte)
{
	return offset_in_folio(folio, byte);
}

__rust_helper int rust_helper_arch_make_folio_accessible(struct folio *folio)
{
	return arch_make_folio_accessible(folio);
}

/* Whether others may have an anonymous page, too */
__rust_helper bool rust_helper_page_is_shared(struct page *page)
{
	/* Pairs with that in folio_try_share_anon_rmap_pte() */
	smp_rmb();
	return !PageAnonExclusive(page);
}

/* The folio of a pinned page is as it was when it was pinned */
__rust_helper void rust_helper_page_check_pinned(struct page *page)
{
	struct folio *folio = page_folio(page);

	if (is_zero_page(page) || !folio_test_anon(folio))
		return;
	/* A huge page that is mapped as a whole is marked in its first page. */
	VM_WARN_ON_ONCE_PAGE(!PageAnonExclusive(&folio->page) &&
			     (!folio_test_large(folio) ||
			      folio_test_hugetlb(folio) ||
			      !PageAnonExclusive(page)), page);
}

__rust_helper void rust_helper_folio_add_isolated(struct folio *folio,
						  struct list_head *list)
{
	list_add_tail(&folio->lru, list);
	node_stat_mod_folio(folio, NR_ISOLATED_ANON + folio_is_file_lru(folio),
			    folio_nr_pages(folio));
}

__rust_helper bool rust_helper_folio_isolate_hugetlb(struct folio *folio,
						     struct list_head *list)
{
	return folio_isolate_hugetlb(folio, list);
}

__rust_helper int rust_helper_migrate_for_longterm_pin(struct list_head *list)
{
	struct migration_target_control control = {
		.nid = NUMA_NO_NODE,
		.gfp_mask = GFP_USER | __GFP_NOWARN,
		.reason = MR_LONGTERM_PIN,
	};

	if (list_empty(list))
		return 0;
	return migrate_pages(list, alloc_migration_target, NULL,
			     (unsigned long)&control, MIGRATE_SYNC,
			     MR_LONGTERM_PIN, NULL);
}

#ifndef CONFIG_MIGRATION
__rust_helper void rust_helper_putback_movable_pages(struct list_head *list)
{
	putback_movable_pages(list);
}
#endif

__rust_helper void rust_helper_folio_batch_release(struct folio_batch *batch)
{
	folio_batch_release(batch);
}

/* --- Address spaces ------------------------------------------------------- */

__rust_helper struct mm_struct *rust_helper_current_mm(void)
{
	return current->mm;
}

__rust_helper void rust_helper_mm_set_has_pinned(struct mm_struct *mm)
{
	/* To look first spares others the cache line. */
	if (!mm_flags_test(MMF_HAS_PINNED, mm))
		mm_flags_set(MMF_HAS_PINNED, mm);
}

__rust_helper int rust_helper_mmap_read_lock_killable(struct mm_struct *mm)
{
	return mmap_read_lock_killable(mm);
}

__rust_helper void rust_helper_might_lock_mmap(struct mm_struct *mm)
{
	might_lock_read(&mm->mmap_lock);
}

__rust_helper unsigned long rust_helper_untag_remote(struct mm_struct *mm,
						     unsigned long addr)
{
	return untagged_addr_remote(mm, addr);
}

__rust_helper unsigned long rust_helper_untag_current(unsigned long addr)
{
	return untagged_addr(addr);
}

__rust_helper unsigned long rust_helper_task_size_max(void)
{
	return TASK_SIZE_MAX;
}

__rust_helper bool rust_helper_gup_signal_pending(bool any)
{
	return fatal_signal_pending(current) || (any && signal_pending(current));
}

__rust_helper bool rust_helper_need_resched(void)
{
	return need_resched();
}

__rust_helper unsigned int rust_helper_memalloc_pin_save(void)
{
	return memalloc_pin_save();
}

__rust_helper void rust_helper_memalloc_pin_restore(unsigned int flags)
{
	memalloc_pin_restore(flags);
}

__rust_helper struct vm_area_struct *
rust_helper_find_vma_intersection(struct mm_struct *mm, unsigned long start,
				  unsigned long end)
{
	return find_vma_intersection(mm, start, end);
}

/* --- VMAs -------------------------------------------------------------------- */

__rust_helper bool rust_helper_vma_is_anonymous(struct vm_area_struct *vma)
{
	return vma_is_anonymous(vma);
}

__rust_helper bool rust_helper_vma_is_fsdax(struct vm_area_struct *vma)
{
	return vma_is_fsdax(vma);
}

__rust_helper bool rust_helper_vma_is_secretmem(struct vm_area_struct *vma)
{
	return vma_is_secretmem(vma);
}

__rust_helper bool rust_helper_vma_has_shadow_stack(struct vm_area_struct *vma)
{
	return vma->vm_flags & VM_SHADOW_STACK;
}

__rust_helper bool
rust_helper_arch_vma_access_permitted(struct vm_area_struct *vma, bool write,
				      bool execute, bool foreign)
{
	return arch_vma_access_permitted(vma, write, execute, foreign);
}

/* Whether a fault that is allowed to do what the flags say could do it */
__rust_helper bool rust_helper_vma_permits_fault(struct vm_area_struct *vma,
						 unsigned int fault_flags)
{
	bool write = fault_flags & FAULT_FLAG_WRITE;

	return vma->vm_flags & (write ? VM_WRITE : VM_READ) &&
	       arch_vma_access_permitted(vma, write, false,
					 fault_flags & FAULT_FLAG_REMOTE);
}

__rust_helper bool
rust_helper_gup_can_follow_protnone(struct vm_area_struct *vma,
				    unsigned int flags)
{
	return gup_can_follow_protnone(vma, flags);
}

/* Whether a fault at an address that nothing is mapped at would find zeroes */
__rust_helper bool rust_helper_vma_hole_is_zero(struct vm_area_struct *vma,
						unsigned long addr)
{
	if (is_vm_hugetlb_page(vma))
		return !hugetlbfs_pagecache_present(hstate_vma(vma), vma, addr);
	return vma_is_anonymous(vma) || !vma->vm_ops->fault;
}

__rust_helper bool
rust_helper_pte_needs_no_write_fault(struct vm_area_struct *vma, pte_t pte)
{
	return !pte_needs_soft_dirty_wp(vma, pte) &&
	       !userfaultfd_pte_wp(vma, pte);
}

__rust_helper bool
rust_helper_pmd_needs_no_write_fault(struct vm_area_struct *vma, pmd_t pmd)
{
	return !pmd_needs_soft_dirty_wp(vma, pmd) &&
	       !userfaultfd_huge_pmd_wp(vma, pmd);
}

__rust_helper int rust_helper_pmd_trans_huge(pmd_t pmd)
{
	return pmd_trans_huge(pmd);
}

/* Returns whether there is no memory for a table */
__rust_helper bool rust_helper_pte_alloc_unless_present(struct mm_struct *mm,
							pmd_t *pmd)
{
	return pte_alloc(mm, pmd);
}

/* Marks an entry as accessed that is of no page */
__rust_helper void rust_helper_touch_pte(struct vm_area_struct *vma,
					 unsigned long addr, pte_t *ptep,
					 bool write)
{
	pte_t before = ptep_get(ptep);
	pte_t pte = pte_mkyoung(before);

	if (write)
		pte = pte_mkdirty(pte);
	if (!pte_same(pte, before)) {
		set_pte_at(vma->vm_mm, addr, ptep, pte);
		update_mmu_cache(vma, addr, ptep);
	}
}

__rust_helper int rust_helper_vm_fault_to_errno(vm_fault_t fault, int foll_flags)
{
	return vm_fault_to_errno(fault, foll_flags);
}

/* --- Files in memory --------------------------------------------------------- */

__rust_helper struct address_space *rust_helper_file_mapping(struct file *file)
{
	return file->f_mapping;
}

#ifndef CONFIG_MEMFD_CREATE
__rust_helper struct folio *rust_helper_memfd_alloc_folio(struct file *memfd,
							  pgoff_t idx)
{
	return memfd_alloc_folio(memfd, idx);
}
#endif

/* The order of folios that index the file, if it is one in memory and has that byte */
__rust_helper int rust_helper_memfd_order(struct file *file, loff_t byte)
{
	if (!shmem_file(file) && !is_file_hugepages(file))
		return -EINVAL;
	if (byte >= i_size_read(file_inode(file)))
		return -EINVAL;
	return is_file_hugepages(file) ? huge_page_order(hstate_file(file)) : 0;
}

/* --- User space -------------------------------------------------------------- */

__rust_helper bool rust_helper_is_user_range(unsigned long addr,
					     unsigned long size)
{
	return access_ok((void __user *)addr, size);
}

__rust_helper bool rust_helper_user_store_zero(unsigned long addr)
{
	return !put_user(0, (char __user *)addr);
}

__rust_helper bool rust_helper_user_load(unsigned long addr)
{
	char c;

	return !get_user(c, (char __user *)addr);
}

__rust_helper size_t rust_helper_probe_subpage_writeable(char __user *uaddr,
							 size_t size)
{
	return probe_subpage_writeable(uaddr, size);
}

#ifdef CONFIG_RUST_MM_TWINS
/* --- Tests ------------------------------------------------------------------- */

__rust_helper void rust_helper_write_protect_begin(struct mm_struct *mm)
{
	raw_write_seqcount_begin(&mm->write_protect_seq);
}

__rust_helper void rust_helper_write_protect_end(struct mm_struct *mm)
{
	raw_write_seqcount_end(&mm->write_protect_seq);
}
#endif
