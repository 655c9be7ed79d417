/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Freeing of empty user PTE tables: the accounting.
 *
 * Every user PTE table counts its entries that are not none. The count is kept
 * at the four places that all changes of an entry pass through: set_ptes(),
 * pte_clear(), ptep_get_and_clear() and ptep_get_and_clear_full(). No decision
 * is taken there: a count of zero may last no longer than the lock is held, so
 * it only leaves a hint for the reclaimer (mm/free_user_pte.rs).
 *
 * Included by <asm/pgtable.h>; see Documentation/mm/free_user_pte.rst.
 */
#ifndef _LINUX_FREE_USER_PTE_H
#define _LINUX_FREE_USER_PTE_H

#include <linux/jump_label.h>
#include <linux/mm_types.h>
#include <linux/page_table_check.h>

#ifdef CONFIG_FREE_USER_PTE

/*
 * The choke points without the account, for those who change many entries
 * under one lock and settle at its end, for those who put back what they took
 * before anybody could look, and for the tables of hugetlb.
 */
static inline pte_t __ptep_get_and_clear_raw(struct mm_struct *mm,
					     unsigned long addr, pte_t *ptep)
{
	pte_t pte = native_ptep_get_and_clear(ptep);

	page_table_check_pte_clear(mm, addr, pte);
	return pte;
}

/* A structure that is written once goes over the stack, a word does not. */
static __always_inline void __set_pte_raw(pte_t *ptep, pte_t pte)
{
	if (IS_ENABLED(CONFIG_PARAVIRT_XXL))
		set_pte(ptep, pte);
	else
		WRITE_ONCE(ptep->pte, pte.pte);
}

static inline void __set_ptes_raw(struct mm_struct *mm, unsigned long addr,
				  pte_t *ptep, pte_t pte, unsigned int nr)
{
	page_table_check_ptes_set(mm, addr, ptep, pte, nr);
	for (;;) {
		__set_pte_raw(ptep, pte);
		if (!--nr)
			break;
		ptep++;
		pte = pte_advance_pfn(pte, 1);
	}
}

static inline void __pte_clear_raw(struct mm_struct *mm, unsigned long addr,
				   pte_t *ptep)
{
	__set_pte_raw(ptep, native_make_pte(0));
}

#define __set_pte_at_raw(mm, addr, ptep, pte) \
	__set_ptes_raw(mm, addr, ptep, pte, 1)

extern struct mm_struct init_mm;

void free_user_pte_emptied(struct mm_struct *mm, unsigned long addr,
			   struct ptdesc *table);
bool free_user_pte_zapped(struct mm_struct *mm, pmd_t *pmd, unsigned long addr,
			  struct ptdesc *table, bool whole);
void free_user_pte_look(struct mm_struct *mm, unsigned long addr);
void free_user_pte_unused(struct mm_struct *mm, unsigned long addr);
void free_user_pte_moved_pud(struct mm_struct *mm, unsigned long addr);
void free_user_pte_work(struct work_struct *work);
void free_user_pte_exit(struct mm_struct *mm);

extern struct workqueue_struct *free_user_pte_wq;

DECLARE_STATIC_KEY_FALSE(free_user_pte_off);
extern unsigned int free_user_pte_delay_ms;

/* Whether empty tables are freed; they are counted all the same */
static inline bool free_user_pte_enabled(void)
{
	return !static_branch_unlikely(&free_user_pte_off);
}
void free_user_pte_rescan(struct mm_struct *mm);

bool pte_table_give_up(atomic_t *refs);

/**
 * pte_table - the descriptor of the user PTE table that an entry belongs to
 * @ptep: an entry, or the table's address
 *
 * Unlike virt_to_ptdesc() it does without the case of an address in the kernel
 * image, where no user table ever is.
 */
static __always_inline struct ptdesc *pte_table(const pte_t *ptep)
{
	unsigned long offset = (unsigned long)ptep - PAGE_OFFSET;

	return page_ptdesc(vmemmap + (offset >> PAGE_SHIFT));
}

/* The address of a table's first entry */
static __always_inline pte_t *pte_table_entries(const struct ptdesc *table)
{
	unsigned long pfn = ptdesc_page(table) - vmemmap;

	return (pte_t *)((pfn << PAGE_SHIFT) + PAGE_OFFSET);
}

static __always_inline bool pte_table_tracked(const struct ptdesc *table)
{
	/*
	 * A PGD keeps a pointer to its mm in this word: the upper half of a
	 * kernel pointer is negative, references never are.
	 */
	return (table->pt_table.flags & PTE_TABLE_TAG_MASK) == PTE_TABLE_TAG &&
	       atomic_read(&table->pt_table.refs) >= 0;
}

static inline void pte_table_init(struct mm_struct *mm, struct ptdesc *table)
{
	table->pt_table.populated = 0;
	table->pt_table.flags = mm == &init_mm ? 0 : PTE_TABLE_TAG;
	atomic_set(&table->pt_table.refs, 1);
}

/* The tables of the upper levels and of the kernel are none of ours */
static inline void pte_table_init_other(struct ptdesc *table)
{
	table->pt_table = (struct pte_table_state) {};
}

#ifdef CONFIG_FREE_USER_PTE_DEBUG
/**
 * struct free_user_pte_debug - what is to be provoked
 * @force_free: look at every table as soon as its count falls to zero
 * @fail_trylock: never get the lock of a PMD table under that of a PTE table
 * @delay_us: wait so long between unhooking a table and freeing it, up to 1000
 */
struct free_user_pte_debug {
	bool force_free;
	bool fail_trylock;
	u32 delay_us;
};

extern struct free_user_pte_debug free_user_pte_debug;

void pte_table_check_change(struct mm_struct *mm, const struct ptdesc *table);
void pte_table_check_unlock(const pte_t *ptep, const spinlock_t *ptl);
void pte_table_recount(const struct ptdesc *table, const char *when);
#else
static inline void pte_table_check_change(struct mm_struct *mm,
					  const struct ptdesc *table) {}
static inline void pte_table_check_unlock(const pte_t *ptep,
					  const spinlock_t *ptl) {}
static inline void pte_table_recount(const struct ptdesc *table,
				     const char *when) {}
#endif

/**
 * pte_table_release - give up the table's own reference before it is freed
 * @table: any page table that nothing can reach any more
 *
 * Return: true if the table is to be freed now, false if somebody holds a
 * reference: then the last pte_put() frees it.
 */
static inline bool pte_table_release(struct ptdesc *table)
{
	if (!pte_table_tracked(table))
		return true;
	if (!(table->pt_table.flags & PTE_TABLE_EXEMPT)) {
		pte_table_recount(table, "freed");
		WARN_ON_ONCE(table->pt_table.populated);
	}
	/*
	 * Frozen when it was unhooked, or held by nobody else. If there was
	 * somebody, what he did comes before what follows.
	 */
	if (likely(atomic_read_acquire(&table->pt_table.refs) <= 1))
		return true;
	return pte_table_give_up(&table->pt_table.refs);
}

/**
 * pte_table_add - account entries that were populated without being counted
 * @ptep: an entry of the table
 * @nr: number of entries that turned from none into something else
 *
 * For code that fills many entries of one table under one lock by
 * __set_ptes_raw(), and accounts them before it drops the lock.
 */
static __always_inline void pte_table_add(const pte_t *ptep, unsigned int nr)
{
	pte_table(ptep)->pt_table.populated += nr;
}

/**
 * pte_table_drop - account entries that were cleared, and tell nobody
 * @ptep: an entry of the table
 * @nr: number of entries that turned from something else into none
 *
 * For code that does something about an empty table itself before it drops the
 * lock: fills it again, frees it, or asks for it to be looked at.
 */
static __always_inline void pte_table_drop(const pte_t *ptep, unsigned int nr)
{
	pte_table(ptep)->pt_table.populated -= nr;
}

/* The count of a table is zero: leave a hint, if there is none yet */
static __always_inline void pte_table_emptied(struct mm_struct *mm,
		unsigned long addr, struct ptdesc *table)
{
	if (!(table->pt_table.flags & PTE_TABLE_QUEUED))
		free_user_pte_emptied(mm, addr, table);
}

/* Whether setting an entry, to something that is not none, fills one more */
static __always_inline unsigned int pte_table_fills(const pte_t *ptep)
{
	return pte_none(*ptep);
}

/*
 * After entries were set, the last of them @ptep to @pte, @filled of which had
 * been none
 */
static __always_inline void pte_table_set(struct mm_struct *mm,
		unsigned long addr, const pte_t *ptep, pte_t pte,
		unsigned int filled)
{
	struct ptdesc *table;

	if (mm == &init_mm)
		return;

	table = pte_table(ptep);
	pte_table_check_change(mm, table);
	table->pt_table.populated += filled;
	/* A way to clear an entry that there are better ones for */
	if (unlikely(pte_none(pte)) && !--table->pt_table.populated)
		pte_table_emptied(mm, addr, table);
}

/* After an entry that held @old was cleared */
static __always_inline void pte_table_cleared(struct mm_struct *mm,
		unsigned long addr, const pte_t *ptep, pte_t old)
{
	struct ptdesc *table;

	if (mm == &init_mm || pte_none(old))
		return;

	table = pte_table(ptep);
	pte_table_check_change(mm, table);
	if (unlikely(!--table->pt_table.populated))
		pte_table_emptied(mm, addr, table);
}

static __always_inline void pte_clear_counted(struct mm_struct *mm,
		unsigned long addr, pte_t *ptep)
{
	pte_t old = READ_ONCE(*ptep);

	__pte_clear_raw(mm, addr, ptep);
	pte_table_cleared(mm, addr, ptep, old);
}
#undef pte_clear
#define pte_clear(mm, addr, ptep)	pte_clear_counted(mm, addr, ptep)

static inline void pte_table_hints_init(struct mm_struct *mm)
{
	struct pte_table_hints *hints = &mm->pte_table_hints;

	spin_lock_init(&hints->lock);
	hints->ring.nr = 0;
	hints->ring.scheduled = false;
	hints->ring.refused = 0;
	hints->crowded = false;
	hints->moved = false;
	hints->ring.rescan_first = ULONG_MAX;
	hints->ring.rescan_last = 0;
	INIT_DEFERRABLE_WORK(&hints->work, free_user_pte_work);
}

/* The last user has left: what waits to be looked at goes with the mm */
static inline void pte_table_hints_exit(struct mm_struct *mm)
{
	free_user_pte_exit(mm);
}

/* Before a PMD entry points to it: the lock of the PMD table is held. */
static inline void pte_table_hooked(struct page *page)
{
	page_ptdesc(page)->pt_table.flags |= PTE_TABLE_HOOKED;
}

/**
 * pte_table_was_hooked - whether somebody may still look at a deposited table
 * @page: the table
 *
 * Context: the lock of the PMD table is held.
 * Return: true if it ever was in the tree, so that it is freed by RCU.
 */
static inline bool pte_table_was_hooked(struct page *page)
{
	return page_ptdesc(page)->pt_table.flags & PTE_TABLE_HOOKED;
}

/* A table that goes back into the tree may have lost its hint meanwhile */
static inline void pte_table_withdrawn(struct page *page)
{
	page_ptdesc(page)->pt_table.flags &= ~PTE_TABLE_QUEUED;
}

#else /* !CONFIG_FREE_USER_PTE */

#define __ptep_get_and_clear_raw(mm, addr, ptep) \
	ptep_get_and_clear(mm, addr, ptep)
#define __set_ptes_raw(mm, addr, ptep, pte, nr)	set_ptes(mm, addr, ptep, pte, nr)
#define __pte_clear_raw(mm, addr, ptep)		pte_clear(mm, addr, ptep)
#define __set_pte_at_raw(mm, addr, ptep, pte)	set_pte_at(mm, addr, ptep, pte)

static inline void pte_table_init(struct mm_struct *mm, struct ptdesc *table) {}
static inline void pte_table_init_other(struct ptdesc *table) {}
static inline bool pte_table_release(struct ptdesc *table) { return true; }
static inline void pte_table_add(const pte_t *ptep, unsigned int nr) {}
static inline void pte_table_drop(const pte_t *ptep, unsigned int nr) {}
static inline unsigned int pte_table_fills(const pte_t *ptep) { return 0; }
static inline void pte_table_set(struct mm_struct *mm, unsigned long addr,
				 const pte_t *ptep, pte_t pte,
				 unsigned int filled) {}
static inline void pte_table_cleared(struct mm_struct *mm, unsigned long addr,
				     const pte_t *ptep, pte_t old) {}
static inline void pte_table_check_unlock(const pte_t *ptep,
					  const spinlock_t *ptl) {}
static inline void pte_table_hints_init(struct mm_struct *mm) {}
static inline void pte_table_hints_exit(struct mm_struct *mm) {}
static inline void pte_table_hooked(struct page *page) {}
static inline bool pte_table_was_hooked(struct page *page) { return false; }
static inline void pte_table_withdrawn(struct page *page) {}
static inline void free_user_pte_look(struct mm_struct *mm,
				      unsigned long addr) {}
static inline void free_user_pte_moved_pud(struct mm_struct *mm,
					   unsigned long addr) {}

#endif /* CONFIG_FREE_USER_PTE */

#endif /* _LINUX_FREE_USER_PTE_H */
