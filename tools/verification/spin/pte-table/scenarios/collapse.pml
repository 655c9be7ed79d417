/* SPDX-License-Identifier: GPL-2.0 */
/*
 * khugepaged makes a huge page of anonymous memory, and keeps the table below it:
 * the huge page is zapped, while others take and put references, or look at the
 * table.
 *
 * bug DEPOSIT_FREED_AT_ONCE: no_use_after_free
 */
#include "../core/core.pml"
#include "../actors/walk.pml"
#include "../actors/fault.pml"
#include "../actors/zap.pml"
#include "../actors/rmap.pml"
#include "../actors/collapse.pml"
#include "../actors/reclaim.pml"
#include "../actors/ref.pml"

init
{
	atomic {
		map_vma(0, 0);
		populate(0, PRESENT, PRESENT);
		actors = 4;
		mm_users = 4;
		run collapse(0, 0);
		run zap_huge(1, 0);
		run holder(2, 0, 0, false);
		run walk(4, 0);
		run reclaimer(7);
		run rcu_callbacks()
	}
	quiet() -> check_end()
}
