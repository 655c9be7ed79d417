/* SPDX-License-Identifier: GPL-2.0 */
/*
 * From pte_alloc() to the final free, and the lock of a table in between.
 */

inline free_table(t)
{
	must(freed_once, table[t].life != FREED);
	must(no_free_while_locked, table[t].lock == 0);
	must(no_free_of_referenced_table, table[t].refs == 0);
	must(no_free_of_hooked_table, pmd[0] != t && pmd[1] != t &&
				      deposit[0] != t && deposit[1] != t);
	must(nothing_populated_is_freed, filled(t) == 0);
	table[t].life = FREED;
	table[t].queued = 0;
	table[t].wanted = 0
}

/* Takes memory for a table that is hooked in the same step. */
inline new_table(t)
{
	if
	:: table[1].life == UNUSED -> t = 1
	:: else -> if
	:: table[2].life == UNUSED -> t = 2
	:: else -> if
	:: table[3].life == UNUSED -> t = 3
	:: else -> if
	:: table[4].life == UNUSED -> t = 4
	:: else -> if
	:: table[5].life == UNUSED -> t = 5
	:: else ->
		must(the_model_has_room, table[6].life == UNUSED);
		t = 6
	fi fi fi fi fi;
	table[t].life = LIVE;
	table[t].refs = 1
}

/* For the start of a scenario: a table at a block, with what it holds. */
inline populate(b, first, second)
{
	new_table(pmd[b]);
	nr_ptes++;
	table[pmd[b]].entry[0] = first;
	table[pmd[b]].entry[1] = second;
	table[pmd[b]].populated = filled(pmd[b])
}

/* Sees to it that something is hooked: one step, under the lock of the PMD. */
inline pte_alloc(b)
{
	atomic {
		if
		:: pmd[b] != NONE
		:: pmd[b] == NONE && pmd_lock == 0 ->
			nr_ptes++;
			new_table(pmd[b])
		fi
	}
}

/*
 * Finds the table of a block and locks it: leaves it in @t, or NONE. RCU keeps
 * its memory until the lock is dropped, too.
 */
inline pte_offset_map_lock(b, t)
{
	do
	:: atomic {
		t = pmd[b];
		if
		:: is_table(t) -> rcu_read_lock()
		:: else -> t = NONE; break
		fi
	   }
	   atomic {
		table[t].lock == 0 ->
		used(t);
		if
#ifdef BUG_MAP_WITHOUT_RECHECK
		:: true ->
#else
		:: pmd[b] == t ->
#endif
			table[t].lock = me + 1;
			break
#ifndef BUG_MAP_WITHOUT_RECHECK
		:: else ->
			t = NONE;
			rcu_read_unlock()
#endif
		fi
	   }
	od
}

inline unlock_table(t)
{
	used(t);
	must(populated_is_exact, table[t].populated == filled(t));
	table[t].lock = 0
}

/* Sets @t to NONE. */
inline pte_unmap_unlock(t)
{
	atomic {
		unlock_table(t);
		t = NONE;
		rcu_read_unlock()
	}
}

/* What counts is what is not none, be it present or not. */
#define PRESENT		1
#define SWAP		2
#ifdef BUG_COUNT_PRESENT_ONLY
#define counts(value)	((value) == PRESENT)
#else
#define counts(value)	((value) != 0)
#endif

/* Writes an entry of the locked table that is expected at @b, and counts it. */
inline set_entry(b, t, e, value)
{
	d_step {
		used(t);
		must(no_entry_in_unhooked_table, pmd[b] == t);
		table[t].populated = table[t].populated -
			counts(table[t].entry[e]) + counts(value);
		table[t].entry[e] = value
	}
}

/* Takes the table out of its place; both locks are held, and it is frozen. */
inline unhook(b, t)
{
	d_step {
		must(no_populated_table_unhooked, filled(t) == 0);
		must(no_referenced_table_unhooked, table[t].refs == 0);
		pmd[b] = NONE
	}
}

/*
 * Frees a table that was unhooked, as tlb_finish_mmu() does: CPUs forget the
 * way to it, then a grace period passes, then its owner gives it up.
 */
inline pte_free_tlb(t)
{
	flush_tlb();
	atomic {
		dec_nr_ptes();
		call_rcu(t)
	}
}

inline call_rcu(t)
{
	used(t);
#ifdef BUG_FREE_WITHOUT_GRACE_PERIOD
	give_up(t);
#else
	table[t].life = AWAY;
	table[t].grace = rcu_readers;
#endif
	t = NONE
}

#define grace_period_over(t)	(table[t].life == AWAY && table[t].grace == 0)

proctype rcu_callbacks()
{
end:	do
	:: atomic { grace_period_over(1) -> give_up(1) }
	:: atomic { grace_period_over(2) -> give_up(2) }
	:: atomic { grace_period_over(3) -> give_up(3) }
	:: atomic { grace_period_over(4) -> give_up(4) }
	:: atomic { grace_period_over(5) -> give_up(5) }
	:: atomic { grace_period_over(6) -> give_up(6) }
	od
}
