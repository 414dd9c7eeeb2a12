/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A listener hangs up when its last guest has gone (at once since 6.11). */
#include "test/platform/notify.h"

static void guest(void *arg)
{
	(void)arg;
}

int main(void)
{
	struct pollfd pfd;
	struct probe p;
	siginfo_t info;

	probe_start(&p, SYS_getppid, 0, guest, NULL);
	pfd = (struct pollfd){ .fd = p.listener, .events = POLLIN };
	expect(waitid(P_PID, p.pid, &info, WEXITED | WNOWAIT) == 0);
	if (poll(&pfd, 1, 200) != 1)
		skip("the listener hears of the end only when it is reaped");
	expect(pfd.revents & POLLHUP);
	expect(wait_for(p.pid) == 0);
	return 0;
}
