/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One listener per chain of filters: a second one answers EBUSY. */
#include "test/platform/notify.h"

static void guest(void *arg)
{
	(void)arg;
	_exit(notify_call(SYS_getuid, AUDIT_ARCH_X86_64, 0) < 0 &&
	      errno == EBUSY ? 0 : 1);
}

int main(void)
{
	struct probe p;

	probe_start(&p, SYS_getppid, 0, guest, NULL);
	expect(wait_for(p.pid) == 0);
	return 0;
}
