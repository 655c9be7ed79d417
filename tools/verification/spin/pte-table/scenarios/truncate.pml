/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Dirty pages of a file, whose rmap a zap removes with delay, meet a truncate.
 *
 * bug UNHOOK_BEFORE_RMAP_REMOVAL: no_page_mapped_after_truncate
 */
#define MAPCOUNT
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/zap.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, PRESENT, PRESENT);
		mapcount = 2;
		actors = 2;
		mm_users = 2;
		run madvise(0, 0, 0, 1);
		run truncate(1, 0, 0, 1);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
