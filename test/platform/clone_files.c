/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A child made by clone(CLONE_FILES) installs its filter into a descriptor
 * table that its parent shares: the listener needs no socket to travel. Its
 * execve gives it a table of its own again.
 */
#include "test/platform/notify.h"

static char stack[65536] __attribute__((aligned(16)));
static volatile int listener = -1, go;

static int guest(void *arg)
{
	(void)arg;
	listener = notify_call(SYS_getppid, AUDIT_ARCH_X86_64, 0);
	if (listener < 0)
		return 1;
	while (!go)
		usleep(1000);
	/* Exits 0 when the descriptor is closed (it is close-on-exec). */
	execl("/bin/sh", "sh", "-c", "test ! -e /proc/self/fd/$0", "3", NULL);
	return 2;
}

int main(void)
{
	struct seccomp_notif req;
	struct probe p;

	for (int fd = 3; fd < 20; fd++)
		close(fd);
	p.pid = clone(guest, stack + sizeof(stack),
		      CLONE_FILES | CLONE_VM | SIGCHLD, NULL);
	expect(p.pid > 0);
	for (int i = 0; i < 5000 && listener < 0; i++)
		usleep(1000);
	p.listener = listener;
	expect(p.listener == 3 && fcntl(3, F_GETFD) == FD_CLOEXEC);
	go = 1;
	/* The shell asks for its parent's pid. */
	while (probe_receive(&p, &req) == 0 && probe_continue(&p, &req) == 0)
		if (waitpid(p.pid, NULL, WNOHANG | WNOWAIT | WEXITED) > 0)
			break;
	expect(wait_for(p.pid) == 0);
	expect(fcntl(3, F_GETFD) == FD_CLOEXEC);
	return 0;
}
