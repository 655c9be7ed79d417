/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table whose entries one VMA has: a fault, a zap of all of it and the unmap of a
 * page meet the reclaimer.
 *
 * bug MAP_WITHOUT_RECHECK: no_entry_in_unhooked_table
 * bug ZAP_TRUSTS_WHAT_IT_SAW: no_populated_table_unhooked
 * bug FREE_WITHOUT_GRACE_PERIOD: no_use_after_free
 * bug UNHOOK_WITHOUT_COMPARE: no_free_while_locked
 * bug WAIT_FOR_PMD_LOCK: invalid end state
 */
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/fault.pml"
#include "../actors/zap.pml"
#include "../actors/rmap.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, PRESENT, PRESENT);
		actors = 3;
		mm_users = 3;
		run fault(0, 0, 0);
		run madvise(1, 0, 0, 1);
		run try_to_unmap(2, 0, 1, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
