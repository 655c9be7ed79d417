/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The same huge page is split: the table that was kept is used again, filled and emptied.
 *
 * bug WITHDRAWN_STAYS_QUEUED: no_lost_wakeup
 */
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
		populate(0, PRESENT, PRESENT);
		actors = 5;
		mm_users = 3;
		run collapse(0, 0);
		run split_huge(1, 0);
		run try_to_unmap(2, 0, 0, 0);
		run try_to_unmap(3, 0, 1, 0);
		run fault(4, 0, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
