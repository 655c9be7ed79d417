/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Freeing of empty user PTE tables: zapping a range of one table.
 *
 * A zap clears many entries under one lock and asks one question at its end,
 * so it counts what it cleared with rss and settles once a table.
 */
#ifndef _LINUX_PTE_TABLE_ZAP_H
#define _LINUX_PTE_TABLE_ZAP_H

#include <linux/mm.h>
#include <asm/tlb.h>

#ifdef CONFIG_FREE_USER_PTE

/*
 * Each entry that a zap clears is taken off one of the counters of rss, but for
 * those of no page and of no swap slot: these it counts beside them.
 */
#define ZAP_OTHER	NR_MM_COUNTERS
#define NR_ZAP_COUNTERS	(NR_MM_COUNTERS + 1)

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
static __always_inline void zap_clear_nonpresent_ptes(struct mm_struct *mm,
		unsigned long addr, pte_t *ptep, unsigned int nr)
{
	/* Most often it is one. */
	__pte_clear_raw(mm, addr, ptep);
	while (unlikely(--nr)) {
		addr += PAGE_SIZE;
		__pte_clear_raw(mm, addr, ++ptep);
	}
}

/**
 * pte_table_unmap_start - tell zaps which tables go when they are done
 * @details: of zaps that unmap (ZAP_FLAG_UNMAP)
 * @start: free_pgtables() leaves each table that reaches below this address
 * @end: and each that reaches to this one or beyond; 0 if there is none
 */
static inline void pte_table_unmap_start(struct zap_details *details,
					 unsigned long start, unsigned long end)
{
	details->tables_start = start;
	details->tables_end = end;
}

/* Whether free_pgtables() takes the table at @addr, after its range was zapped */
static inline bool pte_table_goes(const struct zap_details *details,
				  unsigned long addr)
{
	unsigned long start = addr & PMD_MASK;

	return details && (details->zap_flags & ZAP_FLAG_UNMAP) &&
	       start >= details->tables_start &&
	       start + PMD_SIZE - 1 <= details->tables_end - 1;
}

static __always_inline void pte_table_zap_start(int *counters)
{
	counters[ZAP_OTHER] = 0;
}

/* An entry is cleared that no counter of rss goes down for */
static __always_inline void zap_count_other(int *counters)
{
	counters[ZAP_OTHER]--;
}

/* A zap left a table empty that stays: out of the way of all others */
static noinline bool pte_table_zapped(struct mmu_gather *tlb, pmd_t *pmd,
		struct ptdesc *table, unsigned long start, unsigned long addr,
		unsigned long end, bool reclaim)
{
	if (!reclaim || addr != end) {
		free_user_pte_emptied(tlb->mm, start, table);
		return false;
	}
	return free_user_pte_zapped(tlb->mm, pmd, start, table,
				    end - start == PMD_SIZE);
}

/**
 * pte_table_zap_end - settle the account of a zap, and unhook an empty table
 * @tlb: the gather of the zap
 * @details: of the zap, or NULL
 * @counters: what was cleared is taken off them, an entry off one of them
 * @pmd: the entry that points to the table
 * @ptep: an entry of the table
 * @start: where the zap of this table started
 * @addr: where it got to
 * @end: where it is to end
 * @reclaim: the zap may free tables
 * @pmdval: is set to what @pmd held if the table was unhooked
 *
 * Context: the table's lock is held, and this is the last thing that happens
 * under it: delayed rmap removals have been done.
 * Return: true if the table was unhooked; the caller frees it by pte_free_tlb()
 * after it dropped the lock.
 */
static __always_inline bool pte_table_zap_end(struct mmu_gather *tlb,
		const struct zap_details *details, const int *counters,
		pmd_t *pmd, const pte_t *ptep, unsigned long start,
		unsigned long addr, unsigned long end, bool reclaim,
		pmd_t *pmdval)
{
	struct ptdesc *table = pte_table(ptep);
	int i, change = 0;

	for (i = 0; i < NR_ZAP_COUNTERS; i++)
		change += counters[i];
	table->pt_table.populated += change;
	if (likely(table->pt_table.populated) || tlb->fullmm ||
	    pte_table_goes(details, start))
		return false;
	*pmdval = pmdp_get(pmd);
	return pte_table_zapped(tlb, pmd, table, start, addr, end, reclaim);
}

#else /* !CONFIG_FREE_USER_PTE */

#define NR_ZAP_COUNTERS	NR_MM_COUNTERS

#define zap_get_and_clear_ptes(tlb, addr, ptep, nr) \
	get_and_clear_full_ptes((tlb)->mm, addr, ptep, nr, (tlb)->fullmm)
#define zap_clear_ptes(tlb, addr, ptep, nr) \
	clear_full_ptes((tlb)->mm, addr, ptep, nr, (tlb)->fullmm)
#define zap_clear_pte(tlb, addr, ptep) \
	ptep_get_and_clear_full((tlb)->mm, addr, ptep, (tlb)->fullmm)
#define zap_clear_nonpresent_ptes(mm, addr, ptep, nr) \
	clear_nonpresent_ptes(mm, addr, ptep, nr)

static inline void pte_table_unmap_start(struct zap_details *details,
					 unsigned long start,
					 unsigned long end) {}
static inline void pte_table_zap_start(int *counters) {}
static inline void zap_count_other(int *counters) {}
static inline bool pte_table_zap_end(struct mmu_gather *tlb,
		const struct zap_details *details, const int *counters,
		pmd_t *pmd, const pte_t *ptep, unsigned long start,
		unsigned long addr, unsigned long end, bool reclaim,
		pmd_t *pmdval)
{
	return false;
}

#endif /* CONFIG_FREE_USER_PTE */

#endif /* _LINUX_PTE_TABLE_ZAP_H */
