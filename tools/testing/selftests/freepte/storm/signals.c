// SPDX-License-Identifier: GPL-2.0
/*
 * SIGBUS where a file was cut off, and signals that should not be.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "storm.h"

static __thread sigjmp_buf back;
static __thread bool is_excused;

static void on_signal(int number, siginfo_t *info, void *context)
{
	if (number == SIGBUS && is_excused)
		siglongjmp(back, 1);
	wrong("%s gets signal %d for %p", self ? self->actor->name : "somebody", number,
	      info->si_addr);
	_exit(1);
}

void catch_signals(void)
{
	struct sigaction action = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO };

	if (sigaction(SIGBUS, &action, NULL) || sigaction(SIGSEGV, &action, NULL))
		abort();
}

const char *touch(const char *(*fn)(struct part *part, void *arg), struct part *part, void *arg)
{
	const char *_wrong = NULL;

	if (!sigsetjmp(back, 1)) {
		is_excused = true;
		_wrong = fn(part, arg);
	}
	is_excused = false;
	return _wrong;
}
