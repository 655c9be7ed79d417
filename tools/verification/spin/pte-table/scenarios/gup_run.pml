/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GUP-fast pins two pages of one folio at once, of which one is swapped out, or
 * zapped.
 *
 * bug GUP_RECHECKS_FIRST_ONLY: no_held_page_replaced
 * bug GUP_KEEPS_REST: no_lost_page
 */
#define PAGES
#define LARGE
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/folio.pml"
#include "../actors/fault.pml"
#include "../actors/zap.pml"
#include "../actors/reclaim.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, 1, 2);
		page_refs[1] = 2;
		actors = 3;
		mm_users = 3;
		run gup_fast_run(0, 0);
		run swap_out(1, 0, 1);
		run madvise(2, 0, 0, 1);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end(); check_pages()
}
