/* SPDX-License-Identifier: GPL-2.0 */
/*
 * UFFDIO_COPY: allocates the table, looks whether it is there, and fills it. If
 * it went meanwhile, that is no reason to say that the page is there already.
 */
proctype uffd_copy(byte me; byte vma; byte e)
{
	byte t;
	bit is_there;

	down_read(mmap_lock);
	do
	:: pte_alloc(vma_block[vma]);
	   is_there = is_table(pmd[vma_block[vma]]);
#ifdef BUG_FILL_FAILS_IF_TABLE_VANISHED
	   must(no_spurious_error, is_there);
#endif
	   if
	   :: is_there -> pte_offset_map_lock(vma_block[vma], t)
	   :: else
	   fi;
	   is_there = 0;
	   if
	   :: t != NONE -> break
	   :: else
	   fi
	od;
	fill(t, e);
	pte_unmap_unlock(t);
	up_read(mmap_lock);
	thread_done()
}
