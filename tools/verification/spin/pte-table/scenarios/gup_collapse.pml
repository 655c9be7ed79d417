/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GUP-fast looks for a page that khugepaged replaces by a huge one.
 *
 * bug COLLAPSE_WITHOUT_SYNC: no_held_page_replaced
 */
#define PAGES
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/zap.pml"
#include "../actors/rmap.pml"
#include "../actors/fault.pml"
#include "../actors/collapse.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, 1, 2);
		page_refs[1] = 1;
		page_refs[2] = 1;
		actors = 3;
		mm_users = 3;
		run gup_fast(0, 0, 0);
		run collapse(1, 0);
		run zap_huge(2, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
