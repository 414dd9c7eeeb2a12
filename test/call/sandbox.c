/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Programs that lock themselves in: seccomp filters, secret memory.
 * What a view adds for itself they shall not find in their way.
 *
 * inside: yes
 * cow: yes
 */
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "test/lib.h"

#define NR offsetof(struct seccomp_data, nr)

/* A filter that gives one call an error of its own. */
static int filter_call(int nr, int error, int flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NR),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { 4, code };

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &prog);
}

static void mode(void)
{
	try(prctl(PR_GET_SECCOMP));
}

static void filtered(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, NR),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mkdir, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { 4, code };
	struct stat st;

	try(prctl(PR_GET_SECCOMP));
	try(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	try(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	try(filter_call(SYS_rmdir, EDOM, 0));
	try(prctl(PR_GET_SECCOMP));
	in_child("a child's", mode);
	try(rmdir("none"));
	try(mkdir("new", 0700));
	try(rmdir("new"));
	try(stat("new", &st));
	try(filter_call(SYS_chroot, ERANGE, SECCOMP_FILTER_FLAG_LOG));
	try(chroot("new"));
	try(filter_call(SYS_chroot, 1, SECCOMP_FILTER_FLAG_TSYNC));
	try(chroot("new"));
	try(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog));
	mkdir("no", 0700);
	say("not reached");
}

static void refused(void)
{
	struct sock_fprog none = { 0, NULL };
	uint32_t action = SECCOMP_RET_ALLOW;
	struct seccomp_notif_sizes sizes;

	try(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	try(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	try(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	try(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	try(prctl(PR_SET_SECCOMP, 99, 0));
	try(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, bad_pointer()));
	try(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &none));
	try(syscall(SYS_seccomp, 99, 0, NULL));
	try(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 1 << 20, &none));
	try(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, bad_pointer()));
	try(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
	try(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
	try(syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes));
}

static void secret(void)
{
	int fd = syscall(447, O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return;
	try(ftruncate(fd, 4096));
	try(fstat(fd, &st));
	try(write(fd, "x", 1));
	say("mapped %d", mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			      fd, 0) != MAP_FAILED);
	close(fd);
}

int main(void)
{
	umask(022);
	in_child("with a filter", filtered);
	in_child("what is refused", refused);
	in_child("secret memory", secret);
	return 0;
}
