/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Those who take a page of a large folio away, or the folio apart, unless
 * somebody holds it: they change entries first, and look at what is held then.
 */

/* Values of entries that are no pages */
#define SWAPPED		3
#define migration(page)	(SWAPPED + (page))

/* folio_try_share_anon_rmap_pte(): one page of a folio that nobody has pinned */
proctype swap_out(byte me; byte vma; byte e)
{
	byte t, page;

	down_read(rmap_lock);
	pte_offset_map_lock(vma_block[vma], t);
	if
	:: t != NONE ->
		page = table[t].entry[e];
		if
		:: is_page(page) ->
			set_entry(vma_block[vma], t, e, 0);
			flush_tlb();
			if
			:: page_pins[folio(page)] != 0 ->
				set_entry(vma_block[vma], t, e, page)
			:: else ->
				page_replaced[page] = 1;
				set_entry(vma_block[vma], t, e, SWAPPED);
				put_page(page)
			fi
		:: else
		fi;
		page = 0;
		pte_unmap_unlock(t)
	:: else
	fi;
	up_read(rmap_lock);
	done()
}

inline unmap_for_split(e, page)
{
	atomic {
		if
		:: table[t].entry[e] == page ->
			set_entry(vma_block[vma], t, e, migration(page));
			page_refs[1]--
		:: else
		fi
	}
}

inline map_again(e, page)
{
	atomic {
		if
		:: table[t].entry[e] == migration(page) ->
			set_entry(vma_block[vma], t, e, page);
			page_refs[folio(page)]++
		:: else
		fi
	}
}

/*
 * split_folio(): has entries wait, splits the folio if all references that are
 * left are its own, and has entries map what they did.
 */
proctype split_folio(byte me; byte vma)
{
	byte t;
	bit ok;

	down_write(rmap_lock);
	atomic {
		if
		:: large && page_refs[1] > 0 && !page_of_another[1] ->
			page_refs[1]++;
			ok = 1
		:: else
		fi
	}
	if
	:: ok && vma_linked[vma] ->
		pte_offset_map_lock(vma_block[vma], t);
		if
		:: t != NONE ->
			unmap_for_split(0, 1);
			unmap_for_split(1, 2);
			flush_tlb();
			pte_unmap_unlock(t)
		:: else
		fi;
		atomic {
			if
			:: page_refs[1] == 1 ->
				large = 0;
				page_refs[2] = 1
			:: else
			fi
		};
		pte_offset_map_lock(vma_block[vma], t);
		if
		:: t != NONE ->
			map_again(0, 1);
			map_again(1, 2);
			pte_unmap_unlock(t)
		:: else
		fi
	:: else
	fi;
	up_write(rmap_lock);
	if
	:: ok ->
		if
		:: !large -> put_page(2)
		:: else
		fi;
		put_page(1);
		ok = 0
	:: else
	fi;
	done()
}

/* All is quiet, so that references of a page are of entries, or of others. */
#define mapped_by(page, e) \
	(is_table(pmd[0]) && table[pmd[0]].entry[e] == (page))
#define check_refs(head) \
	must(no_lost_page, page_of_another[head] || folio(head) != head || \
			   page_refs[head] == mapped_by(head, 0) + \
			   mapped_by(head, 1) + (large && head == 1 -> \
			   mapped_by(2, 0) + mapped_by(2, 1) : 0))

inline check_pages()
{
	d_step {
		check_refs(1);
		check_refs(2)
	}
}
