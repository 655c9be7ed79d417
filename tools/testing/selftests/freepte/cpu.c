// SPDX-License-Identifier: GPL-2.0
/*
 * Where a thread runs.
 */
#define _GNU_SOURCE
#include <sched.h>

#include "cpu.h"

bool run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return !sched_setaffinity(0, sizeof(set), &set);
}
