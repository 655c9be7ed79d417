/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What bindgen reads for the Rust code of this folder, beside the kernel's own
 * rust/bindings/bindings_helper.h.
 */
#include <linux/pgtable.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>
#include <asm/tlb.h>
#include <trace/events/free_user_pte.h>

/* mm/internal.h, of which only this is needed */
void flush_tlb_batched_pending(struct mm_struct *mm);
