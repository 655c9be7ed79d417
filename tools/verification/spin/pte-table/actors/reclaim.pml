/* SPDX-License-Identifier: GPL-2.0 */
/* The reclaimer: one work, never run twice at once. */

inline reclaim(b)
{
#ifdef BUG_UNHOOK_WITHOUT_COMPARE
	t = pmd[b];
	spin_lock_pmd();
#else
	atomic {
		pmd_lock == 0 ->
		pmd_lock = me + 1;
		t = pmd[b]
	}
#endif
	if
	:: is_table(t) ->
		atomic {
			table[t].lock == 0 ->
			used(t);
			table[t].lock = me + 1;
#ifndef BUG_QUEUED_STAYS
			table[t].queued = 0;
#endif
			if
			:: table[t].populated == 0 -> freeze(t, ok)
			:: else
			fi
		}
		atomic {
			if
			:: ok -> unhook(b, t)
			:: else
			fi;
			unlock_table(t);
			spin_unlock_pmd()
		}
		if
		:: ok ->
			ok = 0;
			pte_free_tlb(t)
		:: else -> t = NONE
		fi
	:: else ->
		atomic {
			spin_unlock_pmd();
			t = NONE
		}
	fi
}

/*
 * Locks a VMA of the block, and says which and whether that succeeded. Without
 * being a user: exit takes nothing away before it has the VMA locked.
 */
inline next_vma_trylock(b, vma, ok)
{
	atomic { !hints_lock -> hints_lock = 1 };
	if
	:: mm_users == 0 -> hints_lock = 0; goto drop
	:: else
	fi;
	atomic {
		must(no_walk_of_dying_tree, !tree_is_private);
		if
		:: in_block(0, b) -> vma = 0
#if VMAS > 1
		:: in_block(1, b) -> vma = 1
#endif
		:: else -> vma = VMAS
		fi;
		if
		:: vma < VMAS && !vma_lock[vma].writer ->
			vma_lock[vma].readers++;
			ok = 1
		:: vma < VMAS && vma_lock[vma].writer -> put_back(1 << b)
		:: else
		fi;
		hints_lock = 0
	}
}

proctype reclaimer(byte me)
{
	byte batch, b, t, vma;
	bit ok, held;

end:	do
	:: atomic { work_pending -> work_pending = 0; reclaiming = 1 }
	   atomic {
		mm_in_use();
		batch = hints;
		hints = 0;
		scheduled = 0
	   }
	   if
	   :: batch == 0 -> goto drop
	   :: else
	   fi;
#ifdef BUG_RECLAIM_AS_USER
	   atomic {
		if
		:: mm_users > 0 -> mmget()
		:: else -> goto drop
		fi
	   }
#endif
	   do
	   :: b < BLOCKS ->
		if
		:: (batch & (1 << b)) ->
#ifdef BUG_NO_VMA_CHECK
			reclaim(b)
#else
			next_vma_trylock(b, vma, held);
			if
			:: held -> reclaim(b); up_read(vma_lock[vma])
			:: else
			fi;
			held = 0;
			vma = 0
#endif
		:: else
		fi;
		b++
	   :: else -> break
	   od;
#ifdef BUG_RECLAIM_AS_USER
	   atomic {
		mm_users--;
		must(ends_with_its_last_thread, mm_users > 0)
	   }
#endif
drop:
	   atomic {
		batch = 0;
		b = 0;
#ifndef BUG_NO_MMGRAB
		mmdrop();
#endif
		reclaiming = 0
	   }
	od
}
