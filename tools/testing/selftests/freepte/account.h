/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test is judged by: the excess, which is the tables that a process holds less those that
 * it needs, must be nothing again within a second.
 */
#ifndef _FREEPTE_ACCOUNT_H
#define _FREEPTE_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

/* An empty table must be gone after so long, on a kernel that checks nothing else */
#define SETTLE_MS	1000
/* Some times the delay after which the reclaimer looks at a table */
#define KEEP_MS		300

struct account {
	pid_t pid;	/* 0: the caller */
	long held;	/* tables held when it was opened */
	long base;	/* excess that was there before; 0 but for pages that pagemap hides */
};

struct balance {
	long held;
	long needed;
	long excess;
	long ms;	/* how long it took, or was waited for */
};

/*
 * Have the tables of the caller's text, data and stack. A child inherits none for what is only
 * read, and the blocks in which all this lies are random: a table that came later would be taken
 * for one of the test.
 */
void touch_program(void);

/* Open the account of a process, when it is at rest: of the caller if @pid is 0. */
void account_open(struct account *account, pid_t pid);

/* Tables that came since; fewer are negative. */
long account_grew(const struct account *account);

/* How things stand now. */
struct balance account_balance(const struct account *account);

/* How they stand as soon as the excess is 0, or when the time is over. */
struct balance account_settle(const struct account *account);

/* Milliseconds that are as long, in work done, on a kernel that checks much */
long scaled_ms(long ms);

#define EXPECT_EXCESS_0_OF(account) do {						\
	struct balance _balance = account_settle(account);				\
											\
	EXPECT_EQ(0, _balance.excess)							\
		TH_LOG("%ld tables held, %ld needed, excess %ld after %ld ms",		\
		       _balance.held, _balance.needed, _balance.excess, _balance.ms);	\
} while (0)

#define ASSERT_TABLES_GREW_OF(account, number) do {					\
	long _grew = account_grew(account);						\
											\
	ASSERT_EQ((long)(number), _grew)						\
		TH_LOG("the tables that this test is about are not there");		\
} while (0)

/* The tables that are left must be those that are needed, and stay: for what must not be freed. */
#define EXPECT_KEPT_OF(account, number) do {						\
	sleep_ms(KEEP_MS);								\
	EXPECT_EQ((long)(number), account_grew(account));				\
} while (0)

/* The account of the caller itself, most often the one */
extern struct account own_account;

#define EXPECT_EXCESS_0()		EXPECT_EXCESS_0_OF(&own_account)
#define ASSERT_TABLES_GREW(number)	ASSERT_TABLES_GREW_OF(&own_account, number)
#define EXPECT_KEPT(number)		EXPECT_KEPT_OF(&own_account, number)

#endif /* _FREEPTE_ACCOUNT_H */
