/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Those who look at a table without its lock: GUP-fast, other walks, and the
 * CPU itself.
 */

#ifdef PAGES
/* One pass of gup_fast_pte_range(), which fails rather than waits */
proctype gup_fast(byte me; byte b; byte e)
{
	byte t, page;
	bit ok;

	atomic {
#ifndef BUG_GUP_WITH_INTERRUPTS_ON
		rcu_read_lock();
		irqs_off = 1;
#endif
		t = pmd[b]
	}
	if
	:: is_table(t) ->
		atomic { used(t); page = table[t].entry[e] }
		if
		:: page != 0 ->
			atomic {
				if
				:: page_refs[page] > 0 -> page_refs[page]++
				:: else -> page = 0
				fi
			}
#ifndef BUG_GUP_WITHOUT_RECHECK
			if
			:: page == 0
			:: page != 0 && pmd[b] != t -> put_page(page); page = 0
			:: else ->
				atomic { used(t); ok = (page == table[t].entry[e]) }
				if
				:: !ok -> put_page(page); page = 0
				:: else -> ok = 0
				fi
			fi
#endif
		:: else
		fi
	:: else
	fi;
	if
	:: page != 0 ->
		must(no_page_of_another, !page_of_another[page]);
		put_page(page);
		page = 0
	:: else
	fi;
	atomic {
		t = NONE;
		irqs_off = 0;
		rcu_read_unlock()
	}
	thread_done()
}
#endif

#ifdef LARGE
/*
 * The same where pages of one folio are pinned at once: Walk::many(). Whether it
 * is large is a guess before there is a reference of it; the entries are looked
 * at once more when there is a pin.
 */
proctype gup_fast_run(byte me; byte b)
{
	byte t, page, wanted, count;

	atomic {
		rcu_read_lock();
		irqs_off = 1;
		t = pmd[b]
	}
	if
	:: is_table(t) ->
		atomic { used(t); page = table[t].entry[0] };
		if
		:: !is_page(page) -> page = 0
		:: is_page(page) && !(large && page == 1) -> wanted = 1
		:: is_page(page) && large && page == 1 ->
			atomic {
				used(t);
				wanted = (table[t].entry[1] == 2 -> 2 : 1)
			}
		fi
	:: else
	fi;
	/* What is the first page of a folio here is so always. */
	atomic {
		if
		:: page != 0 && folio(page) == page && page_refs[page] > 0 ->
			page_refs[page] = page_refs[page] + wanted
		:: else -> wanted = 0
		fi
	}
	if
	:: wanted != 0 ->
#ifndef BUG_GUP_TRUSTS_OLD_FOLIO
		if
		:: folio(page + wanted - 1) != page ->
			put_refs(page, wanted);
			wanted = 0
		:: else
		fi;
#endif
		page_pins[page] = page_pins[page] + wanted
	:: else
	fi;
	if
	:: wanted != 0 && pmd[b] == t ->
		atomic { used(t); count = (table[t].entry[0] == page -> 1 : 0) };
		if
		:: count == 1 && wanted == 2 ->
#ifdef BUG_GUP_RECHECKS_FIRST_ONLY
			count = 2
#else
			atomic { used(t); count = (table[t].entry[1] == 2 -> 2 : 1) }
#endif
		:: else
		fi
	:: else
	fi;
#ifndef BUG_GUP_KEEPS_REST
	if
	:: count < wanted -> unpin(page, wanted - count)
	:: else
	fi;
#endif
	atomic {
		t = NONE;
		irqs_off = 0;
		rcu_read_unlock()
	}
	if
	:: count > 0 ->
		atomic {
			must(no_page_of_another, !page_of_another[page]);
			must(no_held_page_replaced, !page_replaced[page]);
			if
			:: count == 2 ->
				must(no_page_of_another, !page_of_another[2]);
				must(no_held_page_replaced, !page_replaced[2])
			:: else
			fi
		};
		unpin(page, count)
	:: else
	fi;
	thread_done()
}
#endif

/* A walk under rcu_read_lock() and no lock at all */
proctype walk(byte me; byte b)
{
	byte t;

	atomic {
		rcu_read_lock();
		t = pmd[b]
	}
	if
	:: is_table(t) -> used(t); used(t)
	:: else
	fi;
	atomic {
		t = NONE;
		rcu_read_unlock()
	}
	thread_done()
}

/* Speculation: caches a PMD entry, and walks through it, at any time. */
proctype cpu()
{
end:	do
	:: cached_pmd == NONE && is_table(pmd[0]) -> cached_pmd = pmd[0]
	:: cached_pmd != NONE ->
		must(no_walk_of_freed_table, table[cached_pmd].life != FREED)
	od
}
