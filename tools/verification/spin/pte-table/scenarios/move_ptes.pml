/* SPDX-License-Identifier: GPL-2.0 */
/*
 * An entry moves to a table that a neighbour uses, who zaps it; the file that both
 * map is truncated.
 *
 * bug MOVE_WITHOUT_RECHECK: no_entry_in_unhooked_table
 */
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/zap.pml"
#include "../actors/mremap.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		map_vma(1, 1);
		populate(0, PRESENT, 0);
		populate(1, 0, PRESENT);
		actors = 3;
		mm_users = 3;
		run move_ptes(0, 0, 0);
		run madvise(1, 1, 1, 1);
		run truncate(2, 1, 0, 1);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
