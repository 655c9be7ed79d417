// SPDX-License-Identifier: GPL-2.0
/*
 * storm --seconds N [--seed S] [--actors LIST] [--crews N]
 *
 * All at once, for so long: see storm.h. One result of TAP for each actor, which must have had a
 * turn, and one each for the data, the kernel's log, the end of all processes, and leaks.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "deadline.h"
#include "files.h"
#include "knobs.h"

#include "leak.h"
#include "scans.h"
#include "settings.h"
#include "storm.h"

/* How long to wait for actors who had no turn yet, when the time is over */
#define TURN_MS		120000
/* Processes that make no step for so long hang. */
#define END_MS		120000
#define LEAK_MS		60000

const struct actor *const actors[] = {
	&use_actor, &fork_actor, &exit_actor, &mremap_actor, &munmap_actor, &truncate_actor,
	&punch_actor, &madvise_actor, &guard_actor, &protect_actor, &uffd_fill_actor,
	&uffd_wp_actor, &uffd_move_actor, &ksm_actor, &ksmd_actor, &collapse_actor, &swap_actor,
	&swapoff_actor, &memcg_actor, &move_pages_actor, &compact_actor, &gup_actor, &pin_actor,
	&peek_actor, &direct_actor, &look_actor, &hold_actor, &knobs_actor, &drop_caches_actor,
	NULL
};

#define ACTORS	(ARRAY_SIZE(actors) - 1)

struct board *board;

static const struct counter {
	const char *name, *what;
} counters[] = {
	{ "pte_table_free_sync", "tables freed at once" },
	{ "pte_table_free_deferred", "tables freed by the reclaimer" },
	{ "pte_table_hint", "hints" },
	{ "pte_table_hint_overflow", "overflows" },
	{ "pte_table_rescan", "rescans" },
	{ "pte_table_busy", "empty tables that were in use" },
};

static struct {
	long seconds;
	bool wanted[ACTORS], runs[ACTORS];
	const char *lacks[ACTORS];
	long counted[ARRAY_SIZE(counters)];
	pid_t pids[CREWS + 1];
	const char *complaint;
	bool hangs, failed;
	int status;
} storm = { .seconds = 60 };

static void __noreturn refuse(const char *reason)
{
	unsigned int i;

	fprintf(stderr, "storm: %s\n", reason);
	fprintf(stderr, "usage: storm [--seconds N] [--seed S] [--actors NAME,...] [--crews N]\n");
	fprintf(stderr, "actors:");
	for (i = 0; i < ACTORS; i++)
		fprintf(stderr, " %s", actors[i]->name);
	fprintf(stderr, "\n");
	exit(2);
}

static void want_actors(char *list)
{
	unsigned int i;
	char *name;

	for (name = strtok(list, ","); name; name = strtok(NULL, ",")) {
		for (i = 0; i < ACTORS && strcmp(actors[i]->name, name); i++)
			;
		if (i == ACTORS)
			refuse("there is no such actor");
		storm.wanted[i] = true;
	}
}

static unsigned long number_of(const char *text)
{
	char *end;
	unsigned long number = strtoul(text, &end, 0);

	if (!*text || *end)
		refuse("this is no number");
	return number;
}

static void read_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 't' },
		{ "seed", required_argument, NULL, 's' },
		{ "actors", required_argument, NULL, 'a' },
		{ "crews", required_argument, NULL, 'c' },
		{ }
	};
	bool is_list = false;
	int option;

	board->seed = now_ms();
	board->nr_crews = 2;
	while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
		switch (option) {
		case 't':
			storm.seconds = number_of(optarg);
			break;
		case 's':
			board->seed = number_of(optarg);
			break;
		case 'a':
			want_actors(optarg);
			is_list = true;
			break;
		case 'c':
			board->nr_crews = number_of(optarg);
			break;
		default:
			refuse("there is no such option");
		}
	}
	if (optind < argc || storm.seconds <= 0 || !board->nr_crews || board->nr_crews > CREWS)
		refuse("that is out of range");
	if (!is_list)
		memset(storm.wanted, true, sizeof(storm.wanted));
}

static void choose_actors(void)
{
	unsigned int i;

	for (i = 0; i < ACTORS; i++) {
		if (!storm.wanted[i])
			continue;
		storm.lacks[i] = actors[i]->lacks ? actors[i]->lacks() : NULL;
		storm.runs[i] = !storm.lacks[i];
	}
}

static void count(bool is_end)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counters); i++)
		storm.counted[i] = vm_counter(counters[i].name) -
				   (is_end ? storm.counted[i] : 0);
}

static void start_crews(void)
{
	unsigned int crew;

	for (crew = 0; crew <= board->nr_crews; crew++) {
		storm.pids[crew] = fork();
		if (!storm.pids[crew])
			crew_run(crew, storm.runs);
		if (storm.pids[crew] < 0)
			ksft_exit_fail_msg("fork: %s\n", strerror(errno));
	}
}

static unsigned long turns_of(unsigned int actor, unsigned long *hits)
{
	unsigned long turns = 0;
	unsigned int crew;

	*hits = 0;
	for (crew = 0; crew <= board->nr_crews; crew++) {
		turns += __atomic_load_n(&board->tallies[crew][actor].turns, __ATOMIC_RELAXED);
		*hits += __atomic_load_n(&board->tallies[crew][actor].hits, __ATOMIC_RELAXED);
	}
	return turns;
}

static bool all_had_a_turn(void)
{
	unsigned long hits;
	unsigned int i;

	for (i = 0; i < ACTORS; i++)
		if (storm.runs[i] && !turns_of(i, &hits))
			return false;
	return true;
}

/* A crew that ends before the time is over has found something wrong. */
static bool crews_ended(bool all)
{
	unsigned int crew, ended = 0;

	for (crew = 0; crew <= board->nr_crews; crew++) {
		int status;

		if (storm.pids[crew] > 0 &&
		    waitpid(storm.pids[crew], &status, WNOHANG) == storm.pids[crew]) {
			storm.pids[crew] = 0;
			if (!storm.status)
				storm.status = status;
		}
		ended += !storm.pids[crew];
	}
	return all ? ended > board->nr_crews : ended;
}

static void look_at_kernel(void)
{
	if (!storm.complaint)
		storm.complaint = complaint();
}

static void rage(void)
{
	const long ms = storm.seconds * 1000;
	struct deadline deadline;

	deadline_set(&deadline, ms + TURN_MS);
	while (!over() && !what_went_wrong() && !storm.complaint && !crews_ended(false)) {
		if (deadline_waited(&deadline) >= ms &&
		    (all_had_a_turn() || deadline_passed(&deadline)))
			break;
		sleep_ms(200);
		look_at_kernel();
	}
	__atomic_store_n(&board->is_over, true, __ATOMIC_RELAXED);
}

static void tell_who_hangs(void)
{
	unsigned int crew, i;

	for (crew = 0; crew <= board->nr_crews; crew++) {
		const bool is_world = crew == board->nr_crews;

		if (storm.pids[crew])
			ksft_print_msg("process %d hangs\n", storm.pids[crew]);
		for (i = 0; i < ACTORS; i++)
			if (storm.pids[crew] && storm.runs[i] &&
			    actors[i]->world == is_world &&
			    !board->tallies[crew][i].has_ended)
				ksft_print_msg("its %s has not ended\n", actors[i]->name);
	}
	/* What they wait for goes to the kernel's log. */
	file_write("/proc/sysrq-trigger", "w");
	for (crew = 0; crew <= board->nr_crews; crew++)
		if (storm.pids[crew] > 0)
			kill(storm.pids[crew], SIGKILL);
}

static void end_crews(void)
{
	struct deadline deadline;
	unsigned long last = 0;

	deadline_set(&deadline, END_MS);
	while (!crews_ended(true)) {
		unsigned long steps = __atomic_load_n(&board->steps, __ATOMIC_RELAXED);

		if (steps != last) {
			last = steps;
			deadline_set(&deadline, END_MS);
		} else if (deadline_passed(&deadline)) {
			/* Nor do they die when they are told to. */
			if (storm.hangs)
				break;
			storm.hangs = true;
			tell_who_hangs();
			deadline_set(&deadline, END_MS);
		}
		sleep_ms(50);
	}
}

static void result(bool good, const char *name, const char *reason)
{
	if (!good) {
		storm.failed = true;
		if (reason)
			ksft_print_msg("%s: %s\n", name, reason);
	}
	ksft_test_result(good, "%s\n", name);
}

static void print_counters(void)
{
	unsigned int i;

	if (!have_free_user_pte()) {
		ksft_print_msg("no tables are freed here, but by PT_RECLAIM\n");
		return;
	}
	for (i = 0; i < ARRAY_SIZE(counters); i++)
		ksft_print_msg("%ld %s\n", storm.counted[i], counters[i].what);
	scans_print();
}

static void report_actors(void)
{
	unsigned long turns, hits;
	unsigned int i;

	for (i = 0; i < ACTORS; i++) {
		if (!storm.wanted[i])
			continue;
		if (storm.lacks[i]) {
			ksft_test_result_skip("actor %s # %s\n", actors[i]->name, storm.lacks[i]);
			continue;
		}
		turns = turns_of(i, &hits);
		if (actors[i]->hits)
			ksft_print_msg("%s: %lu turns, %lu %s\n", actors[i]->name, turns, hits,
				       actors[i]->hits);
		else
			ksft_print_msg("%s: %lu turns\n", actors[i]->name, turns);
		ksft_test_result(turns, "actor %s\n", actors[i]->name);
		storm.failed |= !turns;
	}
}

static void report(void)
{
	const char *leak = leak_end(LEAK_MS);

	look_at_kernel();
	print_counters();
	leak_print();
	report_actors();
	result(!what_went_wrong(), "data", what_went_wrong());
	result(!storm.complaint, "kernel", storm.complaint);
	if (!storm.hangs && storm.status)
		ksft_print_msg("a process ended with status %#x\n", storm.status);
	result(!storm.hangs && !storm.status, "end", storm.hangs ? "some hung" : NULL);
	result(!leak, "leaks", leak);
}

int main(int argc, char **argv)
{
	unsigned int i, plan = 4;
	const char *reason;

	board = mmap(NULL, sizeof(*board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	if (board == MAP_FAILED)
		ksft_exit_fail_msg("mmap: %s\n", strerror(errno));
	board->zram.number = -1;
	read_options(argc, argv);
	ksft_print_header();
	if (geteuid())
		ksft_exit_skip("needs root\n");
	ksft_print_msg("%ld s, --seed %llu, %u crews\n", storm.seconds,
		       (unsigned long long)board->seed, board->nr_crews);

	leak_begin();
	reason = stage_open();
	if (reason)
		ksft_exit_skip("%s\n", reason);
	settings_turn();
	hazard_begin(0);
	choose_actors();
	for (i = 0; i < ACTORS; i++)
		plan += storm.wanted[i];
	ksft_set_plan(plan);
	count(false);
	fflush(NULL);

	start_crews();
	/* The crews have no thread of ours. */
	scans_begin();
	rage();
	end_crews();

	scans_end();
	count(true);
	hazard_end();
	zram_remove(&board->zram);
	stage_close();
	report();
	settings_restore();
	if (storm.failed)
		ksft_exit_fail();
	ksft_finished();
}
