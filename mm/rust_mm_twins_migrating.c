// SPDX-License-Identifier: GPL-2.0
/*
 * Folios that are being migrated for as long as a test looks at them:
 * /sys/kernel/debug/rust_mm_twins/migrating.
 *
 * Who writes an address there, as a number, has migration entries wherever the
 * folio is mapped that is at this address, until the file is closed. Then the
 * folio is mapped as before. Who touches it meanwhile waits.
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/rmap.h>
#include <linux/rust_mm_twins.h>
#include <linux/slab.h>
#include <../mm/internal.h>

struct migrating {
	struct folio *folio;
	struct anon_vma *anon_vma;
};

static void migrating_end(struct migrating *migrating)
{
	remove_migration_ptes(migrating->folio, migrating->folio, 0);
	if (migrating->anon_vma)
		put_anon_vma(migrating->anon_vma);
	folio_unlock(migrating->folio);
	folio_put(migrating->folio);
	kfree(migrating);
}

/* The lock and the references that migrate_pages() takes */
static struct migrating *migrating_begin(unsigned long addr)
{
	struct migrating *migrating = kzalloc_obj(*migrating);
	struct folio *folio;
	struct page *page;

	if (!migrating)
		return ERR_PTR(-ENOMEM);
	if (get_user_pages_fast(addr, 1, 0, &page) != 1) {
		kfree(migrating);
		return ERR_PTR(-EFAULT);
	}

	folio = page_folio(page);
	folio_lock(folio);
	migrating->folio = folio;
	if (folio_test_anon(folio) && !folio_test_ksm(folio))
		migrating->anon_vma = folio_get_anon_vma(folio);
	try_to_migrate(folio, 0);
	if (folio_mapped(folio)) {
		migrating_end(migrating);
		return ERR_PTR(-EBUSY);
	}
	return migrating;
}

static ssize_t migrating_write(struct file *file, const char __user *buf,
			       size_t count, loff_t *pos)
{
	struct migrating *migrating;
	unsigned long addr;
	int ret;

	ret = kstrtoul_from_user(buf, count, 0, &addr);
	if (ret)
		return ret;
	if (file->private_data)
		return -EEXIST;
	migrating = migrating_begin(addr);
	if (IS_ERR(migrating))
		return PTR_ERR(migrating);
	file->private_data = migrating;
	return count;
}

static int migrating_open(struct inode *inode, struct file *file)
{
	file->private_data = NULL;
	return 0;
}

static int migrating_release(struct inode *inode, struct file *file)
{
	if (file->private_data)
		migrating_end(file->private_data);
	return 0;
}

const struct file_operations rust_mm_twins_migrating_fops = {
	.owner		= THIS_MODULE,
	.open		= migrating_open,
	.write		= migrating_write,
	.release	= migrating_release,
};
