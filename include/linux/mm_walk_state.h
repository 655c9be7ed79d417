/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Walking the memory of a process, without callbacks.
 *
 * A walk is a loop, and what is found is in a state beside it:
 *
 *	DEFINE_MM_WALK_STATE(walk, mm, start, end, MM_WALK_HOLES);
 *
 *	mmap_read_lock(mm);
 *	for_each_page_range(&walk) {
 *		if (walk.hole)
 *			holes += walk.next - walk.addr;
 *		else if (walk.level == PGTABLE_LEVEL_PTE && pte_dirty(walk.pte))
 *			break;
 *	}
 *	mmap_read_unlock(mm);
 *
 * There is nothing to give back after a loop, whatever way it was left. The
 * walks are those of Rust: see rust/kernel/mm/walk/.
 */
#ifndef _LINUX_MM_WALK_STATE_H
#define _LINUX_MM_WALK_STATE_H

#include <linux/cleanup.h>
#include <linux/mm_types.h>
#include <linux/pgtable.h>

/* Tell of holes too: where no entry is, and no VMA */
#define MM_WALK_HOLES		0x1
/* Split huge pages that are in the way, but for those of hugetlb */
#define MM_WALK_SPLIT		0x2
/* Tell of each page of a huge page as if it had an entry of its own */
#define MM_WALK_PAGES		0x4

#define MM_WALK_STATE_WORDS	64

/**
 * struct mm_walk_state - a walk under way, and the entry that it is at
 * @mm: whose memory is walked
 * @start: the first address
 * @end: the first address behind
 * @flags: MM_WALK_HOLES and others
 * @addr: the first address that the entry stands for and is walked
 * @next: the first address behind the entry
 * @vma: the VMA of the entry, NULL in a hole between VMAs
 * @level: the level of the entry; of a hole the level at which it begins
 * @hole: there is no entry
 * @pte: the entry, if @level is PGTABLE_LEVEL_PTE
 * @pmd: the entry, if @level is PGTABLE_LEVEL_PMD
 * @pud: the entry, if @level is PGTABLE_LEVEL_PUD
 *
 * An entry of hugetlb is a @pte, of more than a page.
 *
 * Whoever walks sets the first four, by DEFINE_MM_WALK_STATE(), and reads the
 * others. A state must not be copied while a loop runs. It may be used for
 * another loop after one was left, which starts at @start again.
 */
struct mm_walk_state {
	struct mm_struct *mm;
	unsigned long start;
	unsigned long end;
	unsigned int flags;

	unsigned long addr;
	unsigned long next;
	struct vm_area_struct *vma;
	enum pgtable_level level;
	bool hole;
	union {
		pte_t pte;
		pmd_t pmd;
		pud_t pud;
	};

	/* private: */
	u8 under_way;
	u64 walk[MM_WALK_STATE_WORDS];
};

/**
 * DEFINE_MM_WALK_STATE() - Define what a walk needs.
 * @_name: What to call it.
 * @_mm: Whose memory to walk.
 * @_start: The first address.
 * @_end: The first address behind.
 * @_flags: MM_WALK_HOLES and others, or 0.
 */
#define DEFINE_MM_WALK_STATE(_name, _mm, _start, _end, _flags)		\
	struct mm_walk_state _name = {					\
		.mm = (_mm),						\
		.start = (_start),					\
		.end = (_end),						\
		.flags = (_flags),					\
	}

bool mm_walk_next(struct mm_walk_state *state);
bool mm_walk_next_locked(struct mm_walk_state *state);
void mm_walk_end(struct mm_walk_state *state);

static inline void mm_walk_leave(struct mm_walk_state **state)
{
	mm_walk_end(*state);
}

/**
 * for_each_page_range() - Go over what is mapped in a range.
 * @_state: A pointer to the state.
 *
 * What is found is a copy, which may be outdated: nothing is locked in the
 * body of the loop, which may sleep, and change what is mapped. The walk goes
 * on behind what it told of.
 *
 * Context: The mmap lock is held, for reading or for writing, until the loop
 * is left. May sleep.
 */
#define for_each_page_range(_state)					\
	for (struct mm_walk_state *__walk __cleanup(mm_walk_leave) = (_state); \
	     mm_walk_next(__walk);)

/**
 * for_each_pte_range() - Go over the entries of PTE tables in a range.
 * @_state: A pointer to the state.
 * @_pte: Where to put each entry.
 *
 * As for_each_page_range(), but the table is locked in the body of the loop,
 * so that the entry stays as it is but for marks that the processor sets. Of
 * other levels nothing is told.
 *
 * Context: The mmap lock is held until the loop is left. The body must not
 * sleep; the walk does between tables.
 */
#define for_each_pte_range(_state, _pte)				\
	for (struct mm_walk_state *__walk __cleanup(mm_walk_leave) = (_state); \
	     mm_walk_next_locked(__walk) && ((_pte) = __walk->pte, true);)

#endif /* _LINUX_MM_WALK_STATE_H */
