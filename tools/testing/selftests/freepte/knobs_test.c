// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/mm/free_user_pte and the counters: what they take, and what they do.
 */
#include "kselftest_harness.h"

#include "account.h"
#include "knobs.h"
#include "peer.h"
#include "tables.h"

/* So few that the ring of hints is not half full, when the delay is cut short; and more than that */
#define TABLES	12
#define MANY	64
#define SIZE	(TABLES * TABLE_SPAN)
#define PIECE	(64UL << 10)
#define STEP	(TABLE_SPAN / 8)

FIXTURE(knobs)
{
	struct peer peer;
	char *area;
};

FIXTURE_SETUP(knobs)
{
	if (!have_free_user_pte())
		SKIP(return, "no /sys/kernel/mm/free_user_pte (CONFIG_FREE_USER_PTE)");
	self->area = arena(MANY * TABLE_SPAN);
	ASSERT_NE(NULL, self->area);
	ASSERT_NE(NULL, map_anon(self->area, MANY * TABLE_SPAN));
	account_open(&own_account, 0);
}

FIXTURE_TEARDOWN(knobs)
{
	peer_stop(&self->peer);
	knobs_restore();
}

static void fill(struct __test_metadata *_metadata, char *area)
{
	write_pages(area, SIZE, STEP);
	ASSERT_TABLES_GREW(TABLES);
}

static long empty(void *area)
{
	return advise_pieces(area, SIZE, PIECE, MADV_DONTNEED);
}

TEST_F(knobs, defaults)
{
	EXPECT_EQ(1, knob_read("enabled"));
	EXPECT_EQ(100, knob_read("delay_ms"));
}

TEST_F(knobs, enabled_takes)
{
	static const char *const bad[] = { "\n", "x", "-1", "2", " 1" };
	unsigned int i;

	ASSERT_EQ(0, knob_write_text("enabled", "0\n"));
	EXPECT_EQ(0, knob_read("enabled"));
	ASSERT_EQ(0, knob_write_text("enabled", "1"));
	EXPECT_EQ(1, knob_read("enabled"));
	ASSERT_EQ(0, knob_write_text("enabled", "1\n"));
	EXPECT_EQ(1, knob_read("enabled"));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, knob_write_text("enabled", bad[i]))
			TH_LOG("\"%s\" was taken for a switch", bad[i]);
		EXPECT_EQ(1, knob_read("enabled"));
	}
}

TEST_F(knobs, delay_takes)
{
	static const char *const bad[] = { "\n", "x", "-1", "60001", "100ms", "1 2" };
	unsigned int i;

	ASSERT_EQ(0, knob_write("delay_ms", 0));
	EXPECT_EQ(0, knob_read("delay_ms"));
	ASSERT_EQ(0, knob_write("delay_ms", 60000));
	EXPECT_EQ(60000, knob_read("delay_ms"));
	ASSERT_EQ(0, knob_write_text("delay_ms", "77\n"));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-EINVAL, knob_write_text("delay_ms", bad[i]))
			TH_LOG("\"%s\" was taken for a delay", bad[i]);
		EXPECT_EQ(77, knob_read("delay_ms"));
	}
	EXPECT_GT(0, knob_write_text("delay_ms", "4294967296"));
	EXPECT_EQ(77, knob_read("delay_ms"));
}

/* Statistics are for reading. */
TEST_F(knobs, statistics_take_nothing)
{
	EXPECT_GT(0, knob_write("hints", 0));
	EXPECT_GT(0, knob_write("freed_deferred", 0));
}

TEST_F(knobs, off_keeps_then_on_frees)
{
	ASSERT_EQ(0, knob_write("enabled", 0));
	fill(_metadata, self->area);
	ASSERT_EQ(0, empty(self->area));
	ASSERT_EQ(0, entries_in(0, self->area, SIZE));
	EXPECT_KEPT(TABLES);
	ASSERT_EQ(0, knob_write("enabled", 1));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* What CONFIG_PT_RECLAIM did stays as it was. */
TEST_F(knobs, off_frees_whole_tables)
{
	ASSERT_EQ(0, knob_write("enabled", 0));
	fill(_metadata, self->area);
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_DONTNEED));
	EXPECT_EQ(0, account_grew(&own_account));
}

/* Hints that were left before it was switched off wait until it is on again. */
TEST_F(knobs, off_while_hints_wait)
{
	ASSERT_EQ(0, knob_write("delay_ms", scaled_ms(500)));
	fill(_metadata, self->area);
	ASSERT_EQ(0, empty(self->area));
	ASSERT_EQ(0, knob_write("enabled", 0));
	ASSERT_TABLES_GREW(TABLES);
	sleep_ms(scaled_ms(700));
	EXPECT_EQ(TABLES, account_grew(&own_account));
	ASSERT_EQ(0, knob_write("delay_ms", 100));
	ASSERT_EQ(0, knob_write("enabled", 1));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* The tables of all processes are looked for. */
TEST_F(knobs, on_frees_those_of_others)
{
	struct account child;

	fill(_metadata, self->area);
	ASSERT_EQ(0, peer_start(&self->peer));
	account_open(&child, self->peer.pid);
	ASSERT_EQ(0, knob_write("enabled", 0));
	ASSERT_EQ(0, peer_call(&self->peer, empty, self->area));
	ASSERT_EQ(0, entries_in(self->peer.pid, self->area, SIZE));
	EXPECT_EQ(0, account_grew(&child));
	ASSERT_EQ(0, knob_write("enabled", 1));
	EXPECT_EXCESS_0_OF(&child);
	EXPECT_EQ(-TABLES, account_grew(&child));
}

/* On again when it is on: no harm */
TEST_F(knobs, on_twice)
{
	fill(_metadata, self->area);
	ASSERT_EQ(0, knob_write("enabled", 1));
	ASSERT_EQ(0, knob_write("enabled", 0));
	ASSERT_EQ(0, knob_write("enabled", 0));
	ASSERT_EQ(0, knob_write("enabled", 1));
	EXPECT_KEPT(TABLES);
	EXPECT_TRUE(check_pages(self->area, SIZE, STEP));
}

TEST_F(knobs, delay_is_waited_for)
{
	ASSERT_EQ(0, knob_write("delay_ms", scaled_ms(600)));
	fill(_metadata, self->area);
	ASSERT_EQ(0, empty(self->area));
	sleep_ms(scaled_ms(200));
	EXPECT_EQ(TABLES, account_grew(&own_account));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* Empty tables do not pile up, however long the delay. */
TEST_F(knobs, many_do_not_wait)
{
	const size_t size = MANY * TABLE_SPAN;
	long end;

	ASSERT_EQ(0, knob_write("delay_ms", 60000));
	write_pages(self->area, size, STEP);
	ASSERT_TABLES_GREW(MANY);
	ASSERT_EQ(0, advise_pieces(self->area, size, PIECE, MADV_DONTNEED));
	end = now_ms() + scaled_ms(SETTLE_MS);
	while (account_grew(&own_account) > MANY / 4 && now_ms() < end)
		sleep_ms(5);
	EXPECT_GE(MANY / 4, account_grew(&own_account));
	/* Hints that are left wait for as long as they were told to. */
	ASSERT_EQ(0, madvise(self->area, size, MADV_DONTNEED));
	EXPECT_EXCESS_0();
}

/* A table that is filled again in time was spared. */
TEST_F(knobs, filled_again_in_time)
{
	long deferred;

	ASSERT_EQ(0, knob_write("delay_ms", scaled_ms(600)));
	fill(_metadata, self->area);
	deferred = vm_counter("pte_table_free_deferred");
	ASSERT_EQ(0, empty(self->area));
	write_pages(self->area, SIZE, STEP);
	ASSERT_TABLES_GREW(TABLES);
	sleep_ms(scaled_ms(800));
	EXPECT_EQ(TABLES, account_grew(&own_account));
	/* Others in the system may free some of theirs. */
	EXPECT_GT(deferred + TABLES, vm_counter("pte_table_free_deferred"));
	EXPECT_TRUE(check_pages(self->area, SIZE, STEP));
}

TEST_F(knobs, no_delay)
{
	ASSERT_EQ(0, knob_write("delay_ms", 0));
	fill(_metadata, self->area);
	ASSERT_EQ(0, empty(self->area));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_F(knobs, counters_rise)
{
	long sync, deferred, hints;

	fill(_metadata, self->area);
	sync = vm_counter("pte_table_free_sync");
	ASSERT_LE(0, sync);
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_LE(sync + TABLES, vm_counter("pte_table_free_sync"));

	fill(_metadata, self->area);
	deferred = vm_counter("pte_table_free_deferred");
	hints = vm_counter("pte_table_hint");
	ASSERT_LE(0, deferred);
	ASSERT_LE(0, hints);
	ASSERT_EQ(0, empty(self->area));
	EXPECT_EXCESS_0();
	EXPECT_LE(deferred + TABLES, vm_counter("pte_table_free_deferred"));
	EXPECT_LE(hints + TABLES, vm_counter("pte_table_hint"));
}

/* sysfs has them one by one. */
TEST_F(knobs, counters_have_two_names)
{
	static const char *const names[][2] = {
		{ "freed_at_once", "pte_table_free_sync" },
		{ "freed_deferred", "pte_table_free_deferred" },
		{ "hints", "pte_table_hint" },
		{ "overflows", "pte_table_hint_overflow" },
		{ "rescans", "pte_table_rescan" },
		{ "busy", "pte_table_busy" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		long before = vm_counter(names[i][1]);
		long seen = knob_read(names[i][0]);
		long after = vm_counter(names[i][1]);

		ASSERT_LE(0, before);
		EXPECT_LE(before, seen);
		EXPECT_GE(after, seen);
	}
}

/* A search of a span: what was emptied while it was off */
TEST_F(knobs, rescans_are_counted)
{
	long rescans = vm_counter("pte_table_rescan");

	ASSERT_LE(0, rescans);
	ASSERT_EQ(0, knob_write("enabled", 0));
	fill(_metadata, self->area);
	ASSERT_EQ(0, empty(self->area));
	ASSERT_EQ(0, knob_write("enabled", 1));
	EXPECT_EXCESS_0();
	EXPECT_LT(rescans, vm_counter("pte_table_rescan"));
}

/* The delay spares a table that is in use all the time: freed once per delay at most. */
TEST_F(knobs, a_table_in_use_is_spared)
{
	const long delay = 100, other = 4;
	long start, loops = 0, freed, hints, ms;

	ASSERT_EQ(0, knob_write("delay_ms", delay));
	hints = vm_counter("pte_table_hint");
	freed = vm_counter("pte_table_free_deferred") + vm_counter("pte_table_free_sync");
	start = now_ms();
	do {
		int i;

		for (i = 0; i < 100; i++) {
			write_pages(self->area, PAGE, PAGE);
			ASSERT_EQ(0, madvise(self->area, PAGE, MADV_DONTNEED));
		}
		loops += i;
		ms = now_ms() - start;
	} while (ms < 1500);
	freed = vm_counter("pte_table_free_deferred") + vm_counter("pte_table_free_sync") - freed;
	hints = vm_counter("pte_table_hint") - hints;

	/* The table was emptied so often, and a hint left each time that it was looked at. */
	ASSERT_LE(10 * ms / delay, loops);
	EXPECT_LE(1, hints);
	EXPECT_GE(ms / delay + 1 + other, hints);
	EXPECT_GE(ms / delay + 1 + other, freed)
		TH_LOG("%ld freed in %ld ms, %ld hints, emptied %ld times", freed, ms, hints, loops);
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_HARNESS_MAIN
