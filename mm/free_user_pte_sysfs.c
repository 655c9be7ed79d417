// SPDX-License-Identifier: GPL-2.0
/*
 * Freeing of empty user PTE tables: /sys/kernel/mm/free_user_pte, and the
 * definitions behind the switch and the tracepoints.
 */
#include <linux/init.h>
#include <linux/jump_label.h>
#include <linux/kobject.h>
#include <linux/mm.h>
#include <linux/oom.h>
#include <linux/pte_ref.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sysfs.h>
#include <linux/vmstat.h>
#include <linux/workqueue.h>

#include <xen/xen.h>

#define CREATE_TRACE_POINTS
#define CREATE_RUST_TRACE_POINTS
#include <trace/events/free_user_pte.h>

DEFINE_STATIC_KEY_FALSE(free_user_pte_off);

/*
 * Its own, with few workers: whoever keeps the reclaimer waiting keeps nobody
 * else waiting.
 */
#define MOST_WORKERS	4

struct workqueue_struct *free_user_pte_wq __ro_after_init;

static int __init free_user_pte_init(void)
{
	/* Tables are pinned there, and each change of a PMD is a hypercall. */
	if (xen_pv_domain())
		static_branch_enable(&free_user_pte_off);

	free_user_pte_wq = alloc_workqueue("free_user_pte", WQ_UNBOUND,
					   MOST_WORKERS);
	if (!free_user_pte_wq)
		free_user_pte_wq = system_dfl_wq;
	return 0;
}
/* There is no user's address space before. */
core_initcall(free_user_pte_init);

/* How long an empty table is spared, in ms, in case it is filled again */
unsigned int free_user_pte_delay_ms = 100;

/* Modules that set or clear entries of a user's table come this way, too. */
EXPORT_SYMBOL_GPL(free_user_pte_emptied);

/* The rest is for modules that keep tables. */
EXPORT_SYMBOL_GPL(pte_try_get);
EXPORT_SYMBOL_GPL(pte_alloc_get);
EXPORT_SYMBOL_GPL(pte_try_map);
EXPORT_SYMBOL_GPL(pte_try_map_lock);
EXPORT_SYMBOL_GPL(pte_put);
EXPORT_SYMBOL_GPL(free_user_pte_unused);
EXPORT_SYMBOL_GPL(free_user_pte_rescan);

/* While it was off nobody took note of the tables that were emptied. */
static void rescan_all(void)
{
	struct task_struct *task;

	rcu_read_lock();
	for_each_process(task) {
		struct task_struct *user;

		if (task->flags & PF_KTHREAD)
			continue;
		/* The leader may have exited, and left the mm to other threads. */
		user = find_lock_task_mm(task);
		if (!user)
			continue;
		free_user_pte_rescan(user->mm);
		task_unlock(user);
	}
	rcu_read_unlock();
}

static ssize_t enabled_show(struct kobject *kobj, struct kobj_attribute *attr,
			    char *buf)
{
	return sysfs_emit(buf, "%d\n", free_user_pte_enabled());
}

static ssize_t enabled_store(struct kobject *kobj, struct kobj_attribute *attr,
			     const char *buf, size_t count)
{
	bool enable;
	int err;

	err = kstrtobool(buf, &enable);
	if (err)
		return err;
	if (enable && xen_pv_domain())
		return -EOPNOTSUPP;
	if (!enable) {
		static_branch_enable(&free_user_pte_off);
	} else if (!free_user_pte_enabled()) {
		static_branch_disable(&free_user_pte_off);
		rescan_all();
	}
	return count;
}
static struct kobj_attribute enabled_attr = __ATTR_RW(enabled);

static ssize_t delay_ms_show(struct kobject *kobj, struct kobj_attribute *attr,
			     char *buf)
{
	return sysfs_emit(buf, "%u\n", READ_ONCE(free_user_pte_delay_ms));
}

static ssize_t delay_ms_store(struct kobject *kobj, struct kobj_attribute *attr,
			      const char *buf, size_t count)
{
	unsigned int delay;
	int err;

	err = kstrtouint(buf, 0, &delay);
	if (err)
		return err;
	if (delay > 60 * MSEC_PER_SEC)
		return -EINVAL;
	WRITE_ONCE(free_user_pte_delay_ms, delay);
	return count;
}
static struct kobj_attribute delay_ms_attr = __ATTR_RW(delay_ms);

#ifdef CONFIG_VM_EVENT_COUNTERS
static ssize_t show_event(char *buf, enum vm_event_item item)
{
	unsigned long *events;
	ssize_t len;

	events = kmalloc_array(NR_VM_EVENT_ITEMS, sizeof(*events), GFP_KERNEL);
	if (!events)
		return -ENOMEM;
	all_vm_events(events);
	len = sysfs_emit(buf, "%lu\n", events[item]);
	kfree(events);
	return len;
}

#define STATISTIC(_name, _item)						\
static ssize_t _name##_show(struct kobject *kobj,			\
			    struct kobj_attribute *attr, char *buf)	\
{									\
	return show_event(buf, _item);					\
}									\
static struct kobj_attribute _name##_attr = __ATTR_RO(_name)

STATISTIC(freed_at_once, PTE_TABLE_FREE_SYNC);
STATISTIC(freed_deferred, PTE_TABLE_FREE_DEFERRED);
STATISTIC(hints, PTE_TABLE_HINT);
STATISTIC(overflows, PTE_TABLE_HINT_OVERFLOW);
STATISTIC(rescans, PTE_TABLE_RESCAN);
STATISTIC(busy, PTE_TABLE_BUSY);
#endif

static struct attribute *free_user_pte_attrs[] = {
	&enabled_attr.attr,
	&delay_ms_attr.attr,
#ifdef CONFIG_VM_EVENT_COUNTERS
	&freed_at_once_attr.attr,
	&freed_deferred_attr.attr,
	&hints_attr.attr,
	&overflows_attr.attr,
	&rescans_attr.attr,
	&busy_attr.attr,
#endif
	NULL,
};

static const struct attribute_group free_user_pte_group = {
	.name = "free_user_pte",
	.attrs = free_user_pte_attrs,
};

static int __init free_user_pte_sysfs_init(void)
{
	return sysfs_create_group(mm_kobj, &free_user_pte_group);
}
subsys_initcall(free_user_pte_sysfs_init);
