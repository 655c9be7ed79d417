/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two holders of references, one of which prepares a table to fill it, meet a zap
 * and the reclaimer.
 *
 * bug UNHOOK_IGNORES_REFS: no_use_after_free
 * bug GET_DEAD_TABLE: no_use_after_free
 * bug PUT_LEAVES_NO_HINT: no_lost_wakeup
 */
#define HOLDER_MUST_SUCCEED
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/zap.pml"
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
		run holder(1, 0, 1, true);
		run madvise(2, 0, 0, 1);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
