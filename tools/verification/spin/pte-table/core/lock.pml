/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Locks that sleep, for reading and for writing. Whoever waits does not keep
 * later readers out: that leaves more interleavings than the kernel has.
 */
typedef rw_lock {
	byte readers;
	bit writer
};

rw_lock mmap_lock;
rw_lock rmap_lock;		/* i_mmap_rwsem and the lock of the anon_vma */
rw_lock vma_lock[VMAS];

#define down_read(lock) \
	atomic { !lock.writer -> lock.readers++ }
#define up_read(lock) \
	lock.readers--
#define down_write(lock) \
	atomic { !lock.writer && !lock.readers -> lock.writer = 1 }
#define up_write(lock) \
	lock.writer = 0
#define downgrade_write(lock) \
	atomic { lock.writer = 0; lock.readers++ }

/*
 * The lock of the PMD table: 0, or 1 + who holds it. One for all blocks, as
 * they are neighbours. A try may fail at any time: critical sections that are
 * one step of the model are never seen by it.
 */
byte pmd_lock;

#define spin_lock_pmd() \
	atomic { pmd_lock == 0 -> pmd_lock = me + 1 }
#define spin_unlock_pmd() \
	pmd_lock = 0

/*
 * The lock of the hints, where its sections are more than one step: the
 * reclaimer looks for users, and then for a VMA in the tree. exit_mmap() ends
 * that the tree can be read.
 */
bit hints_lock;
bit tree_is_private;

/* Locks a VMA for reading, unless it has been unmapped. */
inline vma_start_read(vma, ok)
{
	atomic {
		if
		:: vma_live[vma] && !vma_lock[vma].writer ->
			vma_lock[vma].readers++;
			ok = 1
		:: !vma_live[vma] -> ok = 0
		fi
	}
}
