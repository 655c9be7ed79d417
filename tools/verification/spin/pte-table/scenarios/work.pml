/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hints come while the work is pending, about to look at them, or done.
 *
 * bug GRAB_FOR_PENDING_WORK: no_lost_mm
 */
#define KICK
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/hinter.pml"
#include "../actors/unmap.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		actors = 4;
		mm_users = 4;
		run hinter(0, 0);
		run hinter(1, 1);
		run hinter(2, 0);
		run exit_mm(3, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
