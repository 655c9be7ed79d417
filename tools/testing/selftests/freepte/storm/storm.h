/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The storm: some processes, the crews, map the same files and some memory of their own, and in
 * each of them a thread for each actor does one kind of thing to it, again and again. What concerns
 * the whole machine is done in a process beside them, the world.
 *
 * All of an actor is in one file. It has one part in each crew, so that what it keeps between turns
 * can be static. What goes wrong is said by wrong().
 */
#ifndef _FREEPTE_STORM_H
#define _FREEPTE_STORM_H

#include <linux/types.h>
#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/types.h>

#include "kselftest.h"

#include "hazard.h"
#include "tables.h"
#include "zram.h"

#include "random.h"
#include "stamp.h"

#define CREWS		4	/* at most */
#define PARTS		32	/* of a crew, at most */
/* In private memory each part has some pages of each table. */
#define CHUNK		(ENTRIES / PARTS)

enum {
	PLAIN,		/* private memory, one VMA */
	PATCHY,		/* private memory whose VMAs are split, moved and replaced */
	KEPT,		/* shared memory */
	CUT,		/* shared memory that is punched and truncated */
	DISK,		/* a file of ext4 */
	REGIONS
};

struct part;

struct actor {
	const char *name;
	/* What it counts besides its turns, if it does */
	const char *hits;
	/* One for the machine, not one in each crew */
	bool world;
	/* Before anything starts: NULL, or what this machine lacks */
	const char *(*lacks)(void);
	/* In the crew, before its threads start: NULL, or what went wrong */
	const char *(*start)(struct part *part);
	const char *(*turn)(struct part *part);
	/* When all threads have ended */
	void (*end)(struct part *part);
};

/* One thread of a crew */
struct part {
	const struct actor *actor;
	unsigned int actor_number, crew, number;
	struct random random;
	unsigned long turns;
	unsigned int block;	/* where it was last */
	struct pen pens[REGIONS];
};

/* The part of this thread */
extern __thread struct part *self;

/* What all processes share */
struct board {
	bool is_over;
	/* Steps of anybody, whatever they are: who makes none hangs */
	unsigned long steps;
	struct tally {
		unsigned long turns, hits;
		bool has_ended;
	} tallies[CREWS + 1][PARTS];
	struct {
		pid_t pid;
		char *regions[REGIONS];
	} crews[CREWS];
	unsigned int nr_crews;
	__u64 seed;
	struct zram zram;
};

extern struct board *board;

/* The regions as this crew has them */
extern struct region regions[REGIONS];

bool over(void);
/* Sleep, but not beyond the end */
void nap(long ms);
/* Something worked that need not */
void hit(struct part *part);

/* Before the crews: the files. NULL, or why there are none */
const char *stage_open(void);
void stage_close(void);
/* In a crew: map it all. */
const char *stage_map(void);
/* Why a region is missing, or NULL */
const char *region_lacks(unsigned int region);
/* The directory of the file system on a disk, or negative */
int stage_disk(void);

/*
 * The crew goes from block to block, and leaves what it had in most of the others, so that tables
 * are emptied. Before each turn.
 */
const char *move_on(struct part *part);

/* Pages of this part: all of its chunk in a block of PLAIN or PATCHY, or a run of them */
struct piece own_chunk(struct part *part, unsigned int region);
struct piece own_piece(struct part *part, unsigned int region);
/* Any run of so many pages at most, within a table, of a shared region */
struct piece any_piece(struct part *part, unsigned int region, unsigned int most);
/* One of the shared regions that never lose anything */
unsigned int any_kept(struct part *part);
/* A part of a piece */
struct piece some_of(struct part *part, const struct piece *piece);
/* A table of a region */
struct piece any_block(struct part *part, unsigned int region);
struct pen *pen_of(struct part *part, const struct piece *piece);

/* madvise() of a piece; the errno that it may have besides EINTR and EAGAIN, or 0 */
const char *advise(const struct piece *piece, int advice, int excused);
/* Give a private piece back. */
const char *give_back(struct part *part, const struct piece *piece);

/*
 * Touch what may be cut off meanwhile: what fn() said, or NULL if there was SIGBUS. What it writes
 * down must make sense when it did not get to its end.
 */
const char *touch(const char *(*fn)(struct part *part, void *arg), struct part *part, void *arg);
void catch_signals(void);

/* Run a crew, or the world, to its end; for a process of its own. */
void crew_run(unsigned int crew, const bool *chosen);

extern const struct actor use_actor, fork_actor, exit_actor, mremap_actor, munmap_actor,
	truncate_actor, punch_actor, madvise_actor, guard_actor, protect_actor, uffd_fill_actor,
	uffd_wp_actor, uffd_move_actor, ksm_actor, ksmd_actor, collapse_actor, swap_actor,
	swapoff_actor, memcg_actor, move_pages_actor, compact_actor, gup_actor, pin_actor,
	peek_actor, direct_actor, look_actor, hold_actor, knobs_actor, drop_caches_actor;

/* All of them; the last one is NULL. */
extern const struct actor *const actors[];

#endif /* _FREEPTE_STORM_H */
