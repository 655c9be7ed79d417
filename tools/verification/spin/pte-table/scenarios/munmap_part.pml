/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One of two VMAs that share a table is unmapped, then the other.
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
		map_vma(1, 0);
		populate(0, PRESENT, 0);
		actors = 4;
		mm_users = 5;
		run munmap(0, 0, 0, 0);
		run munmap(1, 1, 1, 1);
		run madvise(2, 1, 1, 1);
		run fault(3, 1, 1);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
