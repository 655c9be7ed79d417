/* SPDX-License-Identifier: GPL-2.0 */
/* mremap() from block 0 to block 1: of entries, or of a whole table. */

inline mremap_lock(vma)
{
	down_write(mmap_lock);
	down_write(vma_lock[vma]);
	vma_copy[vma] = 2
}

inline mremap_unlock(vma)
{
	atomic {
		vma_copy[vma] = 0;
		up_write(vma_lock[vma]);
		up_write(mmap_lock)
	}
}

/*
 * move_ptes(): the VMA's entry moves to a table that another VMA uses. The copy
 * of the VMA is in the rmap by then, so that a truncate finds it; the rmap lock
 * is not taken.
 */
proctype move_ptes(byte me; byte vma; byte e)
{
	byte old, new;
	bit again;

	mremap_lock(vma);
	do
	:: pte_alloc(1);
	   pte_offset_map_lock(0, old);
	   if
	   :: old == NONE -> break		/* nothing there to move */
	   :: else
	   fi;
	   new = pmd[1];			/* in the RCU section of old */
	   if
	   :: new != NONE ->
		atomic {
			table[new].lock == 0 ->
			used(new);
			table[new].lock = me + 1;
#ifndef BUG_MOVE_WITHOUT_RECHECK
			again = (pmd[1] != new)
#endif
		}
		if
		:: !again ->
			if
			:: table[old].entry[e] != 0 ->
				set_entry(1, new, e, table[old].entry[e]);
				set_entry(0, old, e, 0);
				if
				:: table[old].populated == 0 -> emptied(0, old)
				:: else
				fi
			:: else
			fi;
			if
			:: table[new].populated == 0 -> emptied(1, new)
			:: else
			fi
		:: else
		fi;
		unlock_table(new)
	   :: else -> again = 1
	   fi;
	   new = NONE;
	   pte_unmap_unlock(old);
	   if
	   :: again -> again = 0
	   :: else -> break
	   fi
	od;
	vma_block[vma] = 1;
	mremap_unlock(vma);
	thread_done()
}

/*
 * move_normal_pmd(): the table moves as it is. The hint that it may have is
 * about where it was.
 */
proctype move_pmd(byte me; byte vma)
{
	byte t;

	mremap_lock(vma);
#ifndef BUG_MOVE_WITHOUT_RMAP_LOCK
	down_write(rmap_lock);
#endif
	spin_lock_pmd();
	t = pmd[0];
	if
	:: is_table(t) ->
		pmd[0] = NONE;
		mm_moved = 1;
		pmd[1] = t;
#ifndef BUG_MOVED_WITHOUT_HINT
		if
		:: table[t].populated == 0 || table[t].queued -> push_hints(2)
		:: else
		fi
#endif
	:: else
	fi;
	t = NONE;
	spin_unlock_pmd();
	vma_block[vma] = 1;
#ifndef BUG_MOVE_WITHOUT_RMAP_LOCK
	up_write(rmap_lock);
#endif
	mremap_unlock(vma);
	thread_done()
}
