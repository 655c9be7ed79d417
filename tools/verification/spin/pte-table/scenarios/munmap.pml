/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A range is unmapped, with no VMA left to lock: nothing but the lack of one tells
 * the reclaimer to leave the table alone.
 *
 * bug NO_VMA_CHECK: nr_ptes_never_underflows
 */
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/fault.pml"
#include "../actors/zap.pml"
#include "../actors/rmap.pml"
#include "../actors/unmap.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, PRESENT, 0);
		actors = 4;
		mm_users = 4;
		run munmap(0, 0, 0, 1);
		run try_to_unmap(1, 0, 0, 0);
		run fault(2, 0, 1);
		run walk(3, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
