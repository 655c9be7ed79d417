/* SPDX-License-Identifier: GPL-2.0 */
/*
 * khugepaged does the same while the table moves.
 *
 * bug MOVE_WITHOUT_RMAP_LOCK: no_entry_in_unhooked_table
 */
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/zap.pml"
#include "../actors/rmap.pml"
#include "../actors/fault.pml"
#include "../actors/collapse.pml"
#include "../actors/mremap.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, PRESENT, 0);
		actors = 3;
		mm_users = 3;
		run retract(0, 0);
		run move_pmd(1, 0);
		run madvise(2, 0, 0, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
