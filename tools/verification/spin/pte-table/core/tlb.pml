/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The paging-structure cache of a CPU: a pointer to a table that the CPU may
 * walk through at any time, by speculation, until it is flushed. It is no RCU
 * reader. The CPU is lazy: it runs a kernel thread on the mm's page tables, and
 * is flushed only if tables are freed.
 */
bit irqs_off;			/* on the CPU that runs GUP-fast */
byte cached_pmd;		/* of block 0 */

inline flush_tlb()
{
#ifdef BUG_FLUSH_SPARES_LAZY_CPUS
	skip
#else
	cached_pmd = NONE
#endif
}
