/* SPDX-License-Identifier: GPL-2.0 */
/*
 * RCU: a grace period is over when all readers have left that were there when
 * it began. Interrupts off, as in GUP-fast, count as a reader.
 */
byte rcu_readers;		/* a bit each */

#define rcu_read_lock()		rcu_readers = rcu_readers | (1 << me)

#define leave_grace(t)	table[t].grace = table[t].grace & ~(1 << me)

#define rcu_read_unlock() \
	d_step { \
		rcu_readers = rcu_readers & ~(1 << me); \
		leave_grace(1); leave_grace(2); leave_grace(3); \
		leave_grace(4); leave_grace(5); leave_grace(6) \
	}
