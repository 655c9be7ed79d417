/* SPDX-License-Identifier: GPL-2.0 */
/*
 * References of user PTE tables: for code that has to keep a table while it
 * sleeps, or that prepares a table and must find it again.
 *
 * With FREE_USER_PTE an empty table is freed soon. Who holds its lock, or the
 * RCU read lock, need not care. Others take a reference:
 *
 *	table = pte_alloc_get(mm, pmd);
 *	if (IS_ERR_OR_NULL(table))
 *		...
 *	... allocate a page, read it from disk ...
 *	pte = pte_try_map_lock(mm, table, pmd, addr, &ptl);
 *	if (pte) {
 *		...
 *		pte_unmap_unlock(pte, ptl);
 *	}
 *	pte_put(mm, table, addr);
 *
 * A reference keeps a table from being unhooked for being empty: by a zap, or
 * by the reclaimer. It does not keep others from unhooking it: munmap(), exit,
 * the collapse to a huge page, mremap(), which moves it. Then the reference
 * keeps the memory of the table, but not the mapping: pte_try_map() returns
 * NULL.
 *
 * Rust code uses kernel::mm::pgtable::PteTableRef.
 *
 * See Documentation/mm/pte_table_guards.rst.
 */
#ifndef _LINUX_PTE_REF_H
#define _LINUX_PTE_REF_H

#include <linux/mm_types.h>

#ifdef CONFIG_FREE_USER_PTE

/**
 * pte_try_get - take a reference of the PTE table below a pmd
 * @mm: the mm that @pmd belongs to; the caller keeps it, as by mmgrab(), until
 *	it has put the table
 * @pmd: an entry of a PMD table of user space, which the caller keeps in place:
 *	by the mmap lock, a VMA lock, or a lock of the rmap
 *
 * Context: process context. Takes the RCU read lock and, if the table was just
 * moved, the lock of the hints; does not sleep.
 * Return: the table, to be given to pte_put(); NULL if @pmd points to none, or
 * to one that is being freed.
 */
struct ptdesc *pte_try_get(struct mm_struct *mm, pmd_t *pmd);

/**
 * pte_alloc_get - take a reference of the PTE table below a pmd, allocate the
 *	table if there is none
 * @mm: as for pte_try_get(); it has users
 * @pmd: as for pte_try_get()
 *
 * The table is there when its caller comes back to it, however long that takes
 * and whoever empties it: a fault that prepared its table makes progress.
 *
 * Context: process context; may sleep.
 * Return: the table, to be given to pte_put(); NULL if @pmd holds something
 * else, such as a huge page; -ENOMEM as an error pointer if out of memory.
 */
struct ptdesc *pte_alloc_get(struct mm_struct *mm, pmd_t *pmd);

/**
 * pte_try_map - map a table that one has a reference of
 * @table: from pte_try_get() or pte_alloc_get()
 * @pmd: the entry that pointed to it then; what kept it in place then does so
 *	now, or does again
 * @addr: an address that the table covers
 *
 * Context: process context. Returns with the RCU read lock held, unless it
 * fails: the caller does not sleep before pte_unmap().
 * Return: the entry for @addr, to be given to pte_unmap(); NULL if the table is
 * not the one at @pmd any more.
 */
pte_t *pte_try_map(struct ptdesc *table, pmd_t *pmd, unsigned long addr);

/**
 * pte_try_map_lock - map and lock a table that one has a reference of
 * @mm: the mm that the table belongs to
 * @table: as for pte_try_map()
 * @pmd: as for pte_try_map()
 * @addr: as for pte_try_map()
 * @ptlp: where to store the lock; unchanged if the table can't be mapped
 *
 * Context: process context, as for all that takes the lock of a table. Returns
 * with the RCU read lock and the table's lock held, unless it fails: the caller
 * does not sleep before pte_unmap_unlock().
 * Return: as pte_try_map(), but to be given to pte_unmap_unlock(). The table
 * stays at @pmd until then, and entries may be changed, as what keeps @pmd in
 * place keeps out those who unhook tables without their lock.
 */
pte_t *pte_try_map_lock(struct mm_struct *mm, struct ptdesc *table, pmd_t *pmd,
			unsigned long addr, spinlock_t **ptlp);

/**
 * pte_put - drop a reference of a PTE table
 * @mm: the mm that the table was taken with
 * @table: from pte_try_get() or pte_alloc_get(); nothing happens if it is NULL
 * @addr: an address that the table covered then
 *
 * If the table would have been freed but for the reference, and this was the
 * last, the reclaimer looks at it again. If it was unhooked meanwhile, and this
 * was the last, its memory is given back.
 *
 * Context: process context; spin locks may be held, but for that of the hints,
 * a leaf. Does not sleep. It warns once elsewhere: an interrupt might come while
 * its CPU holds the lock of the hints, or of a table.
 */
void pte_put(struct mm_struct *mm, struct ptdesc *table, unsigned long addr);

#endif /* CONFIG_FREE_USER_PTE */

#endif /* _LINUX_PTE_REF_H */
