// SPDX-License-Identifier: GPL-2.0
/*
 * mincore()
 */
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "storm/random.h"
#include "tables.h"
#include "walk/mincore.h"

#define MOST		0x100000UL	/* pages */
#define BEHIND		16
#define UNTOUCHED	0xa5
#define PARTS		200

static unsigned char answer[MOST + BEHIND];

static long ask(uint64_t start, size_t size, void *to)
{
	return syscall(__NR_mincore, start, size, to);
}

static void note_ask(struct transcript *to, uint64_t start, size_t size)
{
	const size_t room = (size + PAGE - 1) / PAGE + BEHIND;

	memset(answer, UNTOUCHED, room);
	note_returned(to, ask(start, size, answer), "mincore");
	note(to, answer, room, "mincore of %zu bytes at %#llx", size, (unsigned long long)start);
}

void note_mincore(struct transcript *to, uint64_t start, uint64_t end)
{
	const uint64_t pages = (end - start) / PAGE;
	struct random random;
	uint64_t at;
	int i;

	note_ask(to, start, end - start);
	/* Holes make the whole fail: the same from each table on */
	for (at = start; at < end; at += TABLE_SPAN)
		note_ask(to, at, end - at < TABLE_SPAN ? end - at : TABLE_SPAN);
	random_seed(&random, pages, 0);
	for (i = 0; i < PARTS; i++) {
		uint64_t from = pick(&random, pages), size = pick(&random, pages - from) + 1;

		/* From one page to some tables; most sizes are no multiple of a page. */
		if (size > 3 * ENTRIES)
			size = pick(&random, 3 * ENTRIES) + 1;
		size = size * PAGE - (one_in(&random, 3) ? 0 : pick(&random, PAGE));
		note_ask(to, start + from * PAGE, size);
	}
}

void note_mincore_errors(struct transcript *to, uint64_t start, uint64_t end)
{
	char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
			   0);

	note_ask(to, start + 1, PAGE);
	note_ask(to, start + PAGE - 1, PAGE);
	note_ask(to, start, 0);
	note_ask(to, 0xffff888000000000, PAGE);
	note_ask(to, 0xffffffffff600000, PAGE);
	note_ask(to, 0x7ffffffff000, PAGE);
	note_ask(to, 0x7fffffffe000, 4 * PAGE);
	note_returned(to, ask(start, ~0UL - PAGE, answer), "mincore of all");
	note_returned(to, ask(start, end - start, (void *)16), "to an address that is none");
	note_returned(to, ask(start, PAGE, (void *)0xffff888000000000), "to the kernel");
	if (pages == MAP_FAILED || munmap(pages + PAGE, PAGE))
		return;
	memset(pages, UNTOUCHED, PAGE);
	/* In an area without holes, such as this one, what fits is written. */
	note_returned(to, ask((uintptr_t)answer & -PAGE, 64 * PAGE, pages + PAGE - 24),
		      "to the end of an area");
	note(to, pages, PAGE, "what is at the end of an area");
	munmap(pages, PAGE);
}
