/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hints, and the work that looks at them. The ring and the span to be searched
 * are one set of blocks: it makes no difference by which of them one is found.
 */
byte hints;			/* a bit for each block */
bit scheduled;			/* the ring expects the reclaimer */
bit work_pending;
bit mm_moved;			/* some table has hung at two addresses */

#define ALL_BLOCKS	3

inline queue_work()
{
	if
	:: !work_pending ->
		work_pending = 1;
#ifndef BUG_NO_MMGRAB
		mmgrab()
#endif
	:: else ->
		/* A kick was faster: the work has a reference already. */
#ifdef BUG_GRAB_FOR_PENDING_WORK
		mmgrab()
#else
		skip
#endif
	fi
}

inline kick_work()
{
	if
	:: !work_pending ->
		work_pending = 1;
		mmgrab()
	:: else
	fi
}

/* The last user has left; who is left has a reference of his own. */
inline cancel_work()
{
	atomic {
		if
		:: scheduled && work_pending ->
			work_pending = 0;
#ifndef BUG_CANCEL_KEEPS_MM
			mmdrop()
#endif
		:: else
		fi
	}
}

/* What the reclaimer took, and could not look at */
inline put_back(blocks)
{
	mm_in_use();
	hints = hints | (blocks);
	if
#ifdef BUG_PUT_BACK_UNSCHEDULED
	:: false -> skip
#else
	:: !scheduled ->
		scheduled = 1;
		queue_work()
#endif
	:: else
	fi
}

/*
 * Leaves a hint and schedules the work, which holds a reference of the mm. Only
 * a ring that fills starts a work again that may be running; a scenario in
 * which that matters says so by KICK.
 */
inline push_hints(blocks)
{
	atomic {
		mm_in_use();
		hints = hints | (blocks);
		if
		:: !scheduled ->
			scheduled = 1;
			queue_work()
#ifdef KICK
		:: scheduled -> kick_work()
#endif
		:: scheduled
		fi
	}
}

/* The count of a table fell to zero; its lock is held. */
inline emptied(b, t)
{
	if
	:: !table[t].queued ->
		table[t].queued = 1;
		push_hints(1 << (b))
	:: else
	fi
}
