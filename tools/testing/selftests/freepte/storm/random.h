/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random numbers that a seed decides.
 */
#ifndef _FREEPTE_STORM_RANDOM_H
#define _FREEPTE_STORM_RANDOM_H

#include <linux/types.h>
#include <stdbool.h>
#include <stdint.h>

struct random {
	__u64 state;
};

static inline __u64 random_next(struct random *random)
{
	__u64 mixed = random->state += 0x9e3779b97f4a7c15ULL;

	mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ULL;
	mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebULL;
	return mixed ^ mixed >> 31;
}

/* Another row of numbers for each stream of a seed */
static inline void random_seed(struct random *random, __u64 seed, __u64 stream)
{
	random->state = seed;
	random->state = random_next(random) ^ stream;
	random_next(random);
}

/* A number below limit */
static inline unsigned int pick(struct random *random, unsigned int limit)
{
	return (random_next(random) >> 32) % limit;
}

static inline bool one_in(struct random *random, unsigned int number)
{
	return !pick(random, number);
}

#endif /* _FREEPTE_STORM_RANDOM_H */
