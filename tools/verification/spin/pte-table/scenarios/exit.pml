/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The last user goes, while pages are reclaimed and hints pend.
 *
 * bug NO_MMGRAB: no_mm_use_after_free
 * bug CANCEL_KEEPS_MM: no_lost_mm
 * bug RECLAIM_AS_USER: ends_with_its_last_thread
 * bug EXIT_DOES_NOT_WAIT: no_walk_of_dying_tree
 * bug EXIT_IGNORES_VMA_LOCK: nr_ptes_is_exact
 */
#define KICK
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
		populate(0, PRESENT, PRESENT);
		actors = 4;
		mm_users = 2;
		run exit_mm(0, 0);
		run try_to_unmap(1, 0, 0, 0);
		run try_to_unmap(2, 0, 1, 0);
		run madvise(3, 0, 0, 1);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
