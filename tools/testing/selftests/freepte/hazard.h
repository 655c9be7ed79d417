/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Races on purpose: threads that do what is dangerous again and again while tables are freed.
 *
 *	hazard_begin(0);
 *	EXPECT_HARMLESS(race(racers, count, HAZARD_MS));
 *	EXPECT_FREED(100);
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

/* How long to race, in ms: FREEPTE_HAZARD_MS of the environment, or else 2500 */
#define HAZARD_MS	hazard_ms()
/* Long enough for a slow kernel; a test that takes longer hangs. */
#define HAZARD_TIMEOUT	120

long hazard_ms(void);

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

/* Tables that were freed since then, in the whole system: by zaps, by the reclaimer, by both */
long freed_sync(void);
long freed_deferred(void);
long freed(void);

/*
 * A race is not over before so many tables were freed in such a way, or six times its time. One
 * that is not about tables needs 0; else some are freed.
 */
void race_needs(long (*how)(void), long least);
/* Whether a test that runs for itself since @start, in ms, may end by the same rule */
bool race_was_run(long start);

/* The first line since then in which the kernel complains, or NULL */
const char *complaint(void);

/* Describe what went wrong. The first description stays, even if it is a child's. */
const char *wrong(const char *format, ...) __printf(1, 2);
/* The description, or NULL */
const char *what_went_wrong(void);

struct racer {
	/* Called until time is over, or something went wrong */
	const char *(*turn)(struct racer *racer);
	void *arg;
	long number;
	/* How often it was */
	unsigned long turns;
};

/*
 * Let them race, each in a thread, for so long; longer if not all of them had a turn, or hardly any
 * table was freed.
 */
const char *race(struct racer *racers, unsigned int count, long ms);
/* Whether the race ends, for turns that take long; and to end it before the time is over. */
bool race_over(void);
void race_stop(void);

/* Run this in a child. It goes wrong as well if the child does not exit. */
const char *in_child(const char *(*body)(void *arg), void *arg);

/* Memory that others change */
#define word_read(word)		__atomic_load_n((const uint64_t *)(word), __ATOMIC_RELAXED)
#define word_write(word, to)	__atomic_store_n((uint64_t *)(word), to, __ATOMIC_RELAXED)

/* Write a mark to a page, at both ends, and check it. */
void mark_page(char *page, uint64_t mark);
bool page_marked(const char *page, uint64_t mark);
bool page_zero(const char *page);
/* The same for some pages: each gets a mark of its own, made from this one. */
void mark_pages(char *addr, size_t size, uint64_t mark);
const char *check_marks(const char *addr, size_t size, uint64_t mark);

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

/* The premise: there were tables freed during the race. Other kernels do not say. */
#define EXPECT_FREED_BY(how, least) do {						\
	if (have_free_user_pte())							\
		EXPECT_LE(least, how())							\
			TH_LOG("only %ld tables were freed: this was no race", how());	\
} while (0)
#define EXPECT_FREED(least)	EXPECT_FREED_BY(freed, least)

#endif /* _FREEPTE_HAZARD_H */
