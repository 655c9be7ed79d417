/* SPDX-License-Identifier: GPL-2.0 */
/*
 * khugepaged frees the table below a huge page of a file, with no lock but that of
 * the rmap.
 *
 * bug RETRACT_TRUSTS_OLD_PMD: no_use_after_free
 */
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/fault.pml"
#include "../actors/zap.pml"
#include "../actors/rmap.pml"
#include "../actors/collapse.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, PRESENT, 0);
		actors = 3;
		mm_users = 3;
		run retract(0, 0);
		run fault_file(1, 0, 0);
		run madvise(2, 0, 0, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
