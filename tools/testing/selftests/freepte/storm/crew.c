// SPDX-License-Identifier: GPL-2.0
/*
 * One process of the storm: a thread for each actor.
 */
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "storm.h"

__thread struct part *self;

bool over(void)
{
	return __atomic_load_n(&board->is_over, __ATOMIC_RELAXED);
}

void nap(long ms)
{
	const long end = now_ms() + ms;

	while (!over() && now_ms() < end)
		sleep_ms(10);
}

static struct tally *tally_of(const struct part *part)
{
	return &board->tallies[part->crew][part->actor_number];
}

void hit(struct part *part)
{
	__atomic_fetch_add(&tally_of(part)->hits, 1, __ATOMIC_RELAXED);
}

static void step(void)
{
	__atomic_fetch_add(&board->steps, 1, __ATOMIC_RELAXED);
}

static void *play(void *arg)
{
	struct part *part = arg;

	self = part;
	/* So that the kernel says who it is that it complains of */
	prctl(PR_SET_NAME, part->actor->name);
	while (!over()) {
		if ((!part->actor->world && move_on(part)) || part->actor->turn(part))
			__atomic_store_n(&board->is_over, true, __ATOMIC_RELAXED);
		part->turns++;
		__atomic_fetch_add(&tally_of(part)->turns, 1, __ATOMIC_RELAXED);
		step();
	}
	__atomic_store_n(&tally_of(part)->has_ended, true, __ATOMIC_RELAXED);
	return NULL;
}

static bool take_pens(struct part *part)
{
	unsigned int i;

	for (i = 0; i < REGIONS; i++)
		if (!pen_take(&part->pens[i], &regions[i], part->crew * PARTS + part->number))
			return false;
	return true;
}

static const char *check_region(struct part *part, void *arg)
{
	struct piece all = { .region = arg, .count = regions[0].pages };

	return check_written(pen_of(part, &all), &all);
}

/* What is left when all is over must be what was written last. */
static const char *check_all(struct part *part)
{
	const char *_wrong = NULL;
	unsigned int i;

	for (i = 0; !_wrong && i < REGIONS; i++) {
		if (regions[i].addr)
			_wrong = touch(check_region, part, &regions[i]);
		step();
	}
	return _wrong;
}

void crew_run(unsigned int crew, const bool *chosen)
{
	static struct part parts[PARTS];
	static pthread_t threads[PARTS];
	const bool is_world = crew == board->nr_crews;
	unsigned int i, count = 0;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	catch_signals();
	if (!is_world) {
		if (stage_map())
			_exit(1);
		board->crews[crew].pid = getpid();
		for (i = 0; i < REGIONS; i++)
			board->crews[crew].regions[i] = regions[i].addr;
	}
	for (i = 0; actors[i]; i++) {
		struct part *part = &parts[count];

		if (!chosen[i] || actors[i]->world != is_world)
			continue;
		part->actor = actors[i];
		part->actor_number = i;
		part->crew = crew;
		part->number = count++;
		random_seed(&part->random, board->seed, crew * PARTS + i);
		self = part;
		if (!is_world && !take_pens(part)) {
			wrong("no memory");
			_exit(1);
		}
		if (part->actor->start && part->actor->start(part))
			_exit(1);
	}
	for (i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, play, &parts[i]))
			abort();
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	for (i = 0; i < count; i++) {
		self = &parts[i];
		if (!is_world && check_all(&parts[i]))
			_exit(1);
		if (parts[i].actor->end)
			parts[i].actor->end(&parts[i]);
	}
	_exit(0);
}
