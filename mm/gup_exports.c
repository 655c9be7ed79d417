// SPDX-License-Identifier: GPL-2.0
/*
 * What modules may call of mm/gup.rs: the same as of mm/gup.c.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/pagemap.h>

EXPORT_SYMBOL(unpin_user_page);
EXPORT_SYMBOL_GPL(unpin_folio);
EXPORT_SYMBOL(unpin_user_pages_dirty_lock);
EXPORT_SYMBOL(unpin_user_page_range_dirty_lock);
EXPORT_SYMBOL(unpin_user_pages);
EXPORT_SYMBOL(unpin_user_folio);
EXPORT_SYMBOL_GPL(unpin_folios);
EXPORT_SYMBOL_GPL(fixup_user_fault);
EXPORT_SYMBOL(fault_in_writeable);
EXPORT_SYMBOL(fault_in_subpage_writeable);
EXPORT_SYMBOL(fault_in_safe_writeable);
EXPORT_SYMBOL(fault_in_readable);
EXPORT_SYMBOL(get_user_pages_remote);
EXPORT_SYMBOL(get_user_pages);
EXPORT_SYMBOL(get_user_pages_unlocked);
EXPORT_SYMBOL_GPL(get_user_pages_fast_only);
EXPORT_SYMBOL_GPL(get_user_pages_fast);
EXPORT_SYMBOL_GPL(pin_user_pages_fast);
EXPORT_SYMBOL(pin_user_pages_remote);
EXPORT_SYMBOL(pin_user_pages);
EXPORT_SYMBOL(pin_user_pages_unlocked);
EXPORT_SYMBOL_GPL(memfd_pin_folios);
EXPORT_SYMBOL_GPL(folio_add_pins);
