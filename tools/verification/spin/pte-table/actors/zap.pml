/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A zap of some entries of one table. It may drop the lock of the table once
 * between two of them, and settles the account each time.
 */

/* Delayed rmap removals, where a scenario counts mappings */
#ifdef MAPCOUNT
byte mapcount;
#define count_cleared()	cleared++; delayed++
#define flush_rmaps()	atomic { mapcount = mapcount - delayed; delayed = 0 }
#else
#define count_cleared()	cleared++
#define flush_rmaps()	skip
#endif

/*
 * The last act under the lock of a table, if it is empty: unhooks it, if it may
 * and can, and sets @ok; else leaves a hint. A part of a table is freed only if
 * many tables wait; so, and as a trylock may fail, both may happen always.
 */
inline unhook_at_once(b, t, ok)
{
	ok = 0;
	if
	:: atomic { pmd_lock == 0 -> pmd_lock = me + 1 };
		if
		:: pmd[b] == t -> freeze(t, ok)
		:: else
		fi;
		atomic {
			if
			:: ok -> unhook(b, t)
			:: else
			fi;
			spin_unlock_pmd()
		}
#ifdef BUG_WAIT_FOR_PMD_LOCK
	/* Nothing but the lock of the PMD table gets one on. */
#else
	:: true
#endif
	fi;
	if
	:: !ok -> emptied(b, t)
	:: else
	fi
}

/*
 * Clears the entries from @first to @last at block @b. Needs the variables e, t,
 * away, cleared, delayed, ok, and dropped, which are 0 before and after.
 */
inline zap_range(b, first, last, may_free)
{
	e = first;
	do
	:: pte_offset_map_lock(b, t);
	   if
	   :: t == NONE -> break
	   :: else
	   fi;
	   do
	   :: e <= last ->
		atomic {
			if
			:: table[t].entry[e] != 0 ->
				clear_page(t, e);
				table[t].entry[e] = 0;
				count_cleared()
			:: else
			fi;
			e++
		}
	   :: e > first && e <= last && !dropped ->
		dropped = 1;		/* need_resched() */
		break
	   :: e > last -> break
	   od;
	   atomic {
		table[t].populated = table[t].populated - cleared;
		cleared = 0
	   }
#ifndef BUG_UNHOOK_BEFORE_RMAP_REMOVAL
	   flush_rmaps();
#endif
	   if
#ifdef BUG_ZAP_TRUSTS_WHAT_IT_SAW
	   :: may_free && e > last -> unhook_at_once(b, t, ok)
#else
	   :: may_free && e > last && table[t].populated == 0 ->
		unhook_at_once(b, t, ok)
	   :: !(may_free && e > last) && table[t].populated == 0 ->
		emptied(b, t)
#endif
	   :: else
	   fi;
#ifdef BUG_UNHOOK_BEFORE_RMAP_REMOVAL
	   flush_rmaps();
#endif
	   if
	   :: ok -> away = t; ok = 0
	   :: else
	   fi;
	   pte_unmap_unlock(t);
	   if
	   :: e > last -> break
	   :: else
	   fi
	od;
	e = 0;
	dropped = 0;
	free_cleared_pages();
	if
	:: away != NONE -> pte_free_tlb(away)
	:: else
	fi
}

/* MADV_DONTNEED, under the lock of the VMA */
proctype madvise(byte me; byte vma; byte first; byte last)
{
	byte e, t, away, cleared, delayed, cleared_pages;
	bit ok, dropped;

	vma_start_read(vma, ok);
	if
	:: !ok -> goto out
	:: else -> ok = 0
	fi;
	zap_range(vma_block[vma], first, last, true);
	up_read(vma_lock[vma]);
out:
	thread_done()
}

/* Truncation of the file: no lock but that of the rmap, frees no table */
proctype truncate(byte me; byte vma; byte first; byte last)
{
	byte e, t, away, cleared, delayed, cleared_pages;
	bit ok, dropped;

	down_read(rmap_lock);
	if
	:: vma_linked[vma] -> zap_range(vma_block[vma], first, last, false)
	:: else
	fi;
#ifdef MAPCOUNT
	must(no_page_mapped_after_truncate, mapcount == 0);
#endif
	up_read(rmap_lock);
	done()
}
