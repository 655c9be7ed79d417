/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Types of the page table reclaimer that <linux/mm_types.h> embeds.
 */
#ifndef _LINUX_PTE_TABLE_TYPES_H
#define _LINUX_PTE_TABLE_TYPES_H

#include <linux/spinlock_types.h>
#include <linux/types.h>
#include <linux/workqueue.h>

/**
 * struct pte_table_state - what a user PTE table knows about itself
 * @populated: entries that are not none; 0 to 512. Plain memory, changed only
 *	under the table's lock, or while nobody else can reach the table.
 * @flags: %PTE_TABLE_TAG and others; same rule as @populated.
 * @refs: long-lived references, one of which is the table's own, and whether
 *	the table waits for the others to be dropped. Frozen to 0 when an empty
 *	table is unhooked. See rust/kernel/mm/pgtable/refs.rs.
 *
 * Lives in the word of struct ptdesc that no other x86 PTE table uses.
 */
struct pte_table_state {
	u16 populated;
	u16 flags;
	atomic_t refs;
};

/* In @flags: there is a hint for this table that nobody looked at yet. */
#define PTE_TABLE_QUEUED	0x0001U
/* In @flags: freed by its owner, with whatever is left in it. */
#define PTE_TABLE_EXEMPT	0x0002U
/* In @flags: a PMD entry pointed to it, so that others may have found it. */
#define PTE_TABLE_HOOKED	0x0004U
/* In @flags: a user PTE table, as opposed to whatever else has a ptdesc. */
#define PTE_TABLE_TAG		0x5e70U
#define PTE_TABLE_TAG_MASK	0xfff8U

#define PTE_TABLE_HINTS		32

/**
 * struct pte_table_ring - blocks of the address space (address >> PMD_SHIFT)
 *	whose tables were seen empty
 * @nr: number of valid @slots
 * @scheduled: the reclaimer's work is pending, and holds a reference of the mm
 * @refused: how often in a row the reclaimer could lock no VMA
 * @slots: the blocks
 * @rescan_first: when @rescan_last >= @rescan_first, first block of the span
 *	to be searched for empty tables since @slots overflowed
 * @rescan_last: last block of that span
 */
struct pte_table_ring {
	u16 nr;
	bool scheduled;
	u8 refused;
	unsigned long slots[PTE_TABLE_HINTS];
	unsigned long rescan_first;
	unsigned long rescan_last;
};

/**
 * struct pte_table_hints - what an mm's reclaimer is to look at
 * @lock: protects @ring, and while there are users the tree of VMAs against
 *	exit_mmap(); a leaf lock but for those of the workqueue
 * @ring: the hints
 * @crowded: @ring is half full. Changed under @lock, read without.
 * @moved: a table was moved to another address, with what it holds
 * @work: looks at the hints, some time after the first of them
 */
struct pte_table_hints {
	spinlock_t lock;
	struct pte_table_ring ring;
	bool crowded;
	bool moved;
	struct delayed_work work;
};

#endif /* _LINUX_PTE_TABLE_TYPES_H */
