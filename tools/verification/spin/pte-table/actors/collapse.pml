/* SPDX-License-Identifier: GPL-2.0 */
/*
 * khugepaged: pages become a huge one. Of anonymous memory, the table is kept
 * as a deposit below the huge page; of a file, it is freed.
 */
/* collapse_huge_page() */
proctype collapse(byte me; byte vma)
{
	byte t, pt;

	down_write(mmap_lock);
	down_write(vma_lock[vma]);
	down_write(rmap_lock);
	atomic {
		pmd_lock == 0 ->
		t = pmd[0];
		if
		:: is_table(t) -> pmd[0] = NONE
		:: else -> t = NONE
		fi
	}
	if
	:: t == NONE -> up_write(rmap_lock)
	:: else ->
		flush_tlb();
#ifndef BUG_COLLAPSE_WITHOUT_SYNC
		!irqs_off;		/* tlb_remove_table_sync_one() */
#endif
		atomic { table[t].lock == 0 -> used(t); table[t].lock = me + 1 };
		if
		:: table[t].populated < ENTRIES || pages_in_use(t) ->
			/* cannot isolate all pages: put it back */
			unlock_table(t);
			atomic { pmd_lock == 0 -> pmd[0] = t };
			up_write(rmap_lock)
		:: else ->
			unlock_table(t);
			up_write(rmap_lock);
			atomic { table[t].lock == 0 -> used(t); table[t].lock = me + 1 };
			must(no_held_page_replaced, !pages_in_use(t));
			put_pages(t);
			table[t].entry[0] = 0;
			table[t].entry[1] = 0;
			table[t].populated = 0;
			emptied(0, t);
			unlock_table(t);
			atomic {
				pmd_lock == 0 ->
				deposit[0] = t;
				pmd[0] = LEAF
			}
		fi;
		t = NONE
	fi;
	atomic { up_write(vma_lock[vma]); up_write(mmap_lock) };
	done()
}

inline withdraw(t)
{
	t = deposit[0];
	deposit[0] = NONE;
#ifndef BUG_WITHDRAWN_STAYS_QUEUED
	table[t].queued = 0
#endif
}

/* The huge page is zapped: zap_deposited_table() */
proctype zap_huge(byte me; byte vma)
{
	byte t;

	down_read(vma_lock[vma]);
	atomic {
		pmd_lock == 0 ->
		if
		:: pmd[0] == LEAF -> withdraw(t); pmd[0] = NONE
		:: else
		fi
	}
	if
	:: t != NONE ->
		atomic {
			dec_nr_ptes();
#ifdef BUG_DEPOSIT_FREED_AT_ONCE
			give_up(t);
			t = NONE
#else
			call_rcu(t)
#endif
		}
	:: else
	fi;
	up_read(vma_lock[vma]);
	thread_done()
}

/* Or it is split: __split_huge_pmd_locked() */
proctype split_huge(byte me; byte vma)
{
	byte t;

	down_read(vma_lock[vma]);
	atomic {
		pmd_lock == 0 ->
		if
		:: pmd[0] == LEAF ->
			withdraw(t);
			table[t].entry[0] = 1;
			table[t].entry[1] = 1;
			table[t].populated = ENTRIES;
			pmd[0] = t
		:: else
		fi;
		t = NONE
	}
	up_read(vma_lock[vma]);
	thread_done()
}

/*
 * collapse_file(): unmaps the pages, with the new one locked, then retracts the
 * table, by the lock of the rmap alone. Who faults waits for the locked page.
 */
bit folio_locked;

proctype retract(byte me; byte vma)
{
	byte t, e;
	bit ok;

	atomic { !folio_locked -> folio_locked = 1 };
	down_read(rmap_lock);
	do
	:: e < ENTRIES && vma_linked[vma] ->
		pte_offset_map_lock(0, t);
		if
		:: t != NONE ->
			change_entry(0, t, e, 0);
			pte_unmap_unlock(t)
		:: else
		fi;
		e++
	:: else -> break
	od;
	e = 0;
	up_read(rmap_lock);

	down_read(rmap_lock);
	if
	:: vma_linked[vma] ->
#ifdef BUG_RETRACT_TRUSTS_OLD_PMD
		t = pmd[0];
		spin_lock_pmd();
#else
		atomic { pmd_lock == 0 -> pmd_lock = me + 1; t = pmd[0] };
#endif
		if
		:: is_table(t) ->
			atomic {
				table[t].lock == 0 ->
				used(t);
				table[t].lock = me + 1
			};
			pmd[0] = NONE;
			flush_tlb();
			unlock_table(t)
		:: else -> t = NONE
		fi;
		spin_unlock_pmd();
		if
		:: t != NONE -> atomic { dec_nr_ptes(); call_rcu(t) }
		:: else
		fi
	:: else
	fi;
	up_read(rmap_lock);
	folio_locked = 0;
	done()
}

/* A fault on the file's page: locks the page before the table. */
proctype fault_file(byte me; byte vma; byte e)
{
	byte t;
	bit ok;

	vma_start_read(vma, ok);
	if
	:: !ok -> goto out
	:: else -> ok = 0
	fi;
	atomic { !folio_locked -> folio_locked = 1 };
	do
	:: pte_alloc(vma_block[vma]);
	   pte_offset_map_lock(vma_block[vma], t);
	   if
	   :: t != NONE -> break
	   :: else
	   fi
	od;
	fill(t, e);
	pte_unmap_unlock(t);
	folio_locked = 0;
	up_read(vma_lock[vma]);
out:
	thread_done()
}
