/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GUP-fast looks for a page of a range that moves.
 *
 * bug GUP_WITHOUT_RECHECK: no_page_of_another
 */
#define PAGES
#define fill(t, e)	page_refs[2] = 1; set_entry(vma_block[vma], t, e, 2)
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/fault.pml"
#include "../actors/zap.pml"
#include "../actors/mremap.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, 1, 0);
		page_refs[1] = 1;
		actors = 4;
		mm_users = 5;
		run gup_fast(0, 0, 0);
		run move_pmd(1, 0);
		run madvise(2, 0, 0, 0);
		run fault(3, 0, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
