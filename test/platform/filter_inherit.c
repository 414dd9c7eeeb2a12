/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A filter stays over fork and exec, and one listener hears them all. */
#include "test/platform/notify.h"

static void guest(void *arg)
{
	pid_t pid;

	(void)arg;
	pid = fork();
	if (!pid) {
		execl("/proc/self/exe", "probe", "ask", NULL);
		_exit(9);
	}
	_exit(WEXITSTATUS(wait_for(pid)));
}

int main(int argc, char **argv)
{
	struct seccomp_notif req;
	struct probe p;

	if (argc > 1 && !strcmp(argv[1], "ask"))
		return syscall(SYS_getppid) == 4711 ? 0 : 1;
	(void)argv;
	probe_start(&p, SYS_getppid, 0, guest, NULL);
	expect(probe_receive(&p, &req) == 0);
	expect((pid_t)req.pid != p.pid);
	expect(req.data.nr == SYS_getppid);
	expect(probe_answer(&p, &req, 4711, 0) == 0);
	expect(wait_for(p.pid) == 0);
	return 0;
}
