// SPDX-License-Identifier: GPL-2.0
/*
 * The memory and the files that the storm goes over.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ext4.h"
#include "files.h"

#include "storm.h"
#include "uapi.h"

/* Tables of each region. Small, so that they are emptied and filled again all the time. */
#define BLOCKS		8
/* Tables of PLAIN that khugepaged may collapse by itself */
#define HUGE_BLOCKS	2
#define REGION_SIZE	(BLOCKS * TABLE_SPAN)

struct region regions[REGIONS] = {
	[PLAIN] = { .name = "plain", .fd = -1 },
	[PATCHY] = { .name = "patchy", .fd = -1 },
	[KEPT] = { .name = "kept", .fd = -1 },
	[CUT] = { .name = "cut", .fd = -1, .vanishes = true },
	[DISK] = { .name = "disk", .fd = -1 },
};

static struct ext4 ext4 = { .root = -1 };
static const char *no_disk;

static int open_disk(void)
{
	int fd;

	no_disk = ext4_make(&ext4, 4 * REGION_SIZE);
	if (no_disk)
		return -1;
	fd = openat(ext4.root, "disk", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || ftruncate(fd, REGION_SIZE))
		no_disk = "no file on ext4";
	return fd;
}

const char *stage_open(void)
{
	unsigned int i;

	for (i = 0; i < REGIONS; i++) {
		regions[i].id = i;
		regions[i].pages = REGION_SIZE / PAGE;
	}
	regions[KEPT].fd = shmem_file(REGION_SIZE);
	regions[CUT].fd = shmem_file(REGION_SIZE);
	regions[DISK].fd = open_disk();
	return regions[KEPT].fd < 0 || regions[CUT].fd < 0 ? "no shared memory" : NULL;
}

void stage_close(void)
{
	unsigned int i;

	for (i = 0; i < REGIONS; i++)
		if (regions[i].fd >= 0)
			close(regions[i].fd);
	ext4_remove(&ext4);
}

const char *stage_map(void)
{
	char *addr = arena(REGIONS * REGION_SIZE);
	unsigned int i;

	if (!addr)
		return wrong("no room for an arena");
	for (i = 0; i < REGIONS; i++, addr += REGION_SIZE) {
		struct region *region = &regions[i];

		if (region_lacks(i))
			continue;
		region->addr = region->fd < 0 ? map_anon(addr, REGION_SIZE) :
			       map_file(addr, REGION_SIZE, region->fd, MAP_SHARED);
		if (!region->addr)
			return wrong("%s cannot be mapped: %m", region->name);
	}
	addr = regions[PLAIN].addr + (BLOCKS - HUGE_BLOCKS) * TABLE_SPAN;
	if (madvise(addr, HUGE_BLOCKS * TABLE_SPAN, MADV_HUGEPAGE) && errno != EINVAL)
		return wrong("MADV_HUGEPAGE: %m");
	return NULL;
}

const char *region_lacks(unsigned int region)
{
	return region == DISK ? no_disk : NULL;
}

int stage_disk(void)
{
	return no_disk ? -1 : ext4.root;
}

/* How many turns of anybody until the crew is at the next block: about one of each part */
#define STAY	PARTS

static unsigned long crew_turns;

static unsigned int here(void)
{
	return __atomic_load_n(&crew_turns, __ATOMIC_RELAXED) / STAY % BLOCKS;
}

/* Most of the time where all the others are */
static unsigned int some_block(struct part *part)
{
	return one_in(&part->random, 4) ? pick(&part->random, BLOCKS) : here();
}

static const char *leave(struct part *part, unsigned int region, unsigned int block)
{
	struct piece chunk = {
		.region = &regions[region],
		.page = block * ENTRIES + part->number * CHUNK,
		.count = CHUNK,
	};
	const char *_wrong = check_written(pen_of(part, &chunk), &chunk);

	return _wrong ? _wrong : give_back(part, &chunk);
}

const char *move_on(struct part *part)
{
	const char *_wrong = NULL;
	unsigned int block;

	__atomic_fetch_add(&crew_turns, 1, __ATOMIC_RELAXED);
	if (part->block == here())
		return NULL;
	part->block = here();
	for (block = 0; !_wrong && block < BLOCKS; block++) {
		if (block == part->block || one_in(&part->random, 4))
			continue;
		_wrong = leave(part, PLAIN, block);
		if (!_wrong)
			_wrong = leave(part, PATCHY, block);
	}
	return _wrong;
}

struct piece own_chunk(struct part *part, unsigned int region)
{
	return (struct piece){
		.region = &regions[region],
		.page = some_block(part) * ENTRIES + part->number * CHUNK,
		.count = CHUNK,
	};
}

struct piece own_piece(struct part *part, unsigned int region)
{
	struct piece chunk = own_chunk(part, region);

	return some_of(part, &chunk);
}

struct piece some_of(struct part *part, const struct piece *piece)
{
	unsigned int skip = pick(&part->random, piece->count);

	return (struct piece){
		.region = piece->region,
		.page = piece->page + skip,
		.count = 1 + pick(&part->random, piece->count - skip),
	};
}

struct piece any_piece(struct part *part, unsigned int region, unsigned int most)
{
	unsigned int first = pick(&part->random, ENTRIES - most + 1);

	return (struct piece){
		.region = &regions[region],
		.page = some_block(part) * ENTRIES + first,
		.count = 1 + pick(&part->random, most),
	};
}

unsigned int any_kept(struct part *part)
{
	return region_lacks(DISK) || one_in(&part->random, 2) ? KEPT : DISK;
}

struct piece any_block(struct part *part, unsigned int region)
{
	return (struct piece){
		.region = &regions[region],
		.page = some_block(part) * ENTRIES,
		.count = ENTRIES,
	};
}

struct pen *pen_of(struct part *part, const struct piece *piece)
{
	return &part->pens[piece->region->id];
}

const char *advise(const struct piece *piece, int advice, int excused)
{
	if (!madvise(piece_addr(piece), piece_size(piece), advice) || errno == excused ||
	    errno == EINTR || errno == EAGAIN)
		return NULL;
	return wrong("%s: madvise(%d) of %s: %m", self->actor->name, advice, piece->region->name);
}

const char *give_back(struct part *part, const struct piece *piece)
{
	forget(pen_of(part, piece), piece);
	return advise(piece, MADV_DONTNEED, 0);
}
