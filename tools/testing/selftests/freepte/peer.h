/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A forked process that does what it is told.
 */
#ifndef _FREEPTE_PEER_H
#define _FREEPTE_PEER_H

#include <sys/types.h>

struct peer {
	pid_t pid;
	int orders;
	int answers;
};

/* Fork. The peer has what memory the caller has at this time. 0, or -1 */
int peer_start(struct peer *peer);

/* What the peer gets when it calls fn(arg), or -EPIPE when it is no more */
long peer_call(struct peer *peer, long (*fn)(void *arg), void *arg);

/* The end of the peer */
void peer_stop(struct peer *peer);

#endif /* _FREEPTE_PEER_H */
