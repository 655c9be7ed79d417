// SPDX-License-Identifier: GPL-2.0
/*
 * The excess of a process, and waiting for it to go.
 */
#define _GNU_SOURCE
#include <link.h>
#include <string.h>

#include "account.h"
#include "knobs.h"
#include "tables.h"

/* Checks make everything slower, by about so much. */
#define DEBUG_SCALE	5
#define POLL_MS		5

/* More stack than a test takes */
#define STACK		(32 * PAGE)

struct account own_account;

long scaled_ms(long ms)
{
	return have_debug_knobs() ? DEBUG_SCALE * ms : ms;
}

struct balance account_balance(const struct account *account)
{
	struct balance balance;

	balance.held = tables_held(account->pid);
	balance.needed = tables_needed(account->pid);
	balance.excess = balance.held - balance.needed - account->base;
	balance.ms = 0;
	return balance;
}

static struct balance settle(const struct account *account, long limit)
{
	long start = now_ms();
	struct balance balance;

	for (;;) {
		balance = account_balance(account);
		balance.ms = now_ms() - start;
		if (!balance.excess || balance.ms >= limit)
			return balance;
		sleep_ms(POLL_MS);
	}
}

struct balance account_settle(const struct account *account)
{
	return settle(account, scaled_ms(SETTLE_MS));
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

	if (!pid)
		touch_program();
	account->pid = pid;
	account->base = 0;
	/* What counting itself takes is to be there before it is counted. */
	account_balance(account);
	/* A process that was just forked may have tables that are still to be freed. */
	balance = settle(account, scaled_ms(300));
	account->base = balance.excess;
	account->held = balance.held;
}

long account_grew(const struct account *account)
{
	return tables_held(account->pid) - account->held;
}
