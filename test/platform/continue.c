/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A notified call answered CONTINUE runs natively, with its own result. */
#include "test/platform/notify.h"

static void guest(void *arg)
{
	(void)arg;
	_exit(syscall(SYS_getppid) == getppid() && getppid() != 0 ? 0 : 1);
}

int main(void)
{
	struct seccomp_notif req;
	struct probe p;

	probe_start(&p, SYS_getppid, 0, guest, NULL);
	/* Two of the three calls may be made before the comparison ends. */
	while (probe_receive(&p, &req) == 0 && probe_continue(&p, &req) == 0)
		if (waitpid(p.pid, NULL, WNOHANG | WNOWAIT | WEXITED) > 0)
			break;
	expect(wait_for(p.pid) == 0);
	return 0;
}
