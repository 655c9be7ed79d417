// SPDX-License-Identifier: GPL-2.0
/*
 * userfaultfd
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "uffd.h"

int uffd_open(unsigned long long features)
{
	struct uffdio_api api = { .api = UFFD_API, .features = features };
	int fd = syscall(__NR_userfaultfd, O_CLOEXEC);

	if (fd >= 0 && ioctl(fd, UFFDIO_API, &api)) {
		close(fd);
		fd = -1;
	}
	return fd;
}

int uffd_register(int uffd, void *addr, size_t size, unsigned long long mode)
{
	struct uffdio_register reg = {
		.range = { .start = (uintptr_t)addr, .len = size },
		.mode = mode,
	};

	return ioctl(uffd, UFFDIO_REGISTER, &reg);
}

int uffd_unregister(int uffd, void *addr, size_t size)
{
	struct uffdio_range range = { .start = (uintptr_t)addr, .len = size };

	return ioctl(uffd, UFFDIO_UNREGISTER, &range);
}

int uffd_protect(int uffd, void *addr, size_t size, int protect)
{
	struct uffdio_writeprotect wp = {
		.range = { .start = (uintptr_t)addr, .len = size },
		.mode = protect ? UFFDIO_WRITEPROTECT_MODE_WP : 0,
	};

	return ioctl(uffd, UFFDIO_WRITEPROTECT, &wp);
}

int uffd_protect_all(int uffd, void *addr, size_t size, int protect)
{
	struct uffdio_rwprotect rwp = {
		.range = { .start = (uintptr_t)addr, .len = size },
		.mode = protect ? UFFDIO_RWPROTECT_MODE_RWP : 0,
	};

	return ioctl(uffd, UFFDIO_RWPROTECT, &rwp);
}

long uffd_move(int uffd, void *to, void *from, size_t size, unsigned long long mode)
{
	struct uffdio_move move = {
		.dst = (uintptr_t)to,
		.src = (uintptr_t)from,
		.len = size,
		.mode = mode,
	};

	return ioctl(uffd, UFFDIO_MOVE, &move) ? -errno : move.move;
}
