/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The holder of a reference: gets it under the lock of a VMA, may drop that to
 * sleep, and later fills an entry, or does nothing, and puts the reference. It
 * holds a reference of the mm as well, since putting may leave a hint; but the
 * mm may lose all its users while it sleeps.
 */

/*
 * Locks the table that is held, if it still hangs at @b. Only the lock of the
 * VMA, or a stronger one, promises that it stays there: who unmaps the range
 * takes no lock of the table, and collapse takes it too late.
 */
inline upgrade(b, t, ok)
{
	atomic {
		table[t].lock == 0 ->
		used(t);
		rcu_read_lock();
		if
		:: pmd[b] == t -> table[t].lock = me + 1; ok = 1
		:: else -> rcu_read_unlock(); ok = 0
		fi
	}
}

inline fill_held(b, t, e)
{
	upgrade(b, t, ok);
#ifdef HOLDER_MUST_SUCCEED
	must(progress_with_a_ref, ok);
#endif
	if
	:: ok ->
#ifndef HOLDER_ONLY_READS
		set_entry(b, t, e, PRESENT);
#endif
		atomic {
			unlock_table(t);
			rcu_read_unlock()
		}
	:: else
	fi;
	ok = 0
}

proctype holder(byte me; byte vma; byte e; bit alloc)
{
	byte t, b;
	bit ok;

#ifndef BUG_HOLDER_WITHOUT_MMGRAB
	atomic { mmgrab() }
#endif
	vma_start_read(vma, ok);
	if
	:: !ok -> goto out
	:: else -> ok = 0
	fi;
	b = vma_block[vma];
	do
	:: if
	   :: alloc -> pte_alloc(b)
	   :: else
	   fi;
	   pte_try_get(b, t);
	   if
	   :: t != NONE || !alloc || pmd[b] == LEAF -> break
	   :: else
	   fi
	od;
	if
	:: t == NONE -> up_read(vma_lock[vma])
	:: t != NONE && alloc ->
		/* The fault that prepared its table */
		fill_held(b, t, e);
		pte_put(b, t);
		up_read(vma_lock[vma])
	:: t != NONE && !alloc ->
		up_read(vma_lock[vma]);
		mm_users--;
		/* sleeps */
#ifdef BUG_UPGRADE_WITHOUT_LOCK
		fill_held(b, t, e);
#endif
		if
		:: pte_put(b, t); goto dead
		:: atomic { mm_users > 0 -> mmget() }
		fi;
		vma_start_read(vma, ok);
		if
		:: ok ->
			ok = 0;
			fill_held(b, t, e);
			up_read(vma_lock[vma])
		:: else
		fi;
		pte_put(b, t)
	fi;
out:
	mm_users--;
dead:
#ifndef BUG_HOLDER_WITHOUT_MMGRAB
	mmdrop();
#endif
	done()
}
