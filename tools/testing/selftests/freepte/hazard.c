// SPDX-License-Identifier: GPL-2.0
/*
 * Races on purpose: threads that do what is dangerous again and again while tables are freed.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kselftest.h"

#include "hazard.h"
#include "knobs.h"
#include "tables.h"

/* A race that was none goes on for so many times as long at most. */
#define MOST_TIMES	6
#define ENOUGH_FREED	100

static long sync_before, deferred_before;
static int kmsg = -1;

/* Seen by children, too */
static char *description;

long hazard_ms(void)
{
	const char *ms = getenv("FREEPTE_HAZARD_MS");

	return ms ? strtol(ms, NULL, 10) : 2500;
}

void hazard_begin(unsigned int flags)
{
	if (!description)
		description = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
				   -1, 0);
	if (description == MAP_FAILED)
		abort();
	description[0] = 0;

	if (have_free_user_pte()) {
		knob_write("enabled", 1);
		knob_write("delay_ms", flags & HAZARD_LAZY ? 1 : 0);
	}
	if (have_debug_knobs()) {
		knob_write("force_free", !(flags & HAZARD_LAZY));
		knob_write("fail_trylock", !!(flags & HAZARD_DEFER));
		knob_write("delay_us", 50);
	}

	if (kmsg < 0)
		kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (kmsg >= 0)
		lseek(kmsg, 0, SEEK_END);
	sync_before = vm_counter("pte_table_free_sync");
	deferred_before = vm_counter("pte_table_free_deferred");
}

void hazard_end(void)
{
	knobs_restore();
}

long freed_sync(void)
{
	return vm_counter("pte_table_free_sync") - sync_before;
}

long freed_deferred(void)
{
	return vm_counter("pte_table_free_deferred") - deferred_before;
}

long freed(void)
{
	return freed_sync() + freed_deferred();
}

static bool is_complaint(const char *line)
{
	static const char *const words[] = {
		"BUG: ", "WARNING: ", "Oops: ", "INFO: task ", "INFO: rcu", "UBSAN: ",
		"general protection fault", "kernel BUG at ", "bad pmd ", "Bad page ",
		"VM_FAULT_OOM leaked",
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(line, words[i]))
			return true;
	return false;
}

const char *complaint(void)
{
	static char line[8192];
	ssize_t len;

	if (kmsg < 0)
		return NULL;
	while ((len = read(kmsg, line, sizeof(line) - 1)) != 0) {
		char *text;

		if (len < 0) {
			/* Some lines were lost; or there are no more. */
			if (errno == EPIPE)
				continue;
			return NULL;
		}
		line[len] = 0;
		text = strchr(line, ';');
		if (!text || !is_complaint(text))
			continue;
		text[strcspn(text, "\n")] = 0;
		return text + 1;
	}
	return NULL;
}

const char *wrong(const char *format, ...)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	va_list args;

	pthread_mutex_lock(&lock);
	if (!description[0]) {
		va_start(args, format);
		vsnprintf(description, PAGE, format, args);
		va_end(args);
	}
	pthread_mutex_unlock(&lock);
	return description;
}

const char *what_went_wrong(void)
{
	return description[0] ? description : NULL;
}

static bool is_over;
static pthread_barrier_t start_line;

bool race_over(void)
{
	return __atomic_load_n(&is_over, __ATOMIC_RELAXED);
}

void race_stop(void)
{
	__atomic_store_n(&is_over, true, __ATOMIC_RELAXED);
}

static void *run(void *arg)
{
	struct racer *racer = arg;

	pthread_barrier_wait(&start_line);
	while (!race_over()) {
		if (racer->turn(racer))
			race_stop();
		__atomic_fetch_add(&racer->turns, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* On a machine that is busy with other things some may not even have started. */
static struct {
	long (*how)(void);
	long least;
} need;

void race_needs(long (*how)(void), long least)
{
	need.how = how;
	need.least = least;
}

static bool needs_met(void)
{
	return !have_free_user_pte() || !need.how || need.how() >= need.least;
}

bool race_was_run(long start)
{
	const long passed = now_ms() - start;

	return passed >= MOST_TIMES * HAZARD_MS || (passed >= HAZARD_MS && needs_met());
}

static bool was_a_race(struct racer *racers, unsigned int count)
{
	long enough = need.how && !need.least ? 0 : ENOUGH_FREED;
	unsigned int i;

	for (i = 0; i < count; i++)
		if (!__atomic_load_n(&racers[i].turns, __ATOMIC_RELAXED))
			return false;
	return !have_free_user_pte() || (freed() >= enough && needs_met());
}

const char *race(struct racer *racers, unsigned int count, long ms)
{
	const long start = now_ms();
	pthread_t threads[count];
	unsigned int i;

	description[0] = 0;
	is_over = false;
	pthread_barrier_init(&start_line, NULL, count);
	for (i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, run, &racers[i]))
			/* Those that wait at the start cannot be joined. */
			abort();
	while (!race_over()) {
		long passed = now_ms() - start;

		if (passed >= MOST_TIMES * ms || (passed >= ms && was_a_race(racers, count)))
			race_stop();
		else
			sleep_ms(10);
	}
	for (i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&start_line);
	return what_went_wrong();
}

const char *in_child(const char *(*body)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	description[0] = 0;
	pid = fork();
	if (pid < 0)
		return wrong("fork: %s", strerror(errno));
	if (!pid)
		_exit(!!body(arg));
	if (waitpid(pid, &status, 0) != pid)
		return wrong("waitpid: %s", strerror(errno));
	if (WIFSIGNALED(status))
		return wrong("the child was killed by signal %d", WTERMSIG(status));
	if (WEXITSTATUS(status))
		return wrong("the child exited with %d", WEXITSTATUS(status));
	return NULL;
}

static uint64_t *first_word(const char *page)
{
	return (uint64_t *)page;
}

static uint64_t *last_word(const char *page)
{
	return (uint64_t *)(page + PAGE) - 1;
}

void mark_page(char *page, uint64_t mark)
{
	word_write(first_word(page), mark);
	word_write(last_word(page), mark);
}

bool page_marked(const char *page, uint64_t mark)
{
	return word_read(first_word(page)) == mark && word_read(last_word(page)) == mark;
}

bool page_zero(const char *page)
{
	return page_marked(page, 0);
}

static uint64_t mark_at(uint64_t mark, size_t at)
{
	return mark << 32 | (at / PAGE + 1);
}

void mark_pages(char *addr, size_t size, uint64_t mark)
{
	size_t at;

	for (at = 0; at < size; at += PAGE)
		mark_page(addr + at, mark_at(mark, at));
}

const char *check_marks(const char *addr, size_t size, uint64_t mark)
{
	size_t at;

	for (at = 0; at < size; at += PAGE)
		if (!page_marked(addr + at, mark_at(mark, at)))
			return wrong("page %zu at %p is lost: %#llx instead of %#llx", at / PAGE,
				     addr + at, (unsigned long long)word_read(addr + at),
				     (unsigned long long)mark_at(mark, at));
	return NULL;
}

unsigned int some(unsigned int limit)
{
	static __thread uint32_t state;

	if (!state)
		state = 2463534242U ^ (uint32_t)gettid() * 2654435761U;
	if (!state)
		state = 1;
	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	return state % limit;
}
