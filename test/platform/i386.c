/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A call by int 0x80 reaches the filter as one of the i386 table. */
#include "test/platform/notify.h"

#define I386_GETPPID 64

static void guest(void *arg)
{
	long ret;

	(void)arg;
	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(I386_GETPPID)
			 : "memory", "r8", "r9", "r10", "r11");
	_exit(ret == 47 ? 0 : 1);
}

static void child(int socket)
{
	int listener = notify_call(I386_GETPPID, AUDIT_ARCH_I386, 0);

	if (listener < 0)
		_exit(99);
	send_fd(socket, listener);
	close(listener);
	guest(NULL);
}

int main(void)
{
	struct seccomp_notif req;
	struct probe p;
	int pair[2];

	expect(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
	p.pid = fork();
	if (!p.pid)
		child(pair[1]);
	close(pair[1]);
	p.listener = receive_fd(pair[0]);
	expect(p.listener >= 0);
	if (probe_receive(&p, &req) < 0 &&
	    WTERMSIG(wait_for(p.pid)) == SIGSEGV)
		skip("this kernel runs no i386 calls");
	expect(req.data.arch == AUDIT_ARCH_I386);
	expect(req.data.nr == I386_GETPPID);
	expect(probe_answer(&p, &req, 47, 0) == 0);
	expect(wait_for(p.pid) == 0);
	return 0;
}
