// SPDX-License-Identifier: GPL-2.0
/*
 * Races end when there was enough of what they are about, and fail if there is not, in the end.
 *
 * Nothing here is about the kernel: it is what the tests are judged by.
 */
#include "harness.h"

#include <stdlib.h>
#include <string.h>

#include "deadline.h"
#include "hazard.h"
#include "race.h"
#include "tables.h"

#define SOON_MS	200

static long events;
static long work_ms;

static long happened(void)
{
	return __atomic_load_n(&events, __ATOMIC_RELAXED);
}

static long never(void)
{
	return 3;
}

static long uncounted(void)
{
	return -1;
}

static const char *happen(struct racer *racer)
{
	sleep_ms(1);
	__atomic_fetch_add(&events, 1, __ATOMIC_RELAXED);
	return NULL;
}

static const char *rest(struct racer *racer)
{
	sleep_ms(1);
	return NULL;
}

static const char *wait_for_the_end(struct racer *racer)
{
	while (!race_over())
		sleep_ms(1);
	return NULL;
}

static const char *go_wrong(struct racer *racer)
{
	return racer->turns < 10 ? NULL : wrong("turn %lu", racer->turns);
}

static long machine(void)
{
	return work_ms;
}

FIXTURE(race)
{
};

FIXTURE_SETUP(race)
{
	unsetenv("FREEPTE_HAZARD_MS");
	hazard_begin(0);
	events = 0;
	/* As fast as machines may be, so that time is what it is. */
	work_ms = 0;
	deadline_work = machine;
}

FIXTURE_TEARDOWN(race)
{
	hazard_end();
}

/* It says what was short, and how long it waited for it. */
#define EXPECT_SHORT(of, race) do {							\
	const char *_harm = (race);							\
											\
	ASSERT_NE(NULL, _harm);								\
	EXPECT_EQ(_harm, strstr(_harm, "no race: " of " in "))				\
		TH_LOG("%s", _harm);							\
} while (0)

/* By itself, long before it would give up */
TEST_F(race, ends_when_there_was_enough)
{
	struct racer racers[] = { { RACER(happen) }, { RACER(happen), .least = 20 } };
	const long start = now_ms();

	race_needs("events", happened, 50);
	EXPECT_EQ(NULL, race(racers, 2));
	EXPECT_LE(50, happened());
	EXPECT_LE(20, racers[1].turns);
	EXPECT_GT(RACE_MS, now_ms() - start);
}

TEST_F(race, fails_without_its_events)
{
	struct racer racers[] = { { RACER(happen) } };
	const char *harm;

	race_give_up_after(SOON_MS);
	race_needs("events", happened, 1);
	race_needs("wonders", never, 7);
	harm = race(racers, 1);
	EXPECT_SHORT("3 of 7 wonders", harm);
	EXPECT_LT(0, happened());
}

TEST_F(race, fails_if_one_has_no_turn)
{
	struct racer racers[] = { { RACER(happen) }, { RACER(wait_for_the_end), .least = 2 } };

	race_give_up_after(SOON_MS);
	EXPECT_SHORT("0 of 2 turns of wait_for_the_end", race(racers, 2));
}

TEST_F(race, does_without_what_nobody_counts)
{
	struct racer racers[] = { { RACER(happen) } };

	race_needs("wonders", uncounted, 7);
	EXPECT_EQ(NULL, race(racers, 1));
}

/* What one race was about the next one is not. */
TEST_F(race, is_about_its_own)
{
	struct racer racers[] = { { RACER(happen) } };

	race_give_up_after(SOON_MS);
	race_needs("events", happened, 5);
	EXPECT_EQ(NULL, race(racers, 1));
	events = 0;
	EXPECT_EQ(NULL, race(&(struct racer){ RACER(rest) }, 1));
	EXPECT_EQ(0, happened());
}

TEST_F(race, ends_by_harm)
{
	struct racer racers[] = { { RACER(happen) }, { RACER(go_wrong), .least = 1000000 } };

	EXPECT_STREQ("turn 10", race(racers, 2));
}

TEST_F(race, takes_its_least_time)
{
	struct racer racers[] = { { RACER(happen) } };
	const long start = now_ms();

	ASSERT_EQ(0, setenv("FREEPTE_HAZARD_MS", "300", 1));
	EXPECT_EQ(NULL, race(racers, 1));
	EXPECT_LE(300, now_ms() - start);
}

static const char *happen_in_child(void *arg)
{
	struct racer racers[] = { { RACER(happen) } };

	return race(racers, 1);
}

/* What it is about is said before, and what was wrong is heard after. */
TEST_F(race, in_a_child)
{
	race_give_up_after(SOON_MS);
	race_needs("wonders", never, 7);
	EXPECT_SHORT("3 of 7 wonders", in_child(happen_in_child, NULL));
}

TEST_F(race, by_oneself)
{
	race_needs("events", happened, 30);
	while (race_goes_on())
		events++;
	EXPECT_EQ(NULL, what_went_wrong());
	EXPECT_EQ(30, events);

	race_give_up_after(SOON_MS);
	race_needs("wonders", never, 7);
	while (race_goes_on())
		events++;
	EXPECT_SHORT("3 of 7 wonders", what_went_wrong());
}

#define HOUR_MS	3600000

/* A machine that gets slower while somebody waits gives the more time, but not for ever. */
TEST_F(race, deadlines_are_scaled)
{
	struct deadline deadline;

	deadline_set(&deadline, HOUR_MS);
	EXPECT_FALSE(deadline_passed(&deadline));
	deadline.start -= HOUR_MS;
	EXPECT_TRUE(deadline_passed(&deadline));

	work_ms = 3 * WORK_MS;
	EXPECT_FALSE(deadline_passed(&deadline));
	EXPECT_EQ(3 * HOUR_MS, deadline.ms);
	deadline.start -= 2 * HOUR_MS;
	EXPECT_TRUE(deadline_passed(&deadline));

	work_ms = 1000 * WORK_MS;
	EXPECT_FALSE(deadline_passed(&deadline));
	EXPECT_EQ((long)SLOWEST * HOUR_MS, deadline.ms);
}

/* What measures the machine really is, it finds that nothing takes no time at all. */
TEST(the_machine_is_measured)
{
	EXPECT_LT(0, deadline_work());
}

TEST_HARNESS_MAIN
