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

static long sync_before, deferred_before;
static int kmsg = -1;

/* Seen by children, too */
static char *description;

/* What nothing counts is negative, also where there is a counter for it. */
static long counter_before(const char *name)
{
	return have_free_user_pte() ? vm_counter(name) : -1;
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
	sync_before = counter_before("pte_table_free_sync");
	deferred_before = counter_before("pte_table_free_deferred");
}

void hazard_end(void)
{
	knobs_restore();
}

static long freed_since(const char *counter, long before)
{
	return before < 0 ? -1 : vm_counter(counter) - before;
}

long freed_sync(void)
{
	return freed_since("pte_table_free_sync", sync_before);
}

long freed_deferred(void)
{
	return freed_since("pte_table_free_deferred", deferred_before);
}

long freed(void)
{
	return sync_before < 0 ? -1 : freed_sync() + freed_deferred();
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

int child_status(const char *(*body)(void *arg), void *arg)
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(!!body(arg));
	return pid < 0 || waitpid(pid, &status, 0) != pid ? -1 : status;
}

const char *in_child(const char *(*body)(void *arg), void *arg)
{
	int status;

	description[0] = 0;
	status = child_status(body, arg);
	if (status < 0)
		return wrong("fork or waitpid: %s", strerror(errno));
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

static uint32_t place_of(const char *addr, const char *page)
{
	return (page - addr) / PAGE + 1;
}

uint64_t mark_of(const char *addr, const char *page, uint64_t mark)
{
	return mark << 32 | place_of(addr, page);
}

bool is_mark_of(const char *addr, const char *page, uint64_t found)
{
	return (uint32_t)found == place_of(addr, page);
}

void mark_pages(char *addr, size_t size, uint64_t mark)
{
	char *page;

	for (page = addr; page < addr + size; page += PAGE)
		mark_page(page, mark_of(addr, page, mark));
}

const char *check_marks(const char *addr, size_t size, uint64_t mark)
{
	const char *page;

	for (page = addr; page < addr + size; page += PAGE)
		if (!page_marked(page, mark_of(addr, page, mark)))
			return wrong("page %zu at %p is lost: %#llx instead of %#llx",
				     (page - addr) / PAGE, page,
				     (unsigned long long)word_read(page),
				     (unsigned long long)mark_of(addr, page, mark));
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
