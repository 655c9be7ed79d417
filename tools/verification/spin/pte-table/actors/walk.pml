/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Those who look at a table without its lock: GUP-fast, other walks, and the
 * CPU itself.
 */

/*
 * Pages, where a scenario has them: entry values are their numbers. A page that
 * nobody refers to any more may belong to somebody else at once.
 */
#ifdef PAGES
byte page_refs[3];
bit page_of_another[3];

#define clear_page(t, e)	page = table[t].entry[e]
#define pages_in_use(t)		(page_refs[table[t].entry[0]] != 1 || \
				 page_refs[table[t].entry[1]] != 1)
#define put_pages(t)		put_page(table[t].entry[0]); \
				put_page(table[t].entry[1])

inline put_page(page)
{
	atomic {
		page_refs[page]--;
		if
		:: page_refs[page] == 0 ->
			page_of_another[page] = 1;
			page_refs[page] = 1
		:: page_refs[page] == 0		/* stays free */
		:: else
		fi
	}
}

inline free_cleared_page()
{
	if
	:: page != 0 -> flush_tlb(); put_page(page); page = 0
	:: else
	fi
}
#else
#define clear_page(t, e)	skip
#define pages_in_use(t)		false
#define put_pages(t)		skip
#define free_cleared_page()	skip
#endif

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
