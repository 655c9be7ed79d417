/* SPDX-License-Identifier: GPL-2.0 */
/*
 * /sys/kernel/debug/page_tables/PID: the tree of tables of a process.
 */
#ifndef _FREEPTE_WALK_TREE_H
#define _FREEPTE_WALK_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define TREES	"/sys/kernel/debug/page_tables/"

enum tree_level { TREE_PGD, TREE_P4D, TREE_PUD, TREE_PMD, TREE_PTE, TREE_LEVELS };

struct tree_table {
	enum tree_level level;
	int depth;	/* how far it is indented */
	uint64_t start;
	long populated;
	long refs;	/* negative: "-" */
};

struct tree {
	struct tree_table *tables;
	size_t count;
	/* As the last line says */
	long total[TREE_LEVELS];
	long sum, kib, populated, entries;
};

/* NULL, or why there are none: a kernel without them, or one that does not show them to us */
const char *tree_lacks(void);
/* 0 or a negative errno; -EBADMSG if it is not in the form that it should have, @how says why. */
int tree_read(struct tree *tree, pid_t pid, const char **how);
void tree_free(struct tree *tree);

/* NULL, or what of it contradicts itself: order, levels, refs, totals */
const char *tree_contradicts(const struct tree *tree);

/* The table of this level that maps an address, or NULL */
const struct tree_table *tree_find(const struct tree *tree, enum tree_level level,
				   const void *addr);
/* Tables of the next level below one; their levels may differ if some were left out. */
long tree_children(const struct tree *tree, const struct tree_table *table);
/* What one of this level maps */
uint64_t tree_span(enum tree_level level);

#endif /* _FREEPTE_WALK_TREE_H */
