// SPDX-License-Identifier: GPL-2.0
/*
 * Freeing of empty user PTE tables: checks of the accounting, and knobs that
 * provoke what is rare.
 */
#include <linux/debugfs.h>
#include <linux/delay.h>
#include <linux/hugetlb_inline.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/mmap_lock.h>
#include <linux/percpu.h>
#include <linux/pgtable.h>
#include <linux/pte_ref.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/workqueue.h>

struct free_user_pte_debug free_user_pte_debug;

/* Every so many unlocks, the entries are counted */
#define SAMPLE	16
static DEFINE_PER_CPU(unsigned int, unlocks);

/**
 * pte_table_recount - warn if the count of populated entries is wrong
 * @table: a user PTE table
 * @when: what is about to happen to it, for the message
 *
 * Context: the table's lock is held, or nothing can reach the table any more.
 */
void pte_table_recount(const struct ptdesc *table, const char *when)
{
	const pte_t *ptep = pte_table_entries(table);
	unsigned int i, populated = 0;

	for (i = 0; i < PTRS_PER_PTE; i++)
		populated += !pte_none(ptep_get((pte_t *)ptep + i));

	WARN_ONCE(populated != table->pt_table.populated,
		  "PTE table %p %s: %u entries are populated, %u counted\n",
		  ptep, when, populated, table->pt_table.populated);
}

void pte_table_check_unlock(const pte_t *ptep, const spinlock_t *ptl)
{
	struct ptdesc *table = pte_table(ptep);

	if (this_cpu_inc_return(unlocks) % SAMPLE)
		return;
	/* Some pass an entry behind the last one they used: not this table's. */
	if (ptlock_ptr(table) == ptl && pte_table_tracked(table))
		pte_table_recount(table, "unlocked");
}

void pte_table_check_change(struct mm_struct *mm, const struct ptdesc *table)
{
	WARN_ONCE(!pte_table_tracked(table),
		  "entry of %p changed, which is no user PTE table\n",
		  pte_table_entries(table));
}

/*
 * hold: somebody who keeps tables. "PID ADDR MS" takes a reference of the table
 * at an address of a process, and holds it for some time, looking at the table
 * every now and then. Reading tells how many are held, and how it went so far.
 */
struct hold {
	struct work_struct work;
	struct mm_struct *mm;
	struct ptdesc *table;
	unsigned long addr;
	unsigned long until;
};

static struct {
	/* held now */
	atomic_t active;
	/* references that were taken, and tables that were not there */
	atomic_t taken, refused;
	/* looks at a table that was still in its place, or was not any more */
	atomic_t seen, missed;
} holds;

/* The mmap lock is held, and a VMA covers the address. */
static pmd_t *hold_pmd(struct mm_struct *mm, unsigned long addr)
{
	pgd_t *pgd = pgd_offset(mm, addr);
	p4d_t *p4d;
	pud_t *pud;

	if (pgd_none_or_clear_bad(pgd))
		return NULL;
	p4d = p4d_offset(pgd, addr);
	if (p4d_none_or_clear_bad(p4d))
		return NULL;
	pud = pud_offset(p4d, addr);
	if (!pud_present(pudp_get(pud)) || pud_leaf(pudp_get(pud)))
		return NULL;
	return pmd_offset(pud, addr);
}

static pmd_t *hold_lock(struct mm_struct *mm, unsigned long addr)
{
	struct vm_area_struct *vma;
	pmd_t *pmd = NULL;

	mmap_read_lock(mm);
	vma = vma_lookup(mm, addr);
	if (vma && !is_vm_hugetlb_page(vma))
		pmd = hold_pmd(mm, addr);
	if (!pmd)
		mmap_read_unlock(mm);
	return pmd;
}

static bool hold_look(struct hold *hold)
{
	spinlock_t *ptl;
	bool seen = false;
	pmd_t *pmd;
	pte_t *pte;

	if (!mmget_not_zero(hold->mm))
		return false;

	pmd = hold_lock(hold->mm, hold->addr);
	if (!pmd)
		goto put;

	pte = pte_try_map(hold->table, pmd, hold->addr);
	if (pte) {
		ptep_get(pte);
		pte_unmap(pte);
	}
	pte = pte_try_map_lock(hold->mm, hold->table, pmd, hold->addr, &ptl);
	if (pte) {
		seen = true;
		pte_table_recount(hold->table, "looked at");
		pte_unmap_unlock(pte, ptl);
	}
	mmap_read_unlock(hold->mm);
put:
	mmput_async(hold->mm);
	return seen;
}

static void hold_work(struct work_struct *work)
{
	struct hold *hold = container_of(work, struct hold, work);

	do {
		atomic_inc(hold_look(hold) ? &holds.seen : &holds.missed);
		usleep_range(500, 1500);
	} while (time_before(jiffies, hold->until));

	pte_put(hold->mm, hold->table, hold->addr);
	mmdrop(hold->mm);
	kfree(hold);
	atomic_dec(&holds.active);
}

static int hold_start(struct mm_struct *mm, unsigned long addr, unsigned int ms)
{
	struct hold *hold;
	pmd_t *pmd;

	hold = kzalloc_obj(*hold);
	if (!hold)
		return -ENOMEM;

	pmd = hold_lock(mm, addr);
	if (pmd) {
		hold->table = pte_try_get(mm, pmd);
		mmap_read_unlock(mm);
	}
	if (!hold->table) {
		atomic_inc(&holds.refused);
		kfree(hold);
		return -ENOENT;
	}

	mmgrab(mm);
	hold->mm = mm;
	hold->addr = addr;
	hold->until = jiffies + msecs_to_jiffies(ms);
	INIT_WORK(&hold->work, hold_work);
	atomic_inc(&holds.taken);
	atomic_inc(&holds.active);
	queue_work(system_dfl_wq, &hold->work);
	return 0;
}

static ssize_t hold_write(struct file *file, const char __user *from,
			  size_t count, loff_t *pos)
{
	struct task_struct *task;
	struct mm_struct *mm;
	unsigned int ms;
	unsigned long addr;
	char line[64] = {};
	pid_t pid;
	int ret;

	if (count >= sizeof(line))
		return -EINVAL;
	if (copy_from_user(line, from, count))
		return -EFAULT;
	if (sscanf(line, "%d %li %u", &pid, (long *)&addr, &ms) != 3)
		return -EINVAL;

	task = find_get_task_by_vpid(pid);
	if (!task)
		return -ESRCH;
	mm = get_task_mm(task);
	put_task_struct(task);
	if (!mm)
		return -ESRCH;

	ret = hold_start(mm, addr, ms);
	mmput(mm);
	return ret ?: count;
}

static int hold_show(struct seq_file *file, void *unused)
{
	seq_printf(file, "active %d\ntaken %d\nrefused %d\nseen %d\nmissed %d\n",
		   atomic_read(&holds.active), atomic_read(&holds.taken),
		   atomic_read(&holds.refused), atomic_read(&holds.seen),
		   atomic_read(&holds.missed));
	return 0;
}

static int hold_open(struct inode *inode, struct file *file)
{
	return single_open(file, hold_show, NULL);
}

static const struct file_operations hold_fops = {
	.open = hold_open,
	.read = seq_read,
	.write = hold_write,
	.llseek = seq_lseek,
	.release = single_release,
};

/*
 * lock_mm: somebody who has the mmap lock for writing. Who writes "MS" has that
 * of its own address space for so long, until the call returns. lock_vmas: and
 * has each VMA locked for writing, too.
 */
#define MOST_LOCK_MS	(60 * MSEC_PER_SEC)

static ssize_t lock_write(struct file *file, const char __user *from,
			  size_t count, loff_t *pos)
{
	const bool vmas = file->private_data;
	struct mm_struct *mm = current->mm;
	struct vm_area_struct *vma;
	unsigned int ms;
	struct vma_iterator vmi;
	int err;

	err = kstrtouint_from_user(from, count, 0, &ms);
	if (err)
		return err;
	if (ms > MOST_LOCK_MS)
		return -EINVAL;
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	if (vmas) {
		vma_iter_init(&vmi, mm, 0);
		for_each_vma(vmi, vma)
			vma_start_write(vma);
	}
	schedule_timeout_killable(msecs_to_jiffies(ms));
	mmap_write_unlock(mm);
	return count;
}

static const struct file_operations lock_fops = {
	.open = simple_open,
	.write = lock_write,
	.llseek = noop_llseek,
};

static int __init free_user_pte_debug_init(void)
{
	struct dentry *dir = debugfs_create_dir("free_user_pte", NULL);

	debugfs_create_bool("force_free", 0600, dir,
			    &free_user_pte_debug.force_free);
	debugfs_create_bool("fail_trylock", 0600, dir,
			    &free_user_pte_debug.fail_trylock);
	debugfs_create_u32("delay_us", 0600, dir,
			   &free_user_pte_debug.delay_us);
	debugfs_create_file("hold", 0600, dir, NULL, &hold_fops);
	debugfs_create_file("lock_mm", 0200, dir, NULL, &lock_fops);
	/* Any data will do: it says that VMAs are locked, too. */
	debugfs_create_file("lock_vmas", 0200, dir, &free_user_pte_debug,
			    &lock_fops);
	return 0;
}
late_initcall(free_user_pte_debug_init);
