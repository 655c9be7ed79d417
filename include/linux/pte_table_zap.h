/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Freeing of empty user PTE tables: zapping a range of one table.
 *
 * A zap clears many entries under one lock and asks one question at its end,
 * so it counts what it cleared in the mmu_gather and settles once a table.
 */
#ifndef _LINUX_PTE_TABLE_ZAP_H
#define _LINUX_PTE_TABLE_ZAP_H

#include <linux/mm.h>
#include <asm/tlb.h>

#ifdef CONFIG_FREE_USER_PTE

static __always_inline pte_t __zap_pte(struct mmu_gather *tlb,
		unsigned long addr, pte_t *ptep)
{
	pte_t pte = tlb->fullmm ? native_local_ptep_get_and_clear(ptep) :
				  native_ptep_get_and_clear(ptep);

	page_table_check_pte_clear(tlb->mm, addr, pte);
	return pte;
}

/**
 * zap_get_and_clear_ptes - clear present entries of consecutive pages of one
 *	folio, and collect their dirty and accessed bits
 * @tlb: the gather of the zap, between pte_table_zap_start() and
 *	pte_table_zap_end()
 * @addr: address of the first page
 * @ptep: the first entry
 * @nr: number of entries, at least 1, none of them none
 *
 * Context: the table's lock is held.
 * Return: the first entry, with the dirty and accessed bits of all of them.
 */
static __always_inline pte_t zap_get_and_clear_ptes(struct mmu_gather *tlb,
		unsigned long addr, pte_t *ptep, unsigned int nr)
{
	pte_t pte = __zap_pte(tlb, addr, ptep);
	unsigned int i;

	tlb->cleared += nr;
	for (i = 1; i < nr; i++) {
		pte_t other = __zap_pte(tlb, addr + i * PAGE_SIZE, ptep + i);

		if (pte_dirty(other))
			pte = pte_mkdirty(pte);
		if (pte_young(other))
			pte = pte_mkyoung(pte);
	}
	return pte;
}

#define zap_clear_ptes(tlb, addr, ptep, nr) \
	((void)zap_get_and_clear_ptes(tlb, addr, ptep, nr))
#define zap_clear_pte(tlb, addr, ptep) \
	((void)zap_get_and_clear_ptes(tlb, addr, ptep, 1))

/* The same for entries that are not present, and for nothing that they say */
static __always_inline void zap_clear_nonpresent_ptes(struct mmu_gather *tlb,
		unsigned long addr, pte_t *ptep, unsigned int nr)
{
	tlb->cleared += nr;
	do {
		__pte_clear_raw(tlb->mm, addr, ptep);
		addr += PAGE_SIZE;
		ptep++;
	} while (--nr);
}

/**
 * pte_table_unmap_start - tell a gather which tables go when its zaps are done
 * @tlb: the gather
 * @start: free_pgtables() leaves each table that reaches below this address
 * @end: and each that reaches to this one or beyond; 0 if there is none
 */
static inline void pte_table_unmap_start(struct mmu_gather *tlb,
					 unsigned long start, unsigned long end)
{
	tlb->tables_start = start;
	tlb->tables_end = end;
}

/* Whether free_pgtables() takes the table at @addr, after its range was zapped */
static inline bool pte_table_goes(const struct mmu_gather *tlb,
				  unsigned long addr)
{
	unsigned long start = addr & PMD_MASK;

	return start >= tlb->tables_start &&
	       start + PMD_SIZE - 1 <= tlb->tables_end - 1;
}

static __always_inline void pte_table_zap_start(struct mmu_gather *tlb)
{
	tlb->cleared = 0;
}

/**
 * pte_table_zap_end - settle the account of a zap, and unhook an empty table
 * @tlb: the gather that counted what was cleared
 * @pmd: the entry that points to the table
 * @ptep: an entry of the table
 * @start: where the zap of this table started
 * @addr: where it got to
 * @end: where it is to end
 * @unmapping: the range is being unmapped for good
 * @reclaim: the zap may free tables
 * @pmdval: is set to what @pmd held if the table was unhooked
 *
 * Context: the table's lock is held, and this is the last thing that happens
 * under it: delayed rmap removals have been done.
 * Return: true if the table was unhooked; the caller frees it by pte_free_tlb()
 * after it dropped the lock.
 */
static __always_inline bool pte_table_zap_end(struct mmu_gather *tlb, pmd_t *pmd,
		const pte_t *ptep, unsigned long start, unsigned long addr,
		unsigned long end, bool unmapping, bool reclaim, pmd_t *pmdval)
{
	struct ptdesc *table = pte_table(ptep);

	table->pt_table.populated -= tlb->cleared;
	if (likely(table->pt_table.populated) || tlb->fullmm)
		return false;
	if (unmapping && pte_table_goes(tlb, start))
		return false;
	if (!reclaim || addr != end) {
		free_user_pte_emptied(tlb->mm, start, table);
		return false;
	}
	*pmdval = pmdp_get(pmd);
	return free_user_pte_zapped(tlb->mm, pmd, start, table,
				    end - start == PMD_SIZE);
}

#else /* !CONFIG_FREE_USER_PTE */

#define zap_get_and_clear_ptes(tlb, addr, ptep, nr) \
	get_and_clear_full_ptes((tlb)->mm, addr, ptep, nr, (tlb)->fullmm)
#define zap_clear_ptes(tlb, addr, ptep, nr) \
	clear_full_ptes((tlb)->mm, addr, ptep, nr, (tlb)->fullmm)
#define zap_clear_pte(tlb, addr, ptep) \
	ptep_get_and_clear_full((tlb)->mm, addr, ptep, (tlb)->fullmm)
#define zap_clear_nonpresent_ptes(tlb, addr, ptep, nr) \
	clear_nonpresent_ptes((tlb)->mm, addr, ptep, nr)

static inline void pte_table_unmap_start(struct mmu_gather *tlb,
					 unsigned long start,
					 unsigned long end) {}
static inline void pte_table_zap_start(struct mmu_gather *tlb) {}
static inline bool pte_table_zap_end(struct mmu_gather *tlb, pmd_t *pmd,
		const pte_t *ptep, unsigned long start, unsigned long addr,
		unsigned long end, bool unmapping, bool reclaim, pmd_t *pmdval)
{
	return false;
}

#endif /* CONFIG_FREE_USER_PTE */

#endif /* _LINUX_PTE_TABLE_ZAP_H */
