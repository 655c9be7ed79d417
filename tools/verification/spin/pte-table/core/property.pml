/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What must hold. A search that finds a violation prints the name, which is how
 * a test can tell that it was the expected one. The names are always 0, and no
 * part of the state.
 */
hidden byte
	no_use_after_free,		/* of a table, by anyone */
	no_free_while_locked,		/* nor while somebody holds its lock */
	freed_once,
	no_free_of_hooked_table,
	no_free_of_referenced_table,
	no_entry_in_unhooked_table,
	no_populated_table_unhooked,	/* by the reclaimer or a zap */
	no_referenced_table_unhooked,	/* same */
	populated_is_exact,		/* whenever the table's lock is dropped */
	nothing_populated_is_freed,
	nr_ptes_never_underflows,
	nr_ptes_is_exact,		/* in the end */
	no_lost_wakeup,			/* an empty table that nobody looks at */
	no_lost_table,			/* one that is neither hooked nor freed */
	no_mm_use_after_free,
	no_lost_mm,			/* one that nobody uses and nobody frees */
	no_walk_of_dying_tree,		/* of VMAs, once exit_mmap() has it */
	ends_with_its_last_thread,	/* the mm; not when a worker is done with it */
	no_page_of_another,		/* for GUP-fast */
	no_held_page_replaced,		/* by a huge one, or by a copy */
	no_lost_page,			/* one that nobody refers to and nobody frees */
	no_page_mapped_after_truncate,
	no_spurious_error,		/* a table that vanished is no reason to fail */
	progress_with_a_ref,		/* a table that one holds is there to be filled */
	no_walk_of_freed_table,		/* by a CPU */
	the_model_has_room;		/* not a property: the model is too small */

#define must(property, condition)	assert((condition) || property)
