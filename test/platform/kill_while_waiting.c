/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kill ends even a killable wait, and the cookie is then invalid. */
#include "test/platform/notify.h"

static void guest(void *arg)
{
	(void)arg;
	syscall(SYS_getppid);
}

int main(void)
{
	struct seccomp_notif req;
	struct probe p;

	probe_start(&p, SYS_getppid, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
		    guest, NULL);
	expect(probe_receive(&p, &req) == 0);
	expect(ioctl(p.listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &req.id) == 0);
	kill(p.pid, SIGKILL);
	expect(WTERMSIG(wait_for(p.pid)) == SIGKILL);
	expect(ioctl(p.listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &req.id) < 0 &&
	       errno == ENOENT);
	expect(probe_answer(&p, &req, 0, 0) < 0 && errno == ENOENT);
	return 0;
}
