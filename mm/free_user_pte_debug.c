// SPDX-License-Identifier: GPL-2.0
/*
 * Freeing of empty user PTE tables: checks of the accounting, and knobs that
 * provoke what is rare.
 */
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/percpu.h>
#include <linux/pgtable.h>

struct free_user_pte_debug free_user_pte_debug;

/* Every so many unlocks, the entries are counted */
#define SAMPLE	16
static DEFINE_PER_CPU(unsigned int, unlocks);

/**
 * pte_table_recount - warn if the count of populated entries is wrong
 * @table: a user PTE table
 * @when: what is about to happen to it, for the message
 *
 * Context: the table's lock is held, or nothing can reach the table any more.
 */
void pte_table_recount(const struct ptdesc *table, const char *when)
{
	const pte_t *ptep = pte_table_entries(table);
	unsigned int i, populated = 0;

	for (i = 0; i < PTRS_PER_PTE; i++)
		populated += !pte_none(ptep_get((pte_t *)ptep + i));

	WARN_ONCE(populated != table->pt_table.populated,
		  "PTE table %p %s: %u entries are populated, %u counted\n",
		  ptep, when, populated, table->pt_table.populated);
}

void pte_table_check_unlock(const pte_t *ptep, const spinlock_t *ptl)
{
	struct ptdesc *table = pte_table(ptep);

	if (this_cpu_inc_return(unlocks) % SAMPLE)
		return;
	/* Some pass an entry behind the last one they used: not this table's. */
	if (ptlock_ptr(table) == ptl && pte_table_tracked(table))
		pte_table_recount(table, "unlocked");
}

void pte_table_check_change(struct mm_struct *mm, const struct ptdesc *table)
{
	WARN_ONCE(!pte_table_tracked(table),
		  "entry of %p changed, which is no user PTE table\n",
		  pte_table_entries(table));
}

static int __init free_user_pte_debug_init(void)
{
	struct dentry *dir = debugfs_create_dir("free_user_pte", NULL);

	debugfs_create_bool("force_free", 0600, dir,
			    &free_user_pte_debug.force_free);
	debugfs_create_bool("fail_trylock", 0600, dir,
			    &free_user_pte_debug.fail_trylock);
	debugfs_create_u32("delay_us", 0600, dir,
			   &free_user_pte_debug.delay_us);
	return 0;
}
late_initcall(free_user_pte_debug_init);
