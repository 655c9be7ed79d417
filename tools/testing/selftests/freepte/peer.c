// SPDX-License-Identifier: GPL-2.0
/*
 * A forked process that does what it is told: what is at an address here is there as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account.h"
#include "peer.h"

struct order {
	long (*fn)(void *arg);
	void *arg;
};

static void obey(int orders, int answers)
{
	struct order order;
	long answer;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	touch_program();
	while (read(orders, &order, sizeof(order)) == sizeof(order)) {
		answer = order.fn(order.arg);
		if (write(answers, &answer, sizeof(answer)) != sizeof(answer))
			break;
	}
	_exit(0);
}

int peer_start(struct peer *peer)
{
	int orders[2], answers[2];

	if (pipe2(orders, O_CLOEXEC))
		return -1;
	if (pipe2(answers, O_CLOEXEC)) {
		close(orders[0]);
		close(orders[1]);
		return -1;
	}
	peer->pid = fork();
	if (!peer->pid) {
		close(orders[1]);
		close(answers[0]);
		obey(orders[0], answers[1]);
	}
	close(orders[0]);
	close(answers[1]);
	peer->orders = orders[1];
	peer->answers = answers[0];
	if (peer->pid > 0)
		return 0;
	close(peer->orders);
	close(peer->answers);
	return -1;
}

long peer_call(struct peer *peer, long (*fn)(void *arg), void *arg)
{
	struct order order = { .fn = fn, .arg = arg };
	long answer;

	if (write(peer->orders, &order, sizeof(order)) != sizeof(order) ||
	    read(peer->answers, &answer, sizeof(answer)) != sizeof(answer))
		return -EPIPE;
	return answer;
}

void peer_stop(struct peer *peer)
{
	if (peer->pid <= 0)
		return;
	close(peer->orders);
	close(peer->answers);
	kill(peer->pid, SIGKILL);
	waitpid(peer->pid, NULL, 0);
	peer->pid = 0;
}
