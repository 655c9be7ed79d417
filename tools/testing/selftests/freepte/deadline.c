// SPDX-License-Identifier: GPL-2.0
/*
 * Deadlines that are scaled to the machine.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "deadline.h"
#include "tables.h"

/*
 * What is measured is work of the kernel that takes no lock which those may hold who are waited for:
 * pages of a file in memory are allocated, filled and freed.
 */
#define ROUNDS		400
#define ROUND_PAGES	16

#define FIRST_PAUSE	5
#define LAST_PAUSE	100

static long work_ms(void)
{
	static char pages[ROUND_PAGES * PAGE];
	const long start = now_ms();
	int fd = memfd_create("work", MFD_CLOEXEC);
	int i;

	for (i = 0; i < ROUNDS; i++)
		if (pwrite(fd, pages, sizeof(pages), 0) != sizeof(pages) || ftruncate(fd, 0))
			break;
	close(fd);
	return now_ms() - start;
}

long (*deadline_work)(void) = work_ms;

void deadline_set(struct deadline *deadline, long ms)
{
	*deadline = (struct deadline){
		.start = now_ms(), .nominal = ms, .ms = ms, .pause = FIRST_PAUSE,
	};
}

long deadline_waited(const struct deadline *deadline)
{
	return now_ms() - deadline->start;
}

bool deadline_passed(struct deadline *deadline)
{
	long scaled;

	if (deadline_waited(deadline) < deadline->ms)
		return false;
	scaled = deadline->nominal * deadline_work() / WORK_MS;
	if (scaled > SLOWEST * deadline->nominal)
		scaled = SLOWEST * deadline->nominal;
	if (scaled > deadline->ms)
		deadline->ms = scaled;
	return deadline_waited(deadline) >= deadline->ms;
}

bool deadline_wait(struct deadline *deadline)
{
	if (deadline_passed(deadline))
		return false;
	sleep_ms(deadline->pause);
	if (deadline->pause < LAST_PAUSE)
		deadline->pause += deadline->pause / 4 + 1;
	return true;
}
