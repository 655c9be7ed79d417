// SPDX-License-Identifier: GPL-2.0
/*
 * The driver that pins folios of memfd: a file that it accepts, and its order.
 */
#include <fcntl.h>
#include <linux/udmabuf.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "udmabuf.h"

int udmabuf_file(size_t size)
{
	int file = memfd_create("freepte", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (file >= 0 && (ftruncate(file, size) || fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK))) {
		close(file);
		file = -1;
	}
	return file;
}

int udmabuf_create(int device, int file, size_t size)
{
	struct udmabuf_create create = {
		.memfd = file,
		.flags = UDMABUF_FLAGS_CLOEXEC,
		.size = size,
	};

	return ioctl(device, UDMABUF_CREATE, &create);
}
