/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The refs word: each of its changes is one compare and exchange, so one step.
 */

/* Gives a reference back. Sets @t to NONE. */
inline pte_put(b, t)
{
	atomic {
		used(t);
		must(no_use_after_free, table[t].refs > 0);
		table[t].refs--;
		if
		:: table[t].refs == 0 ->
			free_table(t);
			t = NONE
		:: table[t].refs == 1 && table[t].wanted ->
			table[t].wanted = 0
		:: else ->
			t = NONE
		fi
	}
#ifndef BUG_PUT_LEAVES_NO_HINT
	if
	:: t != NONE ->
		t = NONE;
		/* Where the table hangs is known only if none has ever moved. */
		atomic {
			if
#ifndef BUG_PUT_TRUSTS_ADDRESS
			:: mm_moved -> push_hints(ALL_BLOCKS)
#endif
			:: else -> push_hints(1 << (b))
			fi
		}
	:: else
	fi
#endif
	t = NONE
}

/*
 * Takes a reference of the table at a block, if there is one. Leaves the table
 * in @t, or NONE.
 */
inline pte_try_get(b, t)
{
	atomic {
		t = pmd[b];
		if
		:: is_table(t) -> rcu_read_lock()
		:: else -> t = NONE
		fi
	}
	if
	:: t != NONE ->
		atomic {
			used(t);
			if
#ifdef BUG_GET_DEAD_TABLE
			:: true -> table[t].refs++
#else
			:: table[t].refs != 0 -> table[t].refs++
			:: else ->
				rcu_read_unlock();
				t = NONE
#endif
			fi
		}
		if
		:: t != NONE && pmd[b] == t -> rcu_read_unlock()
		:: t != NONE && pmd[b] != t ->
			pte_put(b, t);
			rcu_read_unlock()
		:: else
		fi
	:: else
	fi
}

/*
 * Freezes the refs of an empty table, so that nobody gets one any more; or
 * notes that the last one to be put is waited for. Leaves in @ok which.
 */
inline freeze(t, ok)
{
	atomic {
		if
#ifdef BUG_UNHOOK_IGNORES_REFS
		:: true ->
#else
		:: table[t].refs == 1 ->
#endif
			table[t].refs = 0;
			ok = 1
#ifndef BUG_UNHOOK_IGNORES_REFS
		:: else ->
			table[t].wanted = 1;
			ok = 0
#endif
		fi
	}
}

/* The last step of a table that was unhooked, after the grace period. */
inline give_up(t)
{
	if
	:: table[t].refs == 0 -> free_table(t)
	:: else ->
		table[t].refs--;
		table[t].wanted = 0;
		if
#ifdef BUG_FREE_IGNORES_REFS
		:: true -> free_table(t)
#else
		:: table[t].refs == 0 -> free_table(t)
		:: else -> table[t].life = LENT
#endif
		fi
	fi
}
