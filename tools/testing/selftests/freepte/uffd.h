/* SPDX-License-Identifier: GPL-2.0 */
/*
 * userfaultfd, and what older headers lack of it.
 */
#ifndef _FREEPTE_UFFD_H
#define _FREEPTE_UFFD_H

#include <linux/userfaultfd.h>
#include <stddef.h>

#ifndef UFFD_FEATURE_WP_UNPOPULATED
#define UFFD_FEATURE_WP_UNPOPULATED	(1 << 13)
#endif
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC		(1 << 15)
#endif
#ifndef UFFD_FEATURE_MOVE
#define UFFD_FEATURE_MOVE		(1 << 16)
#endif

#ifndef UFFD_FEATURE_RWP
#define UFFD_FEATURE_RWP		(1 << 17)
#define UFFD_FEATURE_RWP_ASYNC		(1 << 18)
#define UFFDIO_REGISTER_MODE_RWP	((__u64)1 << 3)

struct uffdio_rwprotect {
	struct uffdio_range range;
	__u64 mode;
};

#define UFFDIO_RWPROTECT_MODE_RWP	((__u64)1 << 0)
#define UFFDIO_RWPROTECT	_IOWR(UFFDIO, 0x09, struct uffdio_rwprotect)
#endif

#ifndef UFFDIO_MOVE
struct uffdio_move {
	__u64 dst;
	__u64 src;
	__u64 len;
	__u64 mode;
	__s64 move;
};

#define UFFDIO_MOVE_MODE_ALLOW_SRC_HOLES	((__u64)1 << 1)
#define UFFDIO_MOVE	_IOWR(UFFDIO, 0x05, struct uffdio_move)
#endif

/* A descriptor with these features, for faults of user mode at least; or -1 */
int uffd_open(unsigned long long features);
int uffd_register(int uffd, void *addr, size_t size, unsigned long long mode);
int uffd_unregister(int uffd, void *addr, size_t size);
/* Write-protect, or no longer */
int uffd_protect(int uffd, void *addr, size_t size, int protect);
/* The same against reads, too */
int uffd_protect_all(int uffd, void *addr, size_t size, int protect);
/* Bytes moved, or a negative errno */
long uffd_move(int uffd, void *to, void *from, size_t size, unsigned long long mode);

#endif /* _FREEPTE_UFFD_H */
