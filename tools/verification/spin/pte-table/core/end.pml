/* SPDX-License-Identifier: GPL-2.0 */
/*
 * When everything is quiet: no actor, no hint, no work, no callback is left.
 */
byte actors;			/* that are still at it */
bit reclaiming;

#define done()		actors--
#define thread_done()	atomic { mm_users--; actors-- }

#define waits(t)	(table[t].life == AWAY)
#define quiet()		(actors == 0 && !work_pending && !reclaiming && \
			 !waits(1) && !waits(2) && !waits(3) && \
			 !waits(4) && !waits(5) && !waits(6))

#define somewhere(t)	(pmd[0] == t || pmd[1] == t || \
			 deposit[0] == t || deposit[1] == t)

/* Nobody holds it any more, so it is in its place or freed. */
#define check_table(t) \
	must(no_lost_table, table[t].life == UNUSED || \
			    table[t].life == FREED || \
			    (table[t].life == LIVE && somewhere(t))); \
	must(populated_is_exact, table[t].populated == filled(t))

/* No empty table is left below a VMA, where nobody would ever look at it. */
#define check_block(b) \
	must(no_lost_wakeup, !is_table(pmd[b]) || !mapped(b) || \
			     table[pmd[b]].populated > 0)

inline check_end()
{
	d_step {
		/* Those of an mm without users go with it. */
		must(no_lost_wakeup, hints == 0 || mm_users == 0);
		check_table(1); check_table(2); check_table(3);
		check_table(4); check_table(5); check_table(6);
		check_block(0); check_block(1);
		must(nr_ptes_is_exact, nr_ptes ==
			(pmd[0] != NONE) + (pmd[1] != NONE));
		must(no_lost_mm, mm_users > 0 || mm_freed);
		must(no_lost_mm, mm_users == 0 || mm_count == 1)
	}
}
