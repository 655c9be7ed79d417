/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tree of a process's page tables as text: /sys/kernel/debug/page_tables/PID
 *
 * The folder and its files are in mm/page_tables_debug.c; the text is made by
 * the Rust code that walks page tables. See
 * Documentation/mm/page_tables_debugfs.rst.
 */
#ifndef _LINUX_PAGE_TABLES_DEBUG_H
#define _LINUX_PAGE_TABLES_DEBUG_H

struct mm_struct;
struct seq_file;

/**
 * page_tables_show - print the page tables of an address space
 * @m: where to
 * @mm: the address space; the caller holds a reference that keeps it in use
 *      (mm_users)
 *
 * Prints a line for each table, in the order of their addresses and depth
 * first, and a line of totals. Whoever calls this through a seq_file has it
 * called again with more room while seq_has_overflowed() holds after it, so it
 * may stop as soon as that is so.
 *
 * Context: may sleep; takes the mmap lock of @mm for writing, and gives it back.
 * Return: 0, also when @m had no room for everything; -EINTR if a fatal signal
 * came while it waited for the lock.
 */
int page_tables_show(struct seq_file *m, struct mm_struct *mm);

#endif /* _LINUX_PAGE_TABLES_DEBUG_H */
