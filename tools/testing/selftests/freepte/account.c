// SPDX-License-Identifier: GPL-2.0
/*
 * The excess of a process, and waiting for it to go.
 */
#include "account.h"
#include "knobs.h"
#include "tables.h"

/* Checks make everything slower, by about so much. */
#define DEBUG_SCALE	5
#define POLL_MS		5

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

void account_open(struct account *account, pid_t pid)
{
	struct balance balance;

	account->pid = pid;
	account->base = 0;
	/* A process that was just forked may have tables that are still to be freed. */
	balance = settle(account, scaled_ms(300));
	account->base = balance.excess;
	account->held = balance.held;
}

long account_grew(const struct account *account)
{
	return tables_held(account->pid) - account->held;
}
