/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GUP-fast looks for a page of a range that is unmapped.
 *
 * bug GUP_WITH_INTERRUPTS_ON: no_use_after_free
 */
#define PAGES
#define fill(t, e)	page_refs[2] = 1; set_entry(vma_block[vma], t, e, 2)
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/fault.pml"
#include "../actors/zap.pml"
#include "../actors/unmap.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, 1, 0);
		page_refs[1] = 1;
		actors = 3;
		mm_users = 4;
		run gup_fast(0, 0, 0);
		run munmap(1, 0, 0, 1);
		run fault(2, 0, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
