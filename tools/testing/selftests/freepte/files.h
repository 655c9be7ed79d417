/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Words in files, and programs.
 */
#ifndef _FREEPTE_FILES_H
#define _FREEPTE_FILES_H

#include <stddef.h>

/* The text of a file, all that fits; 0 or a negative errno. */
int file_read(const char *path, char *text, size_t size);
int file_write(const char *path, const char *text);

/* The same, the path made by a format with one number in it */
int file_read_n(const char *format, int number, char *text, size_t size);
int file_write_n(const char *format, int number, const char *text);

/* Drop what is clean and not mapped of the page cache. Drains the CPUs' batches of pages, too. */
int drop_page_cache(void);

/* Run a program, silently; its exit status, or -1. */
int run_program(const char *const argv[]);

/* A file without a name, in shared memory; the descriptor, or -1. */
int shmem_file(size_t size);

#endif /* _FREEPTE_FILES_H */
