/* SPDX-License-Identifier: GPL-2.0 */
/* A page fault: allocates the table if need be, locks it, fills an entry. */
#ifndef fill
#define fill(t, e)	set_entry(vma_block[vma], t, e, PRESENT)
#endif

proctype fault(byte me; byte vma; byte e)
{
	byte t;
	bit ok;

	vma_start_read(vma, ok);
	if
	:: !ok -> goto out		/* SIGSEGV */
	:: else -> ok = 0
	fi;
	do
	:: pte_alloc(vma_block[vma]);
	   pte_offset_map_lock(vma_block[vma], t);
	   if
	   :: t != NONE -> break
	   :: t == NONE && pmd[vma_block[vma]] == LEAF -> break
	   :: else
	   fi
	od;
	if
	:: t != NONE ->
		fill(t, e);
		pte_unmap_unlock(t)
	:: else
	fi;
	up_read(vma_lock[vma]);
out:
	thread_done()
}
