/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A filter needs no_new_privs only of those without CAP_SYS_ADMIN. For them
 * EACCES is the answer.
 */
#include "test/platform/notify.h"

int main(void)
{
	struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	struct sock_fprog prog = { 1, &allow };
	long ret;

	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
		skip("no_new_privs is set already");
	ret = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog);
	if (geteuid() == 0) {
		if (ret < 0 && errno == EACCES)
			skip("root without CAP_SYS_ADMIN");
		expect(ret == 0);
	} else {
		expect(ret < 0 && errno == EACCES);
	}
	return 0;
}
