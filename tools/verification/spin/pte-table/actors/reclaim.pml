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

proctype reclaimer(byte me)
{
	byte batch, b, t;
	bit ok;

end:	do
	:: atomic { work_pending -> work_pending = 0; reclaiming = 1 }
	   atomic {
		mm_in_use();
		batch = hints;
		hints = 0;
		scheduled = 0
	   }
#ifdef BUG_RECLAIM_AS_USER
	   atomic {
		if
		:: batch != 0 && mm_users > 0 -> mmget()
		:: else -> goto drop
		fi
	   }
	   down_read(mmap_lock);
#else
	   /* Without being a user: exit takes nothing away before it has the lock. */
	   if
	   :: batch == 0 -> goto drop
	   :: else
	   fi;
	   atomic {
		if
		:: !mmap_lock.writer -> mmap_lock.readers++
		:: else ->
			put_back(batch);
			goto drop
		fi
	   }
	   if
	   :: mm_users == 0 ->
		up_read(mmap_lock);
		goto drop
	   :: else
	   fi;
#endif
	   do
	   :: b < BLOCKS ->
		if
#ifdef BUG_NO_VMA_CHECK
		:: (batch & (1 << b)) -> reclaim(b)
#else
		:: (batch & (1 << b)) && mapped(b) -> reclaim(b)
#endif
		:: else
		fi;
		b++
	   :: else -> break
	   od;
	   up_read(mmap_lock);
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
