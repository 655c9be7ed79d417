/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tables, the PMD entries that they hang from, and the mm that they belong to.
 *
 * A table that was freed is never allocated again. So a pointer that outlived
 * its table is found by the first use of it, and a comparison of pointers
 * cannot be fooled by one that was reused.
 */
#define TABLES		6	/* may be allocated in all */
#ifndef VMAS
#define VMAS		2
#endif
#define BLOCKS		2	/* of the address space, one table each */
#define ENTRIES		2	/* of a table */

/* Of a PMD entry: a table's number, from 1, or */
#define NONE		0
#define LEAF		15	/* a huge page */

/* Life of a table */
#define UNUSED		0
#define LIVE		1	/* private, hooked or deposited */
#define AWAY		2	/* unhooked, waits for a grace period */
#define LENT		3	/* given up by its owner, kept by references */
#define FREED		4

typedef pte_table {
	byte life;
	byte entry[ENTRIES];	/* 0 is none */
	byte populated;
	bit queued;
	byte refs;
	bit wanted;
	byte lock;		/* 1 + who holds it */
	byte grace		/* readers that were there when it was unhooked */
};

pte_table table[TABLES + 1];
byte pmd[BLOCKS];
byte deposit[BLOCKS];		/* table kept below a huge page */

/*
 * VMAs: which block one is in, and while it is moved one more than where its copy
 * is, which has the same lock; whether it is in the mm's tree, in the rmap's
 */
byte vma_block[VMAS];
byte vma_copy[VMAS];
bit vma_live[VMAS];
bit vma_linked[VMAS];

byte nr_ptes;
byte mm_users = 1;
byte mm_count = 1;
bit mm_freed;

#define mm_in_use()	must(no_mm_use_after_free, !mm_freed)
#define mmget()		mm_users++
#define mmgrab()	mm_in_use(); mm_count++
#define mmdrop() \
	atomic { \
		mm_in_use(); \
		mm_count--; \
		if \
		:: mm_count == 0 -> mm_freed = 1 \
		:: else \
		fi \
	}

#define used(t)		must(no_use_after_free, table[t].life != FREED && \
					       table[t].life != UNUSED)
#define filled(t)	((table[t].entry[0] != 0) + (table[t].entry[1] != 0))
#define is_table(p)	((p) != NONE && (p) != LEAF)
/* A live VMA intersects the block */
#define in_block(vma, b)	(vma_live[vma] && (vma_block[vma] == (b) || \
						   vma_copy[vma] == (b) + 1))
#if VMAS == 1
#define mapped(b)	(vma_live[0] && vma_block[0] == (b))
#else
#define mapped(b)	((vma_live[0] && vma_block[0] == (b)) || \
			 (vma_live[1] && vma_block[1] == (b)))
#endif

inline map_vma(vma, b)
{
	vma_block[vma] = b;
	vma_live[vma] = 1;
	vma_linked[vma] = 1
}

inline dec_nr_ptes()
{
	must(nr_ptes_never_underflows, nr_ptes > 0);
	nr_ptes--
}
