/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Shapes of address spaces: what there is to be read in page tables.
 */
#ifndef _FREEPTE_WALK_SHAPES_H
#define _FREEPTE_WALK_SHAPES_H

#include <stdbool.h>
#include <stddef.h>

#define NEEDS_SWAP	1
#define NEEDS_HUGETLB	2

struct shape {
	size_t size;
	/* Only what is at multiples of it is worth reading entry by entry; 0: all is. */
	size_t stride;
	unsigned int needs;
	/*
	 * Make it, in address space that is PROT_NONE, by the process whose it is. NULL, or why it
	 * cannot.
	 */
	const char *(*make)(char *at);
	/* All of the process is looked at. */
	bool whole;
	/* It has a userfaultfd of its own: nobody is to write there, or to register another. */
	bool has_uffd;
	/* It is not to be touched: who does so waits. */
	bool is_held;
};

/* Private anonymous memory: shapes_anon.c */
extern const struct shape shape_untouched, shape_dense, shape_sparse, shape_far, shape_zero_pages,
	shape_swapped, shape_lazyfree, shape_prot_none, shape_mlocked, shape_merged, shape_forked,
	shape_patchwork;
/* Large and huge pages: shapes_huge.c */
extern const struct shape shape_thp, shape_thp_in_pieces, shape_huge_zero, shape_shmem_thp,
	shape_hugetlb_private, shape_hugetlb_shared, shape_hugetlb_shared_table;
/* Files: shapes_file.c */
extern const struct shape shape_shmem_swapped, shape_tmpfs, shape_cow_swapped, shape_ext4;
/* Marks in entries, and areas of the kernel: shapes_mark.c */
extern const struct shape shape_soft_dirty, shape_uffd_wp, shape_uffd_wp_markers, shape_uffd_rwp,
	shape_guards, shape_raw_frames, shape_process;
/* Pages that the processor cannot reach: shapes_unreachable.c */
extern const struct shape shape_migrating, shape_migrating_huge, shape_poisoned, shape_device;

#endif /* _FREEPTE_WALK_SHAPES_H */
