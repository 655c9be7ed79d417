/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A reference outlives the address space.
 *
 * bug HOLDER_WITHOUT_MMGRAB: no_mm_use_after_free
 */
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/zap.pml"
#include "../actors/unmap.pml"
#include "../actors/rmap.pml"
#include "../actors/reclaim.pml"
#include "../actors/ref.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, PRESENT, 0);
		actors = 3;
		mm_users = 2;
		run holder(0, 0, 0, false);
		run exit_mm(1, 0);
		run try_to_unmap(2, 0, 0, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
