/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One entry is cleared, and perhaps becomes something else under the same lock:
 * a count of zero in between is of no consequence.
 */
inline change_entry(b, t, e, becomes)
{
	if
	:: table[t].entry[e] != 0 ->
		set_entry(b, t, e, 0);
		if
#ifdef BUG_FREE_AT_ZERO
		:: table[t].populated == 0 -> unhook_at_once(b, t, ok)
#else
		:: table[t].populated == 0 -> emptied(b, t)
#endif
		:: else
		fi;
		if
		:: becomes != 0 -> set_entry(b, t, e, becomes)
		:: else
		fi
	:: else
	fi
}

/* Reclaim of a page, by page_vma_mapped_walk() under the lock of the rmap */
proctype try_to_unmap(byte me; byte vma; byte e; byte becomes)
{
	byte t;
	bit ok;

	down_read(rmap_lock);
	if
	:: vma_linked[vma] ->
		pte_offset_map_lock(vma_block[vma], t);
		if
		:: t != NONE ->
			change_entry(vma_block[vma], t, e, becomes);
			ok = 0;
			pte_unmap_unlock(t)
		:: else
		fi
	:: else
	fi;
	up_read(rmap_lock);
	done()
}

/* mprotect(), mkclean, KSM: the same, and the entry stays what it is */
proctype mprotect(byte me; byte vma; byte e)
{
	byte t;
	bit ok;

	down_read(vma_lock[vma]);
	pte_offset_map_lock(vma_block[vma], t);
	if
	:: t != NONE ->
		change_entry(vma_block[vma], t, e, table[t].entry[e]);
		ok = 0;
		pte_unmap_unlock(t)
	:: else
	fi;
	up_read(vma_lock[vma]);
	thread_done()
}

/* Swap-in: replaces one populated entry by another */
proctype swap_in(byte me; byte vma; byte e)
{
	byte t;

	down_read(vma_lock[vma]);
	pte_offset_map_lock(vma_block[vma], t);
	if
	:: t != NONE ->
		if
		:: table[t].entry[e] == SWAP ->
			set_entry(vma_block[vma], t, e, PRESENT)
		:: else
		fi;
		pte_unmap_unlock(t)
	:: else
	fi;
	up_read(vma_lock[vma]);
	thread_done()
}
