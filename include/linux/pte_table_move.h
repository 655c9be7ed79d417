/* SPDX-License-Identifier: GPL-2.0 */
/*
 * User PTE tables: moving entries from one table to another, or whole tables.
 *
 * Up to 512 entries move under one pair of locks: mremap() counts what it moved
 * and settles both accounts once.
 */
#ifndef _LINUX_PTE_TABLE_MOVE_H
#define _LINUX_PTE_TABLE_MOVE_H

#include <linux/mm.h>

#ifdef CONFIG_FREE_USER_PTE

/**
 * pte_table_take - clear entries, and leave it to the caller to account them
 * @mm: the mm that the table belongs to
 * @addr: address of the first page
 * @ptep: the first entry
 * @nr: number of entries; if more than one, they are present and map
 *	consecutive pages of one folio
 *
 * Context: the table's lock is held; pte_table_sub() or pte_table_drop() follows
 * under it.
 * Return: the first entry, with the dirty and accessed bits of all of them.
 */
static __always_inline pte_t pte_table_take(struct mm_struct *mm,
		unsigned long addr, pte_t *ptep, unsigned int nr)
{
	pte_t pte = __ptep_get_and_clear_raw(mm, addr, ptep);

	while (--nr) {
		pte_t other;

		addr += PAGE_SIZE;
		other = __ptep_get_and_clear_raw(mm, addr, ++ptep);
		if (pte_dirty(other))
			pte = pte_mkdirty(pte);
		if (pte_young(other))
			pte = pte_mkyoung(pte);
	}
	return pte;
}

/**
 * pte_table_sub - account entries that were cleared without being counted
 * @mm: the mm that the table belongs to
 * @addr: an address that the table covers
 * @ptep: an entry of the table
 * @nr: number of entries that turned from something else into none
 *
 * Context: the table's lock is held.
 */
static __always_inline void pte_table_sub(struct mm_struct *mm,
		unsigned long addr, const pte_t *ptep, unsigned int nr)
{
	struct ptdesc *table = pte_table(ptep);

	table->pt_table.populated -= nr;
	if (nr && !table->pt_table.populated)
		pte_table_emptied(mm, addr, table);
}

/**
 * clear_ptes_unhinted - clear entries of a table that goes, or is filled again
 * @mm: the mm that the table belongs to
 * @addr: address of the first page
 * @ptep: the first entry
 * @nr: number of entries; if more than one, as for pte_table_take()
 *
 * Context: the table's lock is held, or nobody else can reach the table.
 */
static __always_inline void clear_ptes_unhinted(struct mm_struct *mm,
		unsigned long addr, pte_t *ptep, unsigned int nr)
{
	pte_table_take(mm, addr, ptep, nr);
	pte_table_drop(ptep, nr);
}

#define ptep_clear_unhinted(mm, addr, ptep) \
	clear_ptes_unhinted(mm, addr, ptep, 1)

/**
 * pte_table_moved - look after a table that hangs somewhere else now
 * @mm: the mm that the table belongs to
 * @pmd: the entry that moved
 * @addr: the address that the table covers now
 *
 * A hint names an address: the one that a table has been given is about where
 * it was. So does who drops a reference.
 *
 * Context: the locks of both PMD tables and the rmap locks are held, and the
 * VMAs are locked for writing, so that nobody changes the count meanwhile, or
 * looks for a hint.
 */
static inline void pte_table_moved(struct mm_struct *mm, pmd_t pmd,
				   unsigned long addr)
{
	const struct pte_table_state *state =
		&page_ptdesc(pmd_page(pmd))->pt_table;
	/* Where the sign of a count of 16 bits is, and above it the flag */
	const u32 mask = PTE_TABLE_QUEUED << 16 | BIT(15);

	static_assert(offsetof(struct pte_table_state, populated) == 0);
	static_assert(offsetof(struct pte_table_state, flags) == 2);
	/* No entries, or a hint: one load tells of both, for each 2 MiB */
	if (unlikely((*(const u32 *)state - 1) & mask))
		free_user_pte_look(mm, addr);
	WRITE_ONCE(mm->pte_table_hints.moved, true);
}

#else /* !CONFIG_FREE_USER_PTE */

#define pte_table_take(mm, addr, ptep, nr) \
	get_and_clear_ptes(mm, addr, ptep, nr)
#define clear_ptes_unhinted(mm, addr, ptep, nr)	clear_ptes(mm, addr, ptep, nr)
#define ptep_clear_unhinted(mm, addr, ptep)	ptep_clear(mm, addr, ptep)

static inline void pte_table_sub(struct mm_struct *mm, unsigned long addr,
				 const pte_t *ptep, unsigned int nr) {}
static inline void pte_table_moved(struct mm_struct *mm, pmd_t pmd,
				   unsigned long addr) {}

#endif /* CONFIG_FREE_USER_PTE */

#endif /* _LINUX_PTE_TABLE_MOVE_H */
