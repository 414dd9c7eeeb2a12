/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Without a listener every notified call is ENOSYS, waiting ones too. */
#include "test/platform/notify.h"

static void guest(void *arg)
{
	(void)arg;
	for (int i = 0; i < 2; i++)
		if (syscall(SYS_getppid) != -1 || errno != ENOSYS)
			_exit(1 + i);
	_exit(0);
}

int main(void)
{
	struct seccomp_notif req;
	struct probe p;

	probe_start(&p, SYS_getppid, 0, guest, NULL);
	expect(probe_receive(&p, &req) == 0);
	close(p.listener);
	expect(wait_for(p.pid) == 0);
	return 0;
}
