// SPDX-License-Identifier: GPL-2.0
/*
 * The excess of a process, and waiting for it to go.
 */
#define _GNU_SOURCE
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include "account.h"
#include "deadline.h"
#include "knobs.h"
#include "sentinel.h"
#include "tables.h"

/* Some times the delay after which the reclaimer looks at a table */
#define OFF_MS		300
#define OTHERS_TRIES	3

/* More stack than a test takes */
#define STACK		(32 * PAGE)

struct account own_account;

struct balance account_balance(const struct account *account)
{
	struct balance balance;

	balance.held = tables_held(account->pid);
	balance.needed = tables_needed(account->pid);
	balance.excess = balance.held - balance.needed - account->base;
	balance.ms = 0;
	return balance;
}

struct balance account_settle(const struct account *account)
{
	struct deadline deadline;
	struct balance balance;

	deadline_set(&deadline, WAIT_MS + reclaimer_delay());
	do {
		balance = account_balance(account);
		balance.ms = deadline_waited(&deadline);
	} while (balance.excess && deadline_wait(&deadline));
	return balance;
}

const char *reclaimer_wait(void)
{
	/* Nothing shows when it would have come, were it on: it is not, for longer than its delay. */
	if (knob_read("enabled") == 0) {
		sleep_ms(OFF_MS);
		return NULL;
	}
	return sentinel_wait();
}

static int touch_object(struct dl_phdr_info *object, size_t size, void *arg)
{
	int i;

	for (i = 0; i < object->dlpi_phnum; i++) {
		const Elf64_Phdr *segment = &object->dlpi_phdr[i];
		uintptr_t start = object->dlpi_addr + segment->p_vaddr;
		uintptr_t page = start & ~(PAGE - 1);

		if (segment->p_type == PT_LOAD && segment->p_flags & PF_R)
			read_pages((char *)page, start + segment->p_memsz - page, PAGE);
	}
	return 0;
}

static void touch_stack(void)
{
	char room[STACK];

	explicit_bzero(room, sizeof(room));
}

void touch_program(void)
{
	dl_iterate_phdr(touch_object, NULL);
	touch_stack();
}

void account_open(struct account *account, pid_t pid)
{
	struct balance balance;
	int tries;

	if (!pid)
		touch_program();
	if (!sentinel_place())
		abort();
	account->pid = pid;
	account->base = 0;
	/* What counting itself takes is to be there before it is counted. */
	account_balance(account);
	/*
	 * A process that was just forked may have tables that are still to be freed. Those of the
	 * caller are gone after the first wait, those of another most likely after some.
	 */
	for (tries = pid ? OTHERS_TRIES : 1; ; tries--) {
		balance = account_balance(account);
		if (!balance.excess || !tries || sentinel_wait())
			break;
	}
	account->base = balance.excess;
	account->held = balance.held;
}

long account_grew(const struct account *account)
{
	return tables_held(account->pid) - account->held;
}
