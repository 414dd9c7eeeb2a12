/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A filter that denies wins over one that notifies, whichever came first. */
#include "test/platform/notify.h"

static void guest(void *arg)
{
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EDOM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { 4, insn };

	(void)arg;
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) < 0)
		_exit(2);
	_exit(syscall(SYS_getppid) == -1 && errno == EDOM ? 0 : 1);
}

int main(void)
{
	struct probe p;

	probe_start(&p, SYS_getppid, 0, guest, NULL);
	expect(wait_for(p.pid) == 0);
	return 0;
}
