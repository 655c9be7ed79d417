/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Doing what is dangerous while tables are freed, and seeing whether it did any harm.
 *
 *	hazard_begin(0);
 *	race_needs("tables freed", freed, 100);
 *	EXPECT_HARMLESS(race(racers, count));
 *	hazard_end();
 *
 * A function that can go wrong returns NULL, or what it was that went wrong.
 */
#ifndef _FREEPTE_HAZARD_H
#define _FREEPTE_HAZARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kselftest.h"

/* Zaps do not free tables by themselves, but leave all of them to the reclaimer (debug kernels). */
#define HAZARD_DEFER	1
/* Tables are not looked for at once, but when the delay is over. */
#define HAZARD_LAZY	2

/*
 * Turn the knobs to what makes races likely, as far as there are knobs: no delay, all tables
 * looked for at once, and a pause between unhooking and freeing. Watch the kernel from here on.
 */
void hazard_begin(unsigned int flags);
void hazard_end(void);

/*
 * Tables that were freed since then, in the whole system: by zaps, by the reclaimer, by both;
 * negative on a kernel that does not say
 */
long freed_sync(void);
long freed_deferred(void);
long freed(void);

/* The first line since then in which the kernel complains, or NULL */
const char *complaint(void);

/* Describe what went wrong. The first description stays, even if it is a child's. */
const char *wrong(const char *format, ...) __printf(1, 2);
/* The description, or NULL */
const char *what_went_wrong(void);

/* Run this in a child. It goes wrong as well if the child does not exit. */
const char *in_child(const char *(*body)(void *arg), void *arg);
/* What waitpid() says of it, for who expects it not to exit; or -1 */
int child_status(const char *(*body)(void *arg), void *arg);

/* Memory that others change */
#define word_read(word)		__atomic_load_n((const uint64_t *)(word), __ATOMIC_RELAXED)
#define word_write(word, to)	__atomic_store_n((uint64_t *)(word), to, __ATOMIC_RELAXED)

/* Write a mark to a page, at both ends, and check it. */
void mark_page(char *page, uint64_t mark);
bool page_marked(const char *page, uint64_t mark);
bool page_zero(const char *page);
/* The same for some pages: each gets a mark of its own, made from this one and from its place. */
void mark_pages(char *addr, size_t size, uint64_t mark);
const char *check_marks(const char *addr, size_t size, uint64_t mark);
/* That of one of these pages; and whether what was found there is one that was made for it */
uint64_t mark_of(const char *addr, const char *page, uint64_t mark);
bool is_mark_of(const char *addr, const char *page, uint64_t found);

/* A number below limit, different in each thread */
unsigned int some(unsigned int limit);

#define EXPECT_HARMLESS(expression) do {						\
	const char *_harm = (expression);						\
											\
	EXPECT_EQ(NULL, _harm)								\
		TH_LOG("%s", _harm);							\
	_harm = complaint();								\
	EXPECT_EQ(NULL, _harm)								\
		TH_LOG("kernel: %s", _harm);						\
} while (0)

/* The premise, where there is no race to wait for it: tables were freed. */
#define EXPECT_FREED_BY(how, least) do {						\
	if (have_free_user_pte())							\
		EXPECT_LE(least, how())							\
			TH_LOG("only %ld tables were freed", how());			\
} while (0)
#define EXPECT_FREED(least)	EXPECT_FREED_BY(freed, least)

#endif /* _FREEPTE_HAZARD_H */
