/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table moves as a whole while somebody holds a reference, whose put wakes the
 * reclaimer.
 *
 * bug PUT_TRUSTS_ADDRESS: no_lost_wakeup
 */
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/zap.pml"
#include "../actors/mremap.pml"
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
		run move_pmd(1, 0);
		run madvise(2, 0, 0, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
