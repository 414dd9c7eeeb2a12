/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * no_spaces UID COMMAND [ARGUMENT...]: as root, run it as this user where no
 * name spaces are to be had, but set-user-id programs are: the filter does
 * not need no_new_privs.
 */
#include <grp.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/prctl.h>

#include "test/lib.h"

static void install(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_unshare, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(code) / sizeof(code[0]), code };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog))
		skip("no filter without no_new_privs: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	uid_t uid = argc > 2 ? atoi(argv[1]) : 0;

	if (!uid || geteuid())
		fail("no_spaces UID COMMAND...");
	install();
	if (setgroups(0, NULL) || setresgid(uid, uid, uid) ||
	    setresuid(uid, uid, uid))
		fail_errno("ids");
	execvp(argv[2], argv + 2);
	fail_errno(argv[2]);
}
