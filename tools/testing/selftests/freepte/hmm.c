// SPDX-License-Identifier: GPL-2.0
/*
 * A device that has memory of its own: the kernel's module test_hmm.
 */
#include <fcntl.h>
#include <stddef.h>
#include <unistd.h>

#include "files.h"
#include "hmm.h"

int hmm_open(void)
{
	static const char *const modprobe[] = { "modprobe", "-q", "test_hmm", NULL };

	if (access(HMM_DEVICE, F_OK))
		run_program(modprobe);
	return open(HMM_DEVICE, O_RDWR | O_CLOEXEC);
}
