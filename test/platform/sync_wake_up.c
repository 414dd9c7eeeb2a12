/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SYNC_WAKE_UP (6.6) can be set, and calls are answered as before. */
#include "test/platform/notify.h"

static void guest(void *arg)
{
	(void)arg;
	for (int i = 0; i < 100; i++)
		if (syscall(SYS_getppid) != i)
			_exit(1);
	_exit(0);
}

int main(void)
{
	struct seccomp_notif req;
	struct probe p;

	probe_start(&p, SYS_getppid, 0, guest, NULL);
	if (ioctl(p.listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
		  SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP) < 0) {
		kill(p.pid, SIGKILL);
		skip("this kernel cannot wake synchronously: %s",
		     error_name(errno));
	}
	for (int i = 0; i < 100; i++) {
		expect(probe_receive(&p, &req) == 0);
		expect(probe_answer(&p, &req, i, 0) == 0);
	}
	expect(wait_for(p.pid) == 0);
	return 0;
}
