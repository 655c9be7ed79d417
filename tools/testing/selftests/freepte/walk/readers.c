// SPDX-License-Identifier: GPL-2.0
/*
 * Which implementation reads page tables for user space, in a kernel that has more than one.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "walk/readers.h"

const char *const readers_names[READERS_COUNT] = {
	[BY_C] = "c",
	[BY_C_ON_RUST] = "c-on-rust",
	[BY_RUST] = "rust",
};

const char *readers_lack(void)
{
	return access(READERS, R_OK | W_OK) ? "no " READERS " (CONFIG_RUST_MM_TWINS)" : NULL;
}

int readers_use(int which)
{
	char text[32];
	int err = file_write(READERS, readers_names[which]);

	if (!err)
		err = file_read(READERS, text, sizeof(text));
	if (err)
		return err;
	text[strcspn(text, "\n")] = 0;
	return strcmp(text, readers_names[which]) ? -EINVAL : 0;
}

void readers_restore(void)
{
	if (!readers_lack())
		readers_use(BY_RUST);
}
