// SPDX-License-Identifier: GPL-2.0
/*
 * What functions cost in Rust and in C: /sys/kernel/debug/rust_mm_twins/cost,
 * and which of both read page tables for user space:
 * /sys/kernel/debug/rust_mm_twins/readers. That is one of
 *
 *	rust		the readers in Rust, as without this file
 *	c		those in C, on the page walk in C
 *	c-on-rust	those in C, on the page walk in Rust
 *
 * To tell the cost, each function is called many times with interrupts off, on a
 * page table of the reader's own; the least of some rounds counts. The unit is a
 * picosecond. Where an instruction takes a nanosecond, as in an emulator that
 * counts them, that is a thousandth of an instruction.
 */
#include <linux/debugfs.h>
#include <linux/init.h>
#include <linux/ktime.h>
#include <linux/leafops.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/rust_gup_twins.h>
#include <linux/rust_mm_twins.h>
#include <linux/sched.h>
#include <linux/seq_file.h>
#include <linux/swapops.h>
#include <linux/rust_page_readers_walk.h>

#define ROUNDS	16
#define CALLS	1024

/* An entry of the reader's memory */
struct place {
	struct mm_struct *mm;
	pmd_t *pmd;
	unsigned long addr;
};

struct twin {
	const char *name;
	void (*rust)(const struct place *place);
	void (*c)(const struct place *place);
};

#define MAPS(prefix, twin)						\
static void prefix##map(const struct place *place)			\
{									\
	pmd_t pmd;							\
	pte_t *pte = twin##__pte_offset_map(place->pmd, place->addr, &pmd); \
									\
	if (pte)							\
		pte_unmap(pte);						\
}									\
									\
static void prefix##map_ro(const struct place *place)			\
{									\
	spinlock_t *ptl;						\
	pte_t *pte = twin##pte_offset_map_ro_nolock(place->mm, place->pmd, \
						    place->addr, &ptl);	\
									\
	if (pte)							\
		pte_unmap(pte);						\
}									\
									\
static void prefix##map_rw(const struct place *place)			\
{									\
	spinlock_t *ptl;						\
	pmd_t pmd;							\
	pte_t *pte = twin##pte_offset_map_rw_nolock(place->mm, place->pmd, \
						    place->addr, &pmd,	\
						    &ptl);		\
									\
	if (pte)							\
		pte_unmap(pte);						\
}									\
									\
static void prefix##map_lock(const struct place *place)			\
{									\
	spinlock_t *ptl;						\
	pte_t *pte = twin##pte_offset_map_lock(place->mm, place->pmd,	\
					       place->addr, &ptl);	\
									\
	if (pte)							\
		pte_unmap_unlock(pte, ptl);				\
}

MAPS(rust_, /* none */)
MAPS(c_, c_)

static void nothing(const struct place *place)
{
	barrier();
}

static const struct twin twins[] = {
	{ "__pte_offset_map", rust_map, c_map },
	{ "pte_offset_map_ro_nolock", rust_map_ro, c_map_ro },
	{ "pte_offset_map_rw_nolock", rust_map_rw, c_map_rw },
	{ "pte_offset_map_lock", rust_map_lock, c_map_lock },
};

/* In ps a call */
static u64 cost(void (*call)(const struct place *), const struct place *place)
{
	u64 least = U64_MAX;
	unsigned int i, j;

	for (i = 0; i < ROUNDS; i++) {
		u64 start;

		local_irq_disable();
		start = ktime_get_ns();
		for (j = 0; j < CALLS; j++)
			call(place);
		least = min(least, ktime_get_ns() - start);
		local_irq_enable();
	}
	return div_u64(least * 1000, CALLS);
}

static int find_place(struct place *place)
{
	struct mm_struct *mm = current->mm;
	pgd_t *pgd;
	p4d_t *p4d;
	pud_t *pud;

	place->mm = mm;
	/* The reader is running, so its stack is there. */
	place->addr = mm->start_stack;
	pgd = pgd_offset(mm, place->addr);
	if (pgd_none_or_clear_bad(pgd))
		return -ENOENT;
	p4d = p4d_offset(pgd, place->addr);
	if (p4d_none_or_clear_bad(p4d))
		return -ENOENT;
	pud = pud_offset(p4d, place->addr);
	if (pud_none_or_clear_bad(pud))
		return -ENOENT;
	place->pmd = pmd_offset(pud, place->addr);
	return pmd_none(pmdp_get(place->pmd)) ? -ENOENT : 0;
}

static int cost_show(struct seq_file *file, void *unused)
{
	struct mm_struct *mm = current->mm;
	struct place place;
	u64 empty;
	int ret;

	if (!mm || mmap_read_lock_killable(mm))
		return -EINTR;

	ret = find_place(&place);
	if (ret)
		goto unlock;

	empty = cost(nothing, &place);
	for (unsigned int i = 0; i < ARRAY_SIZE(twins); i++)
		seq_printf(file, "%s rust %llu c %llu\n", twins[i].name,
			   cost(twins[i].rust, &place) - empty,
			   cost(twins[i].c, &place) - empty);
unlock:
	mmap_read_unlock(mm);
	return ret;
}
DEFINE_SHOW_ATTRIBUTE(cost);

/* A bit for each question, in the order in which the test asks them */
u32 c_pte_flags(pte_t pte)
{
	bool none = pte_none(pte);
	bool present = pte_present(pte);
	bool swap = !none && !present;
	u32 flags = 0;

	flags |= none << 0;
	flags |= present << 1;
	flags |= (present && pte_write(pte)) << 2;
	flags |= (present && pte_young(pte)) << 3;
	flags |= (present && pte_dirty(pte)) << 4;
	flags |= (present && pte_special(pte)) << 5;
	flags |= (present && pte_protnone(pte)) << 6;
	flags |= (present && pte_exec(pte)) << 7;
	flags |= (present && (pte_flags(pte) & _PAGE_USER)) << 8;
	flags |= ((present && pte_soft_dirty(pte)) ||
		  (swap && pte_swp_soft_dirty(pte))) << 9;
	flags |= ((present && pte_uffd(pte)) || (swap && pte_swp_uffd(pte))) << 10;
	flags |= (swap && pte_swp_exclusive(pte)) << 11;
	return flags;
}

enum c_pte_kind c_pte_kind(pte_t pte, unsigned long *value)
{
	softleaf_t leaf;

	*value = 0;
	if (pte_none(pte))
		return C_PTE_NONE;
	if (pte_present(pte)) {
		*value = pte_pfn(pte);
		return C_PTE_PRESENT;
	}

	leaf = softleaf_from_pte(pte);
	/* Of no type that is in use: softleaf_type() would complain */
	if (swp_type(leaf) > SWP_PTE_MARKER)
		return C_PTE_UNKNOWN;

	if (softleaf_has_pfn(leaf))
		*value = softleaf_to_pfn(leaf);
	switch (softleaf_type(leaf)) {
	case SOFTLEAF_NONE:
		break;
	case SOFTLEAF_SWAP:
		*value = swp_offset(leaf);
		return C_PTE_SWAP;
	case SOFTLEAF_MIGRATION_READ:
		return C_PTE_MIGRATION_READ;
	case SOFTLEAF_MIGRATION_READ_EXCLUSIVE:
		return C_PTE_MIGRATION_EXCLUSIVE;
	case SOFTLEAF_MIGRATION_WRITE:
		return C_PTE_MIGRATION_WRITE;
	case SOFTLEAF_DEVICE_PRIVATE_READ:
		return C_PTE_DEVICE_READ;
	case SOFTLEAF_DEVICE_PRIVATE_WRITE:
		return C_PTE_DEVICE_WRITE;
	case SOFTLEAF_DEVICE_EXCLUSIVE:
		return C_PTE_DEVICE_EXCLUSIVE;
	case SOFTLEAF_HWPOISON:
		return C_PTE_HWPOISON;
	case SOFTLEAF_MARKER:
		*value = softleaf_to_marker(leaf);
		return C_PTE_MARKER;
	}
	return C_PTE_UNKNOWN;
}

/* As the C of __pte_offset_map() asks */
enum c_pmd_kind c_pmd_kind(pmd_t pmd, unsigned long *pfn)
{
	*pfn = 0;
	if (pmd_none(pmd))
		return C_PMD_NONE;
	if (!pmd_present(pmd))
		return C_PMD_NOT_PRESENT;
	if (pmd_leaf(pmd)) {
		*pfn = pmd_pfn(pmd);
		return C_PMD_LEAF;
	}
	if (pmd_bad(pmd))
		return C_PMD_BAD;
	*pfn = pmd_pfn(pmd);
	return C_PMD_TABLE;
}

struct gup_hook gup_hook = { .key = STATIC_KEY_FALSE_INIT };

#ifdef CONFIG_RUST_PAGE_READERS
DEFINE_STATIC_KEY_FALSE(page_readers_in_c);
DEFINE_STATIC_KEY_FALSE(page_readers_walk_in_c);

enum readers { READERS_RUST, READERS_C, READERS_C_ON_RUST };

static const char * const readers_names[] = {
	[READERS_RUST]		= "rust",
	[READERS_C]		= "c",
	[READERS_C_ON_RUST]	= "c-on-rust",
};

static enum readers readers_now(void)
{
	if (page_readers_in_rust())
		return READERS_RUST;
	return readers_walk_in_c() ? READERS_C : READERS_C_ON_RUST;
}

static ssize_t readers_read(struct file *file, char __user *buf, size_t count,
			    loff_t *pos)
{
	char text[16];
	int len = scnprintf(text, sizeof(text), "%s\n",
			    readers_names[readers_now()]);

	return simple_read_from_buffer(buf, count, pos, text, len);
}

static void key_set(struct static_key_false *key, bool on)
{
	if (on)
		static_branch_enable(key);
	else
		static_branch_disable(key);
}

static ssize_t readers_write(struct file *file, const char __user *buf,
			     size_t count, loff_t *pos)
{
	char text[16] = {};
	int which;

	if (count >= sizeof(text))
		return -EINVAL;
	if (copy_from_user(text, buf, count))
		return -EFAULT;
	which = sysfs_match_string(readers_names, text);
	if (which < 0)
		return which;
	key_set(&page_readers_in_c, which != READERS_RUST);
	key_set(&page_readers_walk_in_c, which == READERS_C);
	return count;
}

static const struct file_operations readers_fops = {
	.owner	= THIS_MODULE,
	.read	= readers_read,
	.write	= readers_write,
	.llseek	= default_llseek,
};
#endif

static int __init rust_mm_twins_init(void)
{
	struct dentry *dir = debugfs_create_dir("rust_mm_twins", NULL);

	debugfs_create_file("cost", 0400, dir, NULL, &cost_fops);
	debugfs_create_file("migrating", 0200, dir, NULL,
			    &rust_mm_twins_migrating_fops);
#ifdef CONFIG_RUST_PAGE_READERS
	debugfs_create_file("readers", 0600, dir, NULL, &readers_fops);
#endif
	return 0;
}
late_initcall(rust_mm_twins_init);
