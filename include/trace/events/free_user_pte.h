/* SPDX-License-Identifier: GPL-2.0 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM free_user_pte

#if !defined(_TRACE_FREE_USER_PTE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _TRACE_FREE_USER_PTE_H

#include <linux/mm_types.h>
#include <linux/tracepoint.h>

DECLARE_EVENT_CLASS(pte_table,
	TP_PROTO(struct mm_struct *mm, unsigned long addr),
	TP_ARGS(mm, addr),
	TP_STRUCT__entry(
		__field(struct mm_struct *, mm)
		__field(unsigned long, addr)
	),
	TP_fast_assign(
		__entry->mm = mm;
		__entry->addr = addr;
	),
	TP_printk("mm=%p addr=0x%lx", __entry->mm, __entry->addr)
);

/* An empty table was left for the reclaimer to look at. */
DEFINE_EVENT(pte_table, pte_table_defer,
	TP_PROTO(struct mm_struct *mm, unsigned long addr),
	TP_ARGS(mm, addr));

/* There was no room for a hint: the address range will be searched. */
DEFINE_EVENT(pte_table, pte_table_overflow,
	TP_PROTO(struct mm_struct *mm, unsigned long addr),
	TP_ARGS(mm, addr));

/* An empty table could not be unhooked: a lock was taken, or it has users. */
DEFINE_EVENT(pte_table, pte_table_busy,
	TP_PROTO(struct mm_struct *mm, unsigned long addr),
	TP_ARGS(mm, addr));

/* An empty table was unhooked; RCU frees it. */
TRACE_EVENT(pte_table_free,
	TP_PROTO(struct mm_struct *mm, unsigned long addr, bool deferred),
	TP_ARGS(mm, addr, deferred),
	TP_STRUCT__entry(
		__field(struct mm_struct *, mm)
		__field(unsigned long, addr)
		__field(bool, deferred)
	),
	TP_fast_assign(
		__entry->mm = mm;
		__entry->addr = addr;
		__entry->deferred = deferred;
	),
	TP_printk("mm=%p addr=0x%lx %s", __entry->mm, __entry->addr,
		  __entry->deferred ? "deferred" : "at once")
);

/*
 * The reclaimer unlocks a VMA after it looked at so many tables. Somebody was
 * seen to wait for the VMA for so long, which may be since a table before.
 */
TRACE_EVENT(pte_table_scan,
	TP_PROTO(struct mm_struct *mm, unsigned int tables, u64 held_ns,
		 u64 waited_ns),
	TP_ARGS(mm, tables, held_ns, waited_ns),
	TP_STRUCT__entry(
		__field(struct mm_struct *, mm)
		__field(unsigned int, tables)
		__field(u64, held_ns)
		__field(u64, waited_ns)
	),
	TP_fast_assign(
		__entry->mm = mm;
		__entry->tables = tables;
		__entry->held_ns = held_ns;
		__entry->waited_ns = waited_ns;
	),
	TP_printk("mm=%p tables=%u held_ns=%llu waited_ns=%llu", __entry->mm,
		  __entry->tables, __entry->held_ns, __entry->waited_ns)
);

#endif /* _TRACE_FREE_USER_PTE_H */

#include <trace/define_trace.h>
