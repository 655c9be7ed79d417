/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Pages, where a scenario has them: entry values are their numbers. A page that
 * nobody refers to any more may belong to somebody else at once.
 *
 * With LARGE, pages 1 and 2 are one folio until that is split. Its references and
 * pins are those of page 1.
 */
#ifdef PAGES
byte page_refs[3];
bit page_of_another[3];

#define is_page(value)		((value) == 1 || (value) == 2)
#define clear_page(t, e)	cleared_pages = cleared_pages | \
				(1 << table[t].entry[e])
#define pages_in_use(t)		(page_refs[table[t].entry[0]] != 1 || \
				 page_refs[table[t].entry[1]] != 1)
#define put_pages(t)		put_page(table[t].entry[0]); \
				put_page(table[t].entry[1])
#define put_page(page)		put_refs(folio(page), 1)

#ifdef LARGE
bit large = 1;
byte page_pins[3];
bit page_replaced[3];

#define folio(page)		((large && (page) == 2) -> 1 : (page))

/* All of it is somebody else's, as a folio again or as two. */
inline give_away(first)
{
	page_of_another[first] = 1;
	page_refs[first] = 1;
	if
	:: large && first == 1 ->
		page_of_another[2] = 1;
		if
		:: large = 0; page_refs[2] = 1
		:: true
		fi
	:: else
	fi
}
#else
#define folio(page)		(page)

inline give_away(first)
{
	page_of_another[first] = 1;
	page_refs[first] = 1
}
#endif

/* @first is the first of its folio. */
inline put_refs(first, n)
{
	atomic {
		page_refs[first] = page_refs[first] - (n);
		if
		:: page_refs[first] == 0 -> give_away(first)
		:: page_refs[first] == 0		/* stays free */
		:: else
		fi
	}
}

#ifdef LARGE
inline unpin(first, n)
{
	atomic {
		page_pins[first] = page_pins[first] - (n);
		put_refs(first, n)
	}
}
#endif

inline put_if_cleared(p)
{
	if
	:: cleared_pages & (1 << p) -> put_page(p)
	:: else
	fi
}

/* What a zap has cleared, once no CPU knows of it any more */
inline free_cleared_pages()
{
	if
	:: cleared_pages != 0 ->
		flush_tlb();
		put_if_cleared(1);
		put_if_cleared(2);
		cleared_pages = 0
	:: else
	fi
}
#else
#define clear_page(t, e)	skip
#define pages_in_use(t)		false
#define put_pages(t)		skip
#define free_cleared_pages()	skip
#endif
