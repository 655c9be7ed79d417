/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GUP-fast looks for a page that is zapped, in a table that is freed.
 *
 * bug GUP_WITHOUT_RECHECK: no_page_of_another
 * bug GUP_WITH_INTERRUPTS_ON: no_use_after_free
 */
#define PAGES
#define fill(t, e)	page_refs[2] = 1; set_entry(vma_block[vma], t, e, 2)
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/fault.pml"
#include "../actors/zap.pml"
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
		run madvise(1, 0, 0, 1);
		run fault(2, 0, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
