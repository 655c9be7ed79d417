// SPDX-License-Identifier: GPL-2.0
/*
 * Threads that do again and again what is dangerous if they do it at the same time.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "deadline.h"
#include "hazard.h"
#include "race.h"

#define NEEDS	8

static struct {
	struct need {
		const char *what;
		long (*count)(void);
		long least;
	} needs[NEEDS];
	unsigned int count;
	struct deadline deadline;
	bool has_begun;
} about;

static long give_up_ms = RACE_MS;
static bool is_over;
static pthread_barrier_t start_line;

long race_least_ms(void)
{
	const char *ms = getenv("FREEPTE_HAZARD_MS");

	return ms ? strtol(ms, NULL, 10) : 0;
}

void race_give_up_after(long ms)
{
	give_up_ms = ms;
}

void race_needs(const char *what, long (*count)(void), long least)
{
	if (about.count == NEEDS)
		abort();
	about.needs[about.count++] = (struct need){ what, count, least };
}

bool race_over(void)
{
	return __atomic_load_n(&is_over, __ATOMIC_RELAXED);
}

void race_stop(void)
{
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
}

static void begin(void)
{
	is_over = false;
	about.has_begun = true;
	deadline_set(&about.deadline, give_up_ms + race_least_ms());
}

/* How much there was of what, and how much of it there should be */
struct list {
	char text[512];
	size_t len;
	bool is_of_all;		/* or of that only of which there is too little */
};

static void list_add(struct list *list, const char *what, long count, long least)
{
	if (count < 0 || (count >= least && !list->is_of_all) || list->len >= sizeof(list->text))
		return;
	list->len += snprintf(list->text + list->len, sizeof(list->text) - list->len,
			      "%s%ld of %ld %s", list->len ? ", " : "", count, least, what);
}

static void list_make(struct list *list, const struct racer *racers, unsigned int count)
{
	unsigned int i;

	list->len = 0;
	for (i = 0; i < about.count; i++)
		list_add(list, about.needs[i].what, about.needs[i].count(), about.needs[i].least);
	for (i = 0; i < count; i++) {
		char what[64];

		snprintf(what, sizeof(what), "turns of %s", racers[i].name);
		list_add(list, what, __atomic_load_n(&racers[i].turns, __ATOMIC_RELAXED),
			 racers[i].least ? racers[i].least : 1);
	}
}

/* Tell about it, and forget it: the next race is about something else. */
static void end(const struct racer *racers, unsigned int count)
{
	struct list list = { .is_of_all = true };

	list_make(&list, racers, count);
	fprintf(stderr, "# raced for %ld ms: %s\n", deadline_waited(&about.deadline), list.text);
	about.has_begun = false;
	about.count = 0;
}

static bool goes_on(const struct racer *racers, unsigned int count)
{
	struct list missing = { .is_of_all = false };

	if (what_went_wrong())
		return false;
	if (deadline_waited(&about.deadline) < race_least_ms())
		return true;
	list_make(&missing, racers, count);
	if (!missing.len)
		return false;
	if (!deadline_passed(&about.deadline))
		return true;
	wrong("no race: %s in %ld s", missing.text, deadline_waited(&about.deadline) / 1000);
	return false;
}

bool race_goes_on(void)
{
	bool on;

	if (!about.has_begun)
		begin();
	on = goes_on(NULL, 0);
	if (!on)
		end(NULL, 0);
	return on;
}

static void *run(void *arg)
{
	struct racer *racer = arg;

	pthread_barrier_wait(&start_line);
	while (!race_over()) {
		if (racer->turn(racer))
			race_stop();
		__atomic_fetch_add(&racer->turns, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

const char *race(struct racer *racers, unsigned int count)
{
	pthread_t threads[count];
	unsigned int i;

	begin();
	pthread_barrier_init(&start_line, NULL, count);
	for (i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, run, &racers[i]))
			/* Those that wait at the start cannot be joined. */
			abort();
	while (!race_over() && goes_on(racers, count))
		deadline_wait(&about.deadline);
	race_stop();
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start_line);
	end(racers, count);
	return what_went_wrong();
}
