/* SPDX-License-Identifier: GPL-2.0 */
/*
 * UFFDIO_COPY into a table that a neighbour empties.
 *
 * bug FILL_FAILS_IF_TABLE_VANISHED: no_spurious_error
 */
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/fault.pml"
#include "../actors/zap.pml"
#include "../actors/fill.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		map_vma(1, 0);
		populate(0, 0, PRESENT);
		actors = 3;
		mm_users = 3;
		run uffd_copy(0, 0, 0);
		run madvise(1, 1, 1, 1);
		run truncate(2, 1, 1, 1);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
