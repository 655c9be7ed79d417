/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One of two VMAs that share a table is unmapped, and the other stays, without
 * pages: somebody has to free the table, though nobody can look at it while a VMA
 * is locked.
 *
 * bug NO_HINT_FOR_NEIGHBOUR: no_lost_wakeup
 * bug PUT_BACK_UNSCHEDULED: no_lost_wakeup
 */
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/zap.pml"
#include "../actors/rmap.pml"
#include "../actors/unmap.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		map_vma(1, 0);
		populate(0, PRESENT, PRESENT);
		actors = 3;
		mm_users = 3;
		run munmap(0, 0, 0, 0);
		run madvise(1, 0, 0, 0);
		run try_to_unmap(2, 1, 1, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
