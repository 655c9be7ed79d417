// SPDX-License-Identifier: GPL-2.0
/*
 * What is written to pages.
 */
#include <sys/mman.h>

#include "hazard.h"
#include "tables.h"

#include "storm.h"

/* Of what a pen wrote last: it may be gone by now */
#define MAY_VANISH	0x80000000U

/* From the top, bits of: turn 31, writer 7, region 3, page 13, check 10 */
#define TURN_SHIFT	33
#define WRITER_SHIFT	26
#define REGION_SHIFT	23
#define PAGE_SHIFT	10

static __u64 checksum(__u64 word)
{
	return (word >> PAGE_SHIFT) * 0x9e3779b97f4a7c15ULL >> (64 - PAGE_SHIFT);
}

static __u64 make_stamp(unsigned int region, unsigned int page, unsigned int writer, __u32 turn)
{
	__u64 word = (__u64)turn << TURN_SHIFT;

	word |= (__u64)writer << WRITER_SHIFT;
	word |= (__u64)region << REGION_SHIFT;
	word |= (__u64)page << PAGE_SHIFT;
	return word | checksum(word);
}

static __u32 turn_of(__u64 word)
{
	return word >> TURN_SHIFT;
}

/* No stamp has the turn 0. */
static __u64 stamp_of(const struct pen *pen, unsigned int page, __u32 turn)
{
	return turn ? make_stamp(pen->region->id, page, pen->writer, turn) : 0;
}

bool pen_take(struct pen *pen, struct region *region, unsigned int writer)
{
	size_t size = region->pages * sizeof(*pen->last);

	pen->region = region;
	pen->writer = writer;
	/* The first turns are for those who stamp in our name. */
	pen->turn = 16;
	pen->last = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return pen->last != MAP_FAILED;
}

char *page_at(const struct region *region, unsigned int page)
{
	return region->addr + page * PAGE;
}

char *piece_addr(const struct piece *piece)
{
	return page_at(piece->region, piece->page);
}

size_t piece_size(const struct piece *piece)
{
	return piece->count * PAGE;
}

static __u64 *word_of(const struct pen *pen, unsigned int page, int end)
{
	__u64 *words = (__u64 *)page_at(pen->region, page);

	return words + (end ? WORDS - 1 - pen->writer : pen->writer);
}

void stamp(struct pen *pen, const struct piece *piece)
{
	unsigned int page;

	for (page = piece->page; page < piece->page + piece->count; page++) {
		__u64 word = stamp_of(pen, page, ++pen->turn);

		/* By now it need not be the old one. */
		pen->last[page] |= MAY_VANISH;
		word_write(word_of(pen, page, 0), word);
		word_write(word_of(pen, page, 1), word);
		pen->last[page] = pen->turn;
	}
}

static const char *check_page(struct pen *pen, unsigned int page, unsigned int here)
{
	bool vanishes = pen->region->vanishes || pen->last[page] & MAY_VANISH;
	__u64 wanted = stamp_of(pen, page, pen->last[page] & ~MAY_VANISH);
	int end;

	for (end = 0; end < 2; end++) {
		__u64 word = word_read(word_of(pen, here, end));

		if (word != wanted && (word || !vanishes))
			return wrong("%s: %s, page %u, %p: %#llx (turn %u), not %#llx (turn %u)",
				     self->actor->name, pen->region->name, here,
				     word_of(pen, here, end), word, turn_of(word), wanted,
				     turn_of(wanted));
	}
	return NULL;
}

const char *check(struct pen *pen, const struct piece *piece)
{
	const char *_wrong = NULL;
	unsigned int page;

	for (page = piece->page; !_wrong && page < piece->page + piece->count; page++)
		_wrong = check_page(pen, page, page);
	return _wrong;
}

const char *check_written(struct pen *pen, const struct piece *piece)
{
	const char *_wrong = NULL;
	unsigned int page;

	for (page = piece->page; !_wrong && page < piece->page + piece->count; page++)
		if (pen->last[page])
			_wrong = check_page(pen, page, page);
	return _wrong;
}

void forget(struct pen *pen, const struct piece *piece)
{
	unsigned int page;

	for (page = piece->page; page < piece->page + piece->count; page++)
		pen->last[page] = 0;
}

void may_vanish(struct pen *pen, const struct piece *piece)
{
	unsigned int page;

	for (page = piece->page; page < piece->page + piece->count; page++)
		if (pen->last[page])
			pen->last[page] |= MAY_VANISH;
}

const char *check_moved(struct pen *pen, const struct piece *from, const struct piece *to)
{
	const char *_wrong = NULL;
	unsigned int i;

	for (i = 0; !_wrong && i < from->count; i++)
		_wrong = check_page(pen, from->page + i, to->page + i);
	stamp(pen, to);
	return _wrong;
}

void stamp_copy(const struct pen *pen, unsigned int page, __u32 turn, void *copy)
{
	__u64 *words = copy;

	words[pen->writer] = stamp_of(pen, page, turn);
	words[WORDS - 1 - pen->writer] = words[pen->writer];
}

void was_stamped(struct pen *pen, unsigned int page, __u32 turn)
{
	pen->last[page] = turn;
}

static bool may_be(const struct region *region, unsigned int page, __u64 word,
		   unsigned int index, int crew)
{
	unsigned int writer = index < WORDS / 2 ? index : WORDS - 1 - index;

	if (!word)
		return true;
	if (writer >= WRITERS || !turn_of(word))
		return false;
	if (region->fd < 0 && writer / PARTS != crew)
		return false;
	return word == make_stamp(region->id, page, writer, turn_of(word));
}

const char *check_words(const struct region *region, unsigned int page, const void *words,
			unsigned int first, unsigned int count, int crew)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		__u64 word = word_read((const __u64 *)words + i);

		if (!may_be(region, page, word, first + i, crew))
			return wrong("%s reads something foreign in page %u of %s, word %u: %#llx",
				     self->actor->name, page, region->name, first + i, word);
	}
	return NULL;
}
