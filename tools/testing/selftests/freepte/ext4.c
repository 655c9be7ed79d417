// SPDX-License-Identifier: GPL-2.0
/*
 * An ext4 file system on a loop device, its image in shared memory.
 */
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "ext4.h"
#include "files.h"
#include "tables.h"

/* A free loop device may be another's by the time that it is opened: try a few. */
static int make_loop(int image, char *path, size_t size)
{
	struct loop_config config = {
		.fd = image,
		.info.lo_flags = LO_FLAGS_AUTOCLEAR,
	};
	int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	int tries, loop = -1;

	if (control < 0)
		return -1;
	for (tries = 0; tries < 10; tries++) {
		int number = ioctl(control, LOOP_CTL_GET_FREE);

		if (number < 0)
			break;
		snprintf(path, size, "/dev/loop%d", number);
		loop = open(path, O_RDWR | O_CLOEXEC);
		if (loop >= 0 && !ioctl(loop, LOOP_CONFIGURE, &config))
			break;
		if (loop >= 0)
			close(loop);
		loop = -1;
	}
	close(control);
	return loop;
}

static int mount_nowhere(const char *device)
{
	int root = -1, fs = fsopen("ext4", FSOPEN_CLOEXEC);

	if (fs < 0)
		return -1;
	if (!fsconfig(fs, FSCONFIG_SET_STRING, "source", device, 0) &&
	    !fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
		root = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOATIME);
	close(fs);
	return root;
}

const char *ext4_make(struct ext4 *ext4, size_t size)
{
	char path[32];
	const char *const mkfs[] = {
		"mkfs.ext4", "-q", "-F", "-O", "^has_journal", "-m", "0", "-b", "4096", "-N", "16",
		path, NULL
	};
	const char *reason = NULL;
	int image, loop;

	ext4->root = -1;
	image = shmem_file(size);
	if (image < 0)
		return "no shared memory";
	loop = make_loop(image, path, sizeof(path));
	close(image);
	if (loop < 0)
		return "no loop device (CONFIG_BLK_DEV_LOOP)";
	if (run_program(mkfs)) {
		reason = "mkfs.ext4 failed or is missing (package e2fsprogs)";
	} else {
		ext4->root = mount_nowhere(path);
		if (ext4->root < 0)
			reason = "no ext4 (CONFIG_EXT4_FS)";
	}
	close(loop);
	return reason;
}

void ext4_remove(struct ext4 *ext4)
{
	if (ext4->root >= 0)
		close(ext4->root);
	ext4->root = -1;
}

int ext4_file(struct ext4 *ext4, size_t size, size_t step)
{
	static char page[PAGE];
	size_t at;
	int fd;

	fd = openat(ext4->root, "file", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return -1;
	if (ftruncate(fd, size))
		goto fail;
	for (at = 0; at < size; at += step) {
		memset(page, at / step + 1, PAGE);
		if (pwrite(fd, page, PAGE, at) != (ssize_t)PAGE)
			goto fail;
	}
	if (fsync(fd) || posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED))
		goto fail;
	return fd;
fail:
	close(fd);
	return -1;
}
