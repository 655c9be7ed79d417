// SPDX-License-Identifier: GPL-2.0
/*
 * The page tables of each process: /sys/kernel/debug/page_tables/PID
 *
 * debugfs has files that somebody creates and removes. Processes come and go
 * too often for that, and are numbered differently in each PID namespace. So
 * this folder has a lookup and a listing of its own, which know the processes
 * besides what was created in it: the architecture may keep its dumps of the
 * kernel's page tables there.
 *
 * Nothing is kept for a process. debugfs caches no name that nobody uses, and
 * the inode of a number holds just the number. Which process that is, is
 * decided by whoever opens the file.
 */
#include <linux/cred.h>
#include <linux/dcache.h>
#include <linux/debugfs.h>
#include <linux/err.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/page_tables_debug.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/printk.h>
#include <linux/ptrace.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/threads.h>

/*
 * At least as long as any line, and as the header and the totals together.
 * Wrong values would make no wrong text, only a second attempt.
 */
#define LINE_SIZE	48
#define FRAME_SIZE	256

/* Positions in the listing: what was created comes first, then the processes */
#define POS_PROCESSES	0x10000
#define POS_END		(POS_PROCESSES + PID_MAX_LIMIT + 1)

/* The operations that debugfs gave to the folder */
static const struct inode_operations *debugfs_dir_iops __ro_after_init;

/* Zero if it is no number of a process as it would be listed */
static pid_t name_to_nr(const char *name, unsigned int len)
{
	pid_t nr = 0;

	if (!len || *name == '0')
		return 0;

	for (; len; len--, name++) {
		if (*name < '0' || *name > '9')
			return 0;
		nr = nr * 10 + (*name - '0');
		if (nr > PID_MAX_LIMIT)
			return 0;
	}
	return nr;
}

/* From the top of what a file may have: debugfs numbers its own from 1 up. */
static unsigned int nr_to_ino(pid_t nr)
{
	return U32_MAX - nr;
}

static int process_show(struct seq_file *m, void *unused)
{
	struct mm_struct *mm = m->private;
	int ret;

	if (!mmget_not_zero(mm))
		return -ESRCH;
	ret = page_tables_show(m, mm);
	mmput(mm);
	return ret;
}

/*
 * Room for the text as the tables are now. seq_file would find it by doubling
 * a buffer and printing again, as it still does when the process grows in
 * between; but each time the process waits.
 */
static size_t text_size(struct mm_struct *mm)
{
	size_t tables = mm_pgtables_bytes(mm) / PAGE_SIZE;

	/* The top level is not in the sum */
	return size_add(size_mul(tables + 1, LINE_SIZE), FRAME_SIZE);
}

static int process_open(struct inode *inode, struct file *file)
{
	pid_t nr = (uintptr_t)inode->i_private;
	struct task_struct *task;
	struct mm_struct *mm;
	int ret;

	task = find_get_task_by_vpid(nr);
	if (!task)
		return -ESRCH;
	/* As for /proc/PID/smaps; -ESRCH if it has no memory (any more) */
	mm = mm_access(task, PTRACE_MODE_READ_FSCREDS);
	put_task_struct(task);
	if (IS_ERR(mm))
		return PTR_ERR(mm);

	ret = single_open_size(file, process_show, mm, text_size(mm));
	/* An open file keeps the mm_struct, not the memory. */
	if (!ret)
		mmgrab(mm);
	mmput(mm);
	return ret;
}

static int process_release(struct inode *inode, struct file *file)
{
	struct seq_file *m = file->private_data;
	struct mm_struct *mm = m->private;

	single_release(inode, file);
	mmdrop(mm);
	return 0;
}

static const struct file_operations process_fops = {
	.open = process_open,
	.read = seq_read,
	.llseek = seq_lseek,
	.release = process_release,
};

/* Modes and owners would be forgotten when the file is closed. */
static int process_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
			   struct iattr *attr)
{
	return -EPERM;
}

static const struct inode_operations process_iops = {
	.setattr = process_setattr,
};

static bool nr_exists(pid_t nr)
{
	guard(rcu)();
	return find_task_by_vpid(nr);
}

static struct dentry *dir_lookup(struct inode *dir, struct dentry *dentry,
				 unsigned int flags)
{
	pid_t nr = name_to_nr(dentry->d_name.name, dentry->d_name.len);
	struct inode *inode;

	if (!nr)
		return debugfs_dir_iops->lookup(dir, dentry, flags);
	if (!nr_exists(nr))
		return ERR_PTR(-ENOENT);

	inode = new_inode(dir->i_sb);
	if (!inode)
		return ERR_PTR(-ENOMEM);
	inode->i_ino = nr_to_ino(nr);
	inode->i_mode = S_IFREG | 0400;
	inode->i_op = &process_iops;
	inode->i_fop = &process_fops;
	inode->i_private = (void *)(uintptr_t)nr;
	simple_inode_init_ts(inode);
	return d_splice_alias(inode, dentry);
}

static int dir_setattr(struct mnt_idmap *idmap, struct dentry *dentry,
		       struct iattr *attr)
{
	return debugfs_dir_iops->setattr(idmap, dentry, attr);
}

static const struct inode_operations dir_iops = {
	.lookup = dir_lookup,
	.setattr = dir_setattr,
};

/* A listing of what was created, passed on to the one who asked */
struct created {
	struct dir_context ctx;
	struct dir_context *to;
	bool full;
};

static bool created_actor(struct dir_context *ctx, const char *name, int len,
			  loff_t pos, u64 ino, unsigned int type)
{
	struct created *created = container_of(ctx, struct created, ctx);

	/* In use at the moment; it comes with the other processes. */
	if (name_to_nr(name, len))
		return true;

	created->full = !created->to->actor(created->to, name, len, pos, ino,
					    type);
	return !created->full;
}

/* Returns whether all were listed. */
static bool list_created(struct file *file, struct dir_context *ctx)
{
	struct created created = {
		.ctx = {
			.actor = created_actor,
			.pos = ctx->pos,
			.count = ctx->count,
			.dt_flags_mask = ctx->dt_flags_mask,
		},
		.to = ctx,
	};

	/* It returns 0 whether or not there was room for all. */
	dcache_readdir(file, &created.ctx);
	ctx->pos = created.full ? created.ctx.pos : POS_PROCESSES;
	return !created.full;
}

/* The first process that is numbered so, or higher; 0 if there is none. */
static pid_t next_process(pid_t nr, struct pid_namespace *ns)
{
	struct task_struct *task;
	struct pid *pid;

	guard(rcu)();
	while ((pid = find_ge_pid(nr, ns))) {
		nr = pid_nr_ns(pid, ns);
		task = pid_task(pid, PIDTYPE_TGID);
		if (task && !(task->flags & PF_KTHREAD))
			return nr;
		nr++;
	}
	return 0;
}

static void list_processes(struct dir_context *ctx)
{
	struct pid_namespace *ns = task_active_pid_ns(current);
	pid_t nr = ctx->pos - POS_PROCESSES;

	while ((nr = next_process(nr, ns))) {
		char name[12];
		int len = scnprintf(name, sizeof(name), "%d", nr);

		ctx->pos = POS_PROCESSES + nr;
		if (!dir_emit(ctx, name, len, nr_to_ino(nr), DT_REG))
			return;
		nr++;
		cond_resched();
	}
	ctx->pos = POS_END;
}

static int dir_iterate(struct file *file, struct dir_context *ctx)
{
	if (ctx->pos < POS_PROCESSES && !list_created(file, ctx))
		return 0;
	if (ctx->pos < POS_END)
		list_processes(ctx);
	return 0;
}

/* simple_dir_operations, which debugfs uses, with another listing */
static const struct file_operations dir_fops = {
	.open = dcache_dir_open,
	.release = dcache_dir_close,
	.llseek = dcache_dir_lseek,
	.read = generic_read_dir,
	.iterate_shared = dir_iterate,
	.fsync = noop_fsync,
};

/* Whether the folder is made as the code above relies on */
static bool __init as_expected(const struct inode *dir)
{
	return dir->i_fop == &simple_dir_operations &&
	       dir->i_op->lookup && dir->i_op->setattr &&
	       /* or numbers of processes that are gone would pile up */
	       dir->i_sb->s_d_flags & DCACHE_DONTCACHE;
}

/* After the architecture made its files, and the folder for them, if it does */
static int __init page_tables_debug_init(void)
{
	struct dentry *dentry;
	struct inode *dir;
	int ret = 0;

	dentry = debugfs_lookup("page_tables", NULL);
	if (!dentry) {
		dentry = debugfs_create_dir("page_tables", NULL);
		if (IS_ERR(dentry))
			return PTR_ERR(dentry);
		dget(dentry);
	}

	dir = d_inode(dentry);
	inode_lock(dir);
	if (as_expected(dir)) {
		debugfs_dir_iops = dir->i_op;
		dir->i_op = &dir_iops;
		dir->i_fop = &dir_fops;
	} else {
		pr_warn("page_tables: debugfs has changed, no processes there\n");
		ret = -EOPNOTSUPP;
	}
	inode_unlock(dir);
	dput(dentry);
	return ret;
}
late_initcall(page_tables_debug_init);
