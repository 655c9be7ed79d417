// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/mm/free_user_pte and the counters: what they take, and what they do.
 */
#include "harness.h"

#include "account.h"
#include "deadline.h"
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

/*
 * Whether what had to be done before the delay is over was done when half of it was. By the clock
 * that the kernel goes by, too: who was too slow has to do it again, with a longer delay.
 */
static bool in_time(long start)
{
	return 2 * (now_ms() - start) < reclaimer_delay();
}

/* Hints that were left before it was switched off wait until it is on again. */
TEST_F(knobs, off_while_hints_wait)
{
	long start;

	do {
		ASSERT_EQ(0, knob_write("enabled", 1));
		EXPECT_EXCESS_0();
		ASSERT_TRUE(reclaimer_delay_more());
		fill(_metadata, self->area);
		start = now_ms();
		ASSERT_EQ(0, empty(self->area));
		ASSERT_EQ(0, knob_write("enabled", 0));
	} while (!in_time(start));
	/* They are looked at, and left alone. */
	sleep_ms(2 * reclaimer_delay());
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
	long start, grew;

	do {
		EXPECT_EXCESS_0();
		ASSERT_TRUE(reclaimer_delay_more());
		fill(_metadata, self->area);
		start = now_ms();
		ASSERT_EQ(0, empty(self->area));
		sleep_ms(reclaimer_delay() / 4);
		grew = account_grew(&own_account);
	} while (!in_time(start));
	EXPECT_EQ(TABLES, grew);
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* Empty tables do not pile up, however long the delay. */
TEST_F(knobs, many_do_not_wait)
{
	const size_t size = MANY * TABLE_SPAN;
	struct deadline deadline;

	ASSERT_EQ(0, knob_write("delay_ms", 60000));
	write_pages(self->area, size, STEP);
	ASSERT_TABLES_GREW(MANY);
	ASSERT_EQ(0, advise_pieces(self->area, size, PIECE, MADV_DONTNEED));
	deadline_set(&deadline, WAIT_MS);
	while (account_grew(&own_account) > MANY / 4 && deadline_wait(&deadline))
		;
	EXPECT_GE(MANY / 4, account_grew(&own_account));
	/* Hints that are left wait for as long as they were told to. */
	ASSERT_EQ(0, madvise(self->area, size, MADV_DONTNEED));
	EXPECT_EXCESS_0();
}

/* A table that is filled again in time was spared. */
TEST_F(knobs, filled_again_in_time)
{
	long start, deferred;

	do {
		EXPECT_EQ(NULL, reclaimer_wait());
		ASSERT_TRUE(reclaimer_delay_more());
		write_pages(self->area, SIZE, STEP);
		deferred = vm_counter("pte_table_free_deferred");
		start = now_ms();
		ASSERT_EQ(0, empty(self->area));
		write_pages(self->area, SIZE, STEP);
	} while (!in_time(start));
	EXPECT_KEPT(TABLES);
	/* The sentinel is freed, and others in the system may free some of theirs. */
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

static long freed_in_all(void)
{
	return vm_counter("pte_table_free_deferred") + vm_counter("pte_table_free_sync");
}

/*
 * The delay spares a table that is in use all the time: freed once per delay at most. The delay is
 * one in which it is emptied far more often than once, on this machine.
 */
TEST_F(knobs, a_table_in_use_is_spared)
{
	const long loops = 1000, delays = 5, other = 4;
	long start, freed, hints, ms, delay, i;

	ASSERT_EQ(0, knob_write("delay_ms", 50));
	do {
		ASSERT_TRUE(reclaimer_delay_more());
		delay = reclaimer_delay();
		hints = vm_counter("pte_table_hint");
		freed = freed_in_all();
		start = now_ms();
		for (i = 0; i < loops || now_ms() - start < delays * delay; i++) {
			write_pages(self->area, PAGE, PAGE);
			ASSERT_EQ(0, madvise(self->area, PAGE, MADV_DONTNEED));
		}
		freed = freed_in_all() - freed;
		hints = vm_counter("pte_table_hint") - hints;
		ms = now_ms() - start;
	} while (ms > 2 * delays * delay);

	/* A hint is left each time that it was looked at. */
	EXPECT_LE(1, hints);
	EXPECT_GE(ms / delay + 1 + other, hints);
	EXPECT_GE(ms / delay + 1 + other, freed)
		TH_LOG("%ld freed in %ld ms, %ld hints, emptied %ld times", freed, ms, hints, i);
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_HARNESS_MAIN
