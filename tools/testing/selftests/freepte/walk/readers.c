// SPDX-License-Identifier: GPL-2.0
/*
 * Which implementation reads page tables for user space, in a kernel that has two.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "walk/readers.h"

const char *readers_lack(void)
{
	return access(READERS, R_OK | W_OK) ? "no " READERS " (CONFIG_RUST_MM_TWINS)" : NULL;
}

int readers_use(const char *which)
{
	char text[32];
	int err = file_write(READERS, which);

	if (!err)
		err = file_read(READERS, text, sizeof(text));
	if (err)
		return err;
	text[strcspn(text, "\n")] = 0;
	return strcmp(text, which) ? -EINVAL : 0;
}

void readers_restore(void)
{
	if (!readers_lack())
		readers_use("rust");
}
