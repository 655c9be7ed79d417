/* SPDX-License-Identifier: GPL-2.0 */
/*
 * GUP-fast pins two pages of one folio at once, which is split meanwhile, and one
 * of the pages is zapped.
 *
 * bug GUP_TRUSTS_OLD_FOLIO: no_page_of_another
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
		run split_folio(1, 0);
		run madvise(2, 0, 0, 1);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end(); check_pages()
}
