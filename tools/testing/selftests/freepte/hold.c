// SPDX-License-Identifier: GPL-2.0
/*
 * References to tables, that the kernel takes and holds for those who test it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "deadline.h"
#include "files.h"
#include "hold.h"
#include "tables.h"

const char *hold_lacks(void)
{
	return access(HOLD, R_OK | W_OK) ? "no " HOLD ": nobody takes references on request" :
	       NULL;
}

int hold_table(pid_t pid, const void *addr, long ms)
{
	char text[96];

	snprintf(text, sizeof(text), "%d %#lx %ld", pid ? pid : getpid(), (unsigned long)addr, ms);
	return file_write(HOLD, text);
}

/* The three numbers, with words between them or not */
int holds_read(struct holds *holds)
{
	long *const numbers[] = { &holds->active, &holds->taken, &holds->refused };
	char text[256], *at = text;
	int err = file_read(HOLD, text, sizeof(text));
	unsigned int i;

	for (i = 0; !err && i < sizeof(numbers) / sizeof(*numbers); i++) {
		at += strcspn(at, "0123456789");
		if (!*at)
			return -EINVAL;
		*numbers[i] = strtol(at, &at, 10);
	}
	return err;
}

bool is_held(void)
{
	struct holds holds;

	return !holds_read(&holds) && holds.active;
}

bool holds_wait(long ms)
{
	struct deadline deadline;
	struct holds holds;

	deadline_set(&deadline, ms + WAIT_MS);
	do {
		if (holds_read(&holds))
			return false;
	} while (holds.active && deadline_wait(&deadline));
	return !holds.active;
}
