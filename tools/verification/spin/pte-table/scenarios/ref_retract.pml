/* SPDX-License-Identifier: GPL-2.0 */
/*
 * khugepaged frees the table of a file while somebody has a reference of it.
 *
 * bug FREE_IGNORES_REFS: no_free_of_referenced_table
 */
#define HOLDER_ONLY_READS
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/fault.pml"
#include "../actors/zap.pml"
#include "../actors/rmap.pml"
#include "../actors/collapse.pml"
#include "../actors/reclaim.pml"
#include "../actors/ref.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, PRESENT, 0);
		actors = 3;
		mm_users = 3;
		run retract(0, 0);
		run madvise(2, 0, 0, 0);
		run holder(3, 0, 0, false);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
