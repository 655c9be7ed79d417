/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A device that has memory of its own: the kernel's module test_hmm.
 */
#ifndef _FREEPTE_HMM_H
#define _FREEPTE_HMM_H

#include <linux/ioctl.h>
#include <linux/types.h>

#define HMM_DEVICE	"/dev/hmm_dmirror0"

/* As in lib/test_hmm_uapi.h */
struct hmm_dmirror_cmd {
	__u64 addr;
	__u64 ptr;
	__u64 npages;
	__u64 cpages;
	__u64 faults;
};

#define HMM_DMIRROR_MIGRATE_TO_DEV	_IOWR('H', 0x02, struct hmm_dmirror_cmd)
#define HMM_DMIRROR_EXCLUSIVE		_IOWR('H', 0x05, struct hmm_dmirror_cmd)
/* The flags are in npages. */
#define HMM_DMIRROR_FLAGS		_IOWR('H', 0x08, struct hmm_dmirror_cmd)
#define HMM_DMIRROR_FLAG_FAIL_ALLOC	1

/* A descriptor, or -1 if there is no such device. It is about the memory of who opens it. */
int hmm_open(void);

#endif /* _FREEPTE_HMM_H */
