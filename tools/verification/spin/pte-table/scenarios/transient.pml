/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A table with one entry: its count is zero for an instant whenever the entry
 * changes. The page is swapped out, swapped in, and changed by mprotect().
 *
 * bug FREE_AT_ZERO: no_entry_in_unhooked_table
 * bug COUNT_PRESENT_ONLY: populated_is_exact
 * bug QUEUED_STAYS: no_lost_wakeup
 */
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/fault.pml"
#include "../actors/zap.pml"
#include "../actors/rmap.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, PRESENT, 0);
		actors = 4;
		mm_users = 4;
		run mprotect(0, 0, 0);
		run try_to_unmap(1, 0, 0, SWAP);
		run swap_in(2, 0, 0);
		run madvise(3, 0, 0, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
