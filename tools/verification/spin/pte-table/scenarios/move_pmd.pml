/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A whole table moves, with the hint that it may have.
 *
 * bug MOVED_WITHOUT_HINT: no_lost_wakeup
 */
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/fault.pml"
#include "../actors/zap.pml"
#include "../actors/rmap.pml"
#include "../actors/mremap.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, PRESENT, 0);
		actors = 4;
		mm_users = 4;
		run move_pmd(0, 0);
		run try_to_unmap(1, 0, 0, 0);
		run fault(2, 0, 1);
		run madvise(3, 0, 1, 1);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
