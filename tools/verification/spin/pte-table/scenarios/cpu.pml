/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A CPU that runs a kernel thread on the page tables speculates.
 *
 * bug FLUSH_SPARES_LAZY_CPUS: no_walk_of_freed_table
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
		actors = 3;
		mm_users = 3;
		run cpu();
		run madvise(1, 0, 0, 0);
		run fault(2, 0, 0);
		run try_to_unmap(3, 0, 0, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
