/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ADDFD takes O_CLOEXEC and nothing else. */
#include "test/platform/notify.h"

static void guest(void *arg)
{
	(void)arg;
	_exit(syscall(SYS_getppid) == 5 ? 0 : 1);
}

int main(void)
{
	struct seccomp_notif req;
	struct probe p;

	probe_start(&p, SYS_getppid, 0, guest, NULL);
	expect(probe_receive(&p, &req) == 0);
	expect(probe_addfd(&p, &req, 0, 0, O_NONBLOCK) < 0);
	expect(errno == EINVAL);
	expect(probe_answer(&p, &req, 5, 0) == 0);
	expect(wait_for(p.pid) == 0);
	return 0;
}
