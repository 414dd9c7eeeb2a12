/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WAIT_KILLABLE_RECV: once a call was received, signals wait for its answer;
 * without the flag each of them would cancel it.
 */
#include "test/platform/notify.h"

static volatile sig_atomic_t handled;

static void count(int sig)
{
	(void)sig;
	handled++;
}

static void guest(void *arg)
{
	struct sigaction sa = { .sa_handler = count };

	(void)arg;
	sigaction(SIGUSR1, &sa, NULL);
	_exit(syscall(SYS_getppid) == 4711 && handled ? 0 : 1);
}

int main(void)
{
	struct seccomp_notif req;
	struct probe p;

	probe_start(&p, SYS_getppid, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		    guest, NULL);
	expect(probe_receive(&p, &req) == 0);
	for (int i = 0; i < 200; i++) {
		kill(p.pid, SIGUSR1);
		usleep(200);
	}
	expect(probe_answer(&p, &req, 4711, 0) == 0);
	expect(wait_for(p.pid) == 0);
	return 0;
}
