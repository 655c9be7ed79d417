/* SPDX-License-Identifier: GPL-2.0 */
/*
 * khugepaged does the same while the range is unmapped.
 *
 * bug UNMAP_BEFORE_UNLINK: no_use_after_free
 */
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/zap.pml"
#include "../actors/rmap.pml"
#include "../actors/fault.pml"
#include "../actors/collapse.pml"
#include "../actors/unmap.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, PRESENT, 0);
		actors = 4;
		mm_users = 4;
		run retract(0, 0);
		run munmap(1, 0, 0, 1);
		run fault_file(2, 0, 0);
		run walk(3, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
