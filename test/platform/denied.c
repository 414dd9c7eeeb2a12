/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The cage itself: what Docker's default profile denies is denied there, and
 * what it allows is allowed, by both tables of calls.
 */
#include <sched.h>
#include "test/lib.h"

static long i386_call(long nr, long a)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret) : "a"(nr), "b"(a)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static bool has(const char *role)
{
	const char *mine = getenv("ROLE");

	return mine && !strcmp(mine, role);
}

int main(void)
{
	if (has("root"))
		return 0;
	expect(geteuid() != 0);
	expect(open("/dev/net/tun", O_RDWR | O_CLOEXEC) < 0);
	if (!has("cage"))
		return 0;
	expect(open("/dev/fuse", O_RDWR | O_CLOEXEC) < 0);
	expect(unshare(CLONE_NEWUSER) < 0 && errno == EPERM);
	expect(unshare(0) < 0 && errno == EPERM);
	expect(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0) < 0 &&
	       errno == EPERM);
	expect(syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS);
	expect(syscall(SYS_io_uring_setup, 1, NULL) < 0 && errno == EPERM);
	expect(syscall(SYS_pidfd_getfd, -1, 0, 0) < 0 && errno == EPERM);
	expect(syscall(SYS_kcmp, 0, 0, 0, 0, 0) < 0 && errno == EPERM);
	expect(syscall(SYS_bpf, 0, NULL, 0) < 0 && errno == EPERM);
	expect(syscall(SYS_process_vm_readv, getpid(), 0, 0, 0, 0, 0) == 0);
	/* i386: unshare is 310, clone3 435, getpid 20. */
	expect(i386_call(310, 0) == -EPERM);
	expect(i386_call(435, 0) == -ENOSYS);
	expect(i386_call(20, 0) == getpid());
	return 0;
}
