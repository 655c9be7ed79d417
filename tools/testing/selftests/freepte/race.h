/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Threads that do again and again what is dangerous if they do it at the same time.
 *
 *	struct racer racers[] = {
 *		{ RACER(fork_and_write), .least = 20 },
 *		{ RACER(pin_own), .least = 50 },
 *	};
 *
 *	race_needs("tables freed", freed, 100);
 *	EXPECT_HARMLESS(race(racers, 2));
 *
 * It is over when each had so many turns, and what it is about has happened so often: not sooner on
 * a fast machine, and not without it on a slow one. What has not happened by a generous deadline
 * is what went wrong.
 */
#ifndef _FREEPTE_RACE_H
#define _FREEPTE_RACE_H

#include <stdbool.h>

struct racer {
	/* Called until the race is over, or something went wrong */
	const char *(*turn)(struct racer *racer);
	/* What it is called */
	const char *name;
	void *arg;
	long number;
	/* How often it must at least be called: once if this is 0 */
	unsigned long least;
	/* How often it was */
	unsigned long turns;
};

#define RACER(function) .turn = function, .name = #function

/*
 * The next race, in whichever process, is not over before there were so many of these; @count
 * counts them, from the start of the test. If it is negative, nobody here counts them, which is as
 * good as enough.
 */
void race_needs(const char *what, long (*count)(void), long least);

/* Let them race, each in a thread; what there was goes to the log. */
const char *race(struct racer *racers, unsigned int count);

/* Whether the race is over, for turns that take long; and to end it at once. */
bool race_over(void);
void race_stop(void);

/* When it gives up, if it is not RACE_MS: for a test of races */
void race_give_up_after(long ms);

/* For what does it all by itself, in this thread or another process: until there were enough. */
bool race_goes_on(void);

/*
 * ms that each race takes even if enough has happened before: FREEPTE_HAZARD_MS of the environment,
 * or else none
 */
long race_least_ms(void);

#endif /* _FREEPTE_RACE_H */
