/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The end of a range, or of all: munmap() and exit. Both clear what is mapped,
 * hide the VMA from the rmap, and free the tables without any lock of theirs.
 */

/* unmap_vmas(): the VMA's own entries, the first to the last */
inline unmap_entries(b, first, last)
{
	pte_offset_map_lock(b, t);
	if
	:: t != NONE ->
		e = first;
		do
		:: e <= last ->
			atomic {
				if
				:: table[t].entry[e] != 0 ->
					clear_page(t, e);
					table[t].populated--
				:: else
				fi;
				table[t].entry[e] = 0;
				e++
			}
		:: else -> break
		od;
		e = 0;
		/* free_pgtables() takes a table that no VMA is left to use. */
		if
#ifdef BUG_NO_HINT_FOR_NEIGHBOUR
		:: false -> skip
#else
		:: table[t].populated == 0 && mapped(b) && mm_users > 0 ->
			emptied(b, t)
#endif
		:: else
		fi;
		pte_unmap_unlock(t);
		free_cleared_pages()
	:: else
	fi
}

inline unlink_vma(vma)
{
	atomic {
		!rmap_lock.writer && !rmap_lock.readers ->
		vma_linked[vma] = 0
	}
}

/* free_pgd_range() */
inline free_pgtables(b)
{
	t = pmd[b];
	if
	:: t == LEAF ->
		/* Its zap has freed the deposit; not part of any scenario. */
		assert(false)
	:: is_table(t) ->
		pmd[b] = NONE;
		pte_free_tlb(t)
	:: else
	fi
}

/* Of one VMA, whose entries of the block are the first to the last */
proctype munmap(byte me; byte vma; byte first; byte last)
{
	byte t, e, b, cleared_pages;

	down_write(mmap_lock);
	down_write(vma_lock[vma]);
	b = vma_block[vma];
	vma_live[vma] = 0;
	atomic { up_write(vma_lock[vma]); downgrade_write(mmap_lock) };
	unmap_entries(b, first, last);
#ifndef BUG_UNMAP_BEFORE_UNLINK
	unlink_vma(vma);
#endif
	/* Not if a VMA is left that uses the table: the floor and the ceiling */
	if
	:: !mapped(b) -> free_pgtables(b)
	:: else
	fi;
	b = 0;
#ifdef BUG_UNMAP_BEFORE_UNLINK
	unlink_vma(vma);
#endif
	up_read(mmap_lock);
	thread_done()
}

/* The last user goes: of a mm with one VMA. */
proctype exit_mm(byte me; byte vma)
{
	byte t, e, cleared_pages;

	mm_users--;
	mm_users == 0;
#ifndef BUG_EXIT_DOES_NOT_WAIT
	!hints_lock;
#endif
	cancel_work();
	down_read(mmap_lock);
	unmap_entries(vma_block[vma], 0, ENTRIES - 1);
	up_read(mmap_lock);
	atomic { down_write(mmap_lock); tree_is_private = 1 };
#ifndef BUG_EXIT_IGNORES_VMA_LOCK
	down_write(vma_lock[vma]);
#endif
	unlink_vma(vma);
	free_pgtables(vma_block[vma]);
	vma_live[vma] = 0;
	up_write(mmap_lock);
	must(nr_ptes_is_exact, nr_ptes == 0);
	mmdrop();
	done()
}
