/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User PTE tables that may vanish: helpers for existing mm code.
 *
 * With FREE_USER_PTE an empty table may be taken out of the tree at any time,
 * by whoever holds the pmd lock and the table's lock. What used to be certain
 * after pte_alloc(), or between a look at the pmd and the next, is not any
 * more. Without FREE_USER_PTE all of this is constant, or what it was before.
 *
 * Included by <linux/mm.h>, where it needs what precedes it.
 */
#ifndef _LINUX_PTE_TABLE_STABLE_H
#define _LINUX_PTE_TABLE_STABLE_H

#include <linux/free_user_pte.h>
#include <linux/mm.h>

/**
 * pte_table_vanished - is it worth while to map a PTE table once more?
 * @pmd: the entry for which pte_offset_map() or one of its kin returned NULL
 *
 * Return: true if there is no table at @pmd, or again one: then the caller may
 * allocate and map it anew. False if @pmd holds something else, such as a huge
 * page, and always if tables do not vanish.
 */
static inline bool pte_table_vanished(pmd_t *pmd)
{
	pmd_t pmdval;

	if (!IS_ENABLED(CONFIG_FREE_USER_PTE))
		return false;

	pmdval = pmdp_get_lockless(pmd);
	return pmd_none(pmdval) || (pmd_present(pmdval) && !pmd_leaf(pmdval));
}

/**
 * pte_table_gone - is there no PTE table where one has been?
 * @pmd: the entry that pointed to a table
 *
 * Return: true if @pmd is none: all entries of the table were none when it was
 * unhooked, and still are. Always false if tables do not vanish.
 */
static inline bool pte_table_gone(pmd_t *pmd)
{
	return IS_ENABLED(CONFIG_FREE_USER_PTE) &&
	       pmd_none(pmdp_get_lockless(pmd));
}

/**
 * pte_table_changed - did a table vanish before its lock was taken?
 * @pmd: the entry that pointed to the table
 * @pmdval: what @pmd held when the table was mapped
 *
 * Context: the table's lock is held.
 * Return: true if entries must not be written to the locked table, as it is no
 * longer the one at @pmd. Always false if tables do not vanish.
 */
static inline bool pte_table_changed(pmd_t *pmd, pmd_t pmdval)
{
	return IS_ENABLED(CONFIG_FREE_USER_PTE) &&
	       !pmd_same(pmdval, pmdp_get_lockless(pmd));
}

/**
 * pmdp_is_bad - is there something at a pmd that should not be there?
 * @pmd: the entry, which was not none when the caller looked at it
 *
 * An empty entry is not a valid one either, but one that has just been cleared
 * is no reason to complain.
 *
 * Return: true if @pmd is neither none nor a table.
 */
static __always_inline bool pmdp_is_bad(pmd_t *pmd)
{
	pmd_t pmdval;

	if (!IS_ENABLED(CONFIG_FREE_USER_PTE))
		return pmd_bad(*pmd);

	pmdval = pmdp_get_lockless(pmd);
	return !pmd_none(pmdval) && pmd_bad(pmdval);
}

#ifdef CONFIG_FREE_USER_PTE

/**
 * pte_alloc_map_lock - map and lock the PTE table for an address, allocate it
 *	if need be
 * @mm: the mm that @pmd belongs to
 * @pmd: the entry that points, or is to point to the table
 * @addr: the address of the entry wanted
 * @ptlp: where to store the lock
 *
 * A table that vanishes between allocation and lock is allocated again, so that
 * there are two ways left to fail.
 *
 * Return: the entry, to be given to pte_unmap_unlock(); NULL if out of memory,
 * or if @pmd holds something else than a table.
 */
static inline pte_t *pte_alloc_map_lock(struct mm_struct *mm, pmd_t *pmd,
					unsigned long addr, spinlock_t **ptlp)
{
	pte_t *pte;

	do {
		if (pte_alloc(mm, pmd))
			return NULL;
		pte = pte_offset_map_lock(mm, pmd, addr, ptlp);
	} while (unlikely(!pte) && pte_table_vanished(pmd));

	return pte;
}

/**
 * pte_table_discard - let a table be freed with what it holds
 * @pmd: the entry that pointed to the table
 *
 * For who unhooks a table without clearing its entries.
 *
 * Context: the table's lock is held, or nobody else can reach the table.
 */
static inline void pte_table_discard(pmd_t pmd)
{
	page_ptdesc(pmd_page(pmd))->pt_table.flags |= PTE_TABLE_EXEMPT;
}

/**
 * pte_table_filled - look after a table that was to be filled
 * @mm: the mm the table belongs to
 * @addr: an address that the table covers
 * @ptep: an entry of the table
 *
 * For who allocates a table to copy entries to it, and may find none to copy:
 * the count of such a table never falls to zero, as it never was anything else.
 *
 * Context: the table's lock is held.
 */
static inline void pte_table_filled(struct mm_struct *mm, unsigned long addr,
				    const pte_t *ptep)
{
	struct ptdesc *table = pte_table(ptep);

	if (unlikely(!table->pt_table.populated))
		pte_table_emptied(mm, addr, table);
}

/**
 * pte_table_left - look after a table that was allocated in vain, perhaps
 * @mm: the mm the table belongs to
 * @pmd: an entry of a PMD table that may point to it, and stays in place
 * @addr: an address that the table covers
 *
 * For who allocates a table for something that may fail before the table is
 * locked. Nothing happens if the table has entries, or a hint.
 *
 * Context: process context; does not sleep. The table's lock is not held.
 */
static inline void pte_table_left(struct mm_struct *mm, pmd_t *pmd,
				  unsigned long addr)
{
	pte_t *pte = pte_offset_map(pmd, addr);
	const struct ptdesc *table;

	if (!pte)
		return;
	table = pte_table(pte);
	if (!READ_ONCE(table->pt_table.populated) &&
	    !(READ_ONCE(table->pt_table.flags) & PTE_TABLE_QUEUED))
		free_user_pte_look(mm, addr);
	pte_unmap(pte);
}

/**
 * pte_table_free_unused - free a table that was never in the tree
 * @mm: the mm that it was allocated for
 * @table: the table
 *
 * There is nothing in it, and nobody had a chance to take a reference.
 */
static inline void pte_table_free_unused(struct mm_struct *mm, pgtable_t table)
{
	pagetable_dtor(page_ptdesc(table));
	pagetable_free(page_ptdesc(table));
}

/**
 * pte_table_untrack - exempt a table from being freed when it is empty
 * @ptep: an entry of the table
 *
 * For tables of a user mm that belong to the kernel: they are not found by a
 * VMA, and may be changed where a table cannot be allocated.
 *
 * Context: the table's lock is held, or nobody else can reach the table.
 */
static inline void pte_table_untrack(const pte_t *ptep)
{
	/* Nobody ever looks for the hint that it is said to have. */
	pte_table(ptep)->pt_table.flags |= PTE_TABLE_EXEMPT | PTE_TABLE_QUEUED;
}

#else /* !CONFIG_FREE_USER_PTE */

static inline void pte_table_discard(pmd_t pmd) {}
static inline void pte_table_filled(struct mm_struct *mm, unsigned long addr,
				    const pte_t *ptep) {}
static inline void pte_table_left(struct mm_struct *mm, pmd_t *pmd,
				  unsigned long addr) {}
#define pte_table_free_unused(mm, table)	pte_free(mm, table)
static inline void pte_table_untrack(const pte_t *ptep) {}

#endif /* CONFIG_FREE_USER_PTE */

#endif /* _LINUX_PTE_TABLE_STABLE_H */
