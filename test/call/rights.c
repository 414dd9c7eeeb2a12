/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls for root, and what they say of names that will not do: swap,
 * accounting, quotas, roots. Nothing of it comes to pass.
 *
 * inside: yes
 */
#include <sys/mount.h>
#include <sys/quota.h>
#include <sys/swap.h>

#include "test/lib.h"

static const char *n;

static void told(long ret)
{
	char text[24];

	snprintf(text, sizeof(text), "%s", n ? n : "NULL");
	result(text, ret);
}
#define TOLD(call) (errno = 0, told(call))

static void each(void)
{
	char buf[256];

	say("swapon, swapoff");
	TOLD(swapon(n, 0));
	TOLD(swapon(n, 0x7000000));
	TOLD(swapoff(n));
	if (n && strcmp(n, "file") && strcmp(n, "link")) {
		say("acct");	/* those would do, and none switches it off */
		TOLD(acct(n));
	}
	say("quotactl");
	TOLD(quotactl(QCMD(Q_GETQUOTA, USRQUOTA), n, 0, buf));
	TOLD(quotactl(QCMD(Q_QUOTAON, USRQUOTA), n, 0, buf));
	TOLD(quotactl(QCMD(0x7f0000, 9), n, 0, buf));
	say("chroot, pivot_root");
	TOLD(n && !strcmp(n, "dir") ? 0 : chroot(n));
	TOLD(syscall(SYS_pivot_root, n, "dir"));
	TOLD(syscall(SYS_pivot_root, "dir", n));
	say("umount");
	TOLD(umount2(n, 0));
	TOLD(umount2(n, UMOUNT_NOFOLLOW | MNT_DETACH));
	TOLD(umount2(n, 0x4000));
	TOLD(umount2(n, MNT_EXPIRE | MNT_FORCE));
	say("mount");
	TOLD(mount("none", n, "no such type", 0, NULL));
	TOLD(mount(n, "none", NULL, MS_BIND, NULL));
	TOLD(mount(NULL, n, NULL, MS_REMOUNT, NULL));
	TOLD(mount(NULL, n, NULL, MS_MOVE, NULL));
	TOLD(mount("none", n, NULL, 0, NULL));
}

static void without_names(void)
{
	char buf[256];

	try(quotactl(QCMD(Q_SYNC, USRQUOTA), NULL, 0, NULL));
	try(syscall(443, -1, QCMD(Q_GETQUOTA, USRQUOTA), 0, buf));
	try(syscall(SYS_setns, -1, 0));
	try(syscall(SYS_setns, 0, 0x20000));
	try(syscall(SYS_unshare, 1));
	try(syscall(SYS_unshare, 0));
	try(syscall(SYS_sethostname, "x", 1000));
	try(syscall(SYS_setdomainname, bad_pointer(), 10));
	try(syscall(SYS_fanotify_init, 0x40000000, 0));
	try(syscall(SYS_bpf, 9999, 0, 0));
}

int main(void)
{
	static const char *const names[] = { "file", "dir", "link", "dangling",
		"loop", "none", "none/x", "file/x", "file/", "", NULL };
	static const char *const more[] = { "/dev/null", "/proc/self/exe" };

	umask(022);
	make_file("file", 0644, "text");
	make_dir("dir", 0755);
	if (symlink("file", "link") || symlink("loop", "loop") ||
	    symlink("nowhere", "dangling"))
		fail_errno("symlink");
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		n = names[i];
		each();
	}
	for (size_t i = 0; i < sizeof(more) / sizeof(*more); i++) {
		n = more[i];
		TOLD(swapoff(n));
		TOLD(acct(n));
		TOLD(umount2(n, 0));
	}
	n = repeat('x', 256);
	each();
	n = repeat('/', 5000);
	each();
	n = bad_pointer();
	try(swapon(n, 0));
	try(acct(n));
	try(umount2(n, 0));
	try(quotactl(QCMD(Q_GETQUOTA, USRQUOTA), n, 0, NULL));
	without_names();
	return 0;
}
