/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a test is judged by: the excess, which is the tables that a process holds less those that
 * it needs, must be nothing again after a moment.
 */
#ifndef _FREEPTE_ACCOUNT_H
#define _FREEPTE_ACCOUNT_H

#include <stdbool.h>
#include <sys/types.h>

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

/* How they stand as soon as the excess is 0, or when that took too long. */
struct balance account_settle(const struct account *account);

/*
 * Wait until the reclaimer had its chance at all tables of the caller's that are empty now. NULL, or
 * what is wrong.
 */
const char *reclaimer_wait(void);

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

/* The account of the caller itself, most often the one */
extern struct account own_account;

#define EXPECT_EXCESS_0()		EXPECT_EXCESS_0_OF(&own_account)
#define ASSERT_TABLES_GREW(number)	ASSERT_TABLES_GREW_OF(&own_account, number)

/* The tables that are left must be those that are needed, and stay: for what must not be freed. */
#define EXPECT_KEPT(number) do {							\
	EXPECT_EQ(NULL, reclaimer_wait());						\
	EXPECT_EQ((long)(number), account_grew(&own_account));				\
} while (0)

#endif /* _FREEPTE_ACCOUNT_H */
