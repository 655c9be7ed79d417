/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A reference outlives the range that its table maps.
 *
 * bug FREE_IGNORES_REFS: no_free_of_referenced_table
 * bug UPGRADE_WITHOUT_LOCK: no_entry_in_unhooked_table
 */
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/zap.pml"
#include "../actors/unmap.pml"
#include "../actors/reclaim.pml"
#include "../actors/ref.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, PRESENT, 0);
		actors = 3;
		mm_users = 4;
		run holder(0, 0, 0, false);
		run munmap(1, 0, 0, 1);
		run madvise(2, 0, 0, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
