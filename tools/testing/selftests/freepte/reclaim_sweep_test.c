// SPDX-License-Identifier: GPL-2.0
/*
 * Empty tables are bounded in number, however fast they are made: a process that goes through
 * its address space, and gives back what it has touched, never holds many.
 */
#include "harness.h"

#include "account.h"
#include "tables.h"

#define TABLES	511
#define ROUNDS	4
#define PIECE	(64UL << 10)
/* 1 MiB of them */
#define LIMIT	256

TEST(sweep)
{
	long held, most = 0;
	int round, i;

	for (round = 0; round < ROUNDS; round++) {
		char *area = arena(TABLES * TABLE_SPAN);

		ASSERT_NE(NULL, area);
		ASSERT_NE(NULL, map_anon(area, TABLES * TABLE_SPAN));
		account_open(&own_account, 0);
		for (i = 0; i < TABLES; i++) {
			char *piece = area + i * TABLE_SPAN + PIECE;

			write_pages(piece, PIECE, PIECE / 4);
			ASSERT_EQ(0, madvise(piece, PIECE, MADV_DONTNEED));
			if (i % 16)
				continue;
			held = account_grew(&own_account);
			if (most < held)
				most = held;
		}
		ASSERT_EQ(0, entries_in(0, area, TABLES * TABLE_SPAN));
		EXPECT_EXCESS_0();
	}
	TH_LOG("at most %ld tables were held", most);
	/* Else this shows nothing. */
	EXPECT_LE(1, most);
	EXPECT_GE(LIMIT, most);
}

TEST_HARNESS_MAIN
