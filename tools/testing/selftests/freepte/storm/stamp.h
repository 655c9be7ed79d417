/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What is written to pages. A stamp is one word that says which page of which region it belongs
 * to, who wrote it, and when, and that has a checksum: whoever reads it sees if the page is another
 * one, and who wrote it sees if it is an old one. Each writer has two words of its own in a page,
 * one near each end; all that is nobody's is zero.
 */
#ifndef _FREEPTE_STORM_STAMP_H
#define _FREEPTE_STORM_STAMP_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WORDS		512
#define WRITERS		128
#define REGION_PAGES	8192	/* at most */

struct region {
	const char *name;
	unsigned int id;
	char *addr;		/* here; NULL: there is none */
	unsigned int pages;
	int fd;			/* negative: private memory */
	bool vanishes;		/* anybody may punch holes in it, or cut it off */
};

/* Some pages of a region */
struct piece {
	struct region *region;
	unsigned int page, count;
};

/* What one writer wrote last to the pages of a region */
struct pen {
	struct region *region;
	unsigned int writer;
	__u32 turn;
	__u32 *last;
};

bool pen_take(struct pen *pen, struct region *region, unsigned int writer);

char *page_at(const struct region *region, unsigned int page);
char *piece_addr(const struct piece *piece);
size_t piece_size(const struct piece *piece);

/* A new stamp for each page */
void stamp(struct pen *pen, const struct piece *piece);
/* Are they still there? NULL, or what is wrong */
const char *check(struct pen *pen, const struct piece *piece);
/* The same for those of them that have been written at all */
const char *check_written(struct pen *pen, const struct piece *piece);
/* The pages were given back: what comes next is zero. */
void forget(struct pen *pen, const struct piece *piece);
/* They may be, any time until they have a new stamp. */
void may_vanish(struct pen *pen, const struct piece *piece);
/* The pages were moved, what is here now is what was there: check that, and stamp them anew. */
const char *check_moved(struct pen *pen, const struct piece *from, const struct piece *to);

/* The stamp that a page gets from somebody else in our name, and that we did */
void stamp_copy(const struct pen *pen, unsigned int page, __u32 turn, void *copy);
void was_stamped(struct pen *pen, unsigned int page, __u32 turn);

/*
 * Can this be a page of a region, whoever wrote it? At @words are so many of its words, the first
 * of which is @first. Private pages have one crew that writes to them, others any.
 */
const char *check_words(const struct region *region, unsigned int page, const void *words,
			unsigned int first, unsigned int count, int crew);

#endif /* _FREEPTE_STORM_STAMP_H */
