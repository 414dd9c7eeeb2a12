/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Identity: ids, groups, capabilities, umask, and what they decide.
 *
 * inside: yes
 * cow: yes
 */
#include <grp.h>
#include <linux/capability.h>
#include <sys/fsuid.h>
#include <sys/prctl.h>

#include "test/lib.h"

static void say_ids(const char *what)
{
	uid_t r, e, s;
	gid_t rg, eg, sg;
	gid_t list[64];
	int n = getgroups(64, list);

	getresuid(&r, &e, &s);
	getresgid(&rg, &eg, &sg);
	say("%s: uid %u %u %u gid %u %u %u groups %d", what, r, e, s, rg, eg,
	    sg, n);
}

static void getting(void)
{
	say_ids("start");
	try(syscall(SYS_getresuid, bad_pointer(), NULL, NULL));
	try(syscall(SYS_getgroups, 0, NULL));
	try(syscall(SYS_getgroups, -1, NULL));
	try(umask(027));
	try(umask(07777));
	try(umask(022));
}

static void own_again(void)
{
	uid_t u = getuid();

	try(setuid(u));
	try(seteuid(u));
	try(setreuid(-1, u));
	try(setresuid(u, -1, u));
	try(setgid(getgid()));
	say("setfsuid %d", setfsuid(-1) == (int)u);
	say_ids("again");
}

static void capabilities(void)
{
	struct __user_cap_header_struct h = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct d[2];

	try(syscall(SYS_capget, &h, d));
	say("effective %x %x permitted %x %x", d[0].effective, d[1].effective,
	    d[0].permitted, d[1].permitted);
	d[0].effective &= ~(1u << CAP_DAC_OVERRIDE |
			    1u << CAP_DAC_READ_SEARCH);
	try(syscall(SYS_capset, &h, d));
	try(open("closed", O_RDONLY | O_CLOEXEC) >= 0);
	try(access("closed", R_OK));
	say_names("shut");
	h.version = 1;
	try(syscall(SYS_capget, &h, NULL));
	try(syscall(SYS_capget, bad_pointer(), d));
}

/* Names are reached with the guest's ids, not with the monitor's. */
static void try_names(void)
{
	say_lstat("private/file");
	try(open("private/file", O_RDONLY) >= 0);
	try(open("closed", O_RDONLY) >= 0);
	try(access("closed", R_OK));
	try(open("group", O_RDONLY) >= 0);
	try(open("open/new", O_CREAT | O_EXCL | O_WRONLY, 0666) >= 0);
	say_lstat("open/new");
	try(unlink("open/new"));
	try(mkdir("open/dir", 0777));
	say_lstat("open/dir");
	try(rmdir("open/dir"));
	try(mkfifo("open/fifo", 0666));
	say_lstat("open/fifo");
	try(unlink("open/fifo"));
	try(symlink("x", "open/link"));
	say_lstat("open/link");
	try(unlink("open/link"));
	try(chmod("closed", 0600));
	try(chown("closed", 65534, -1));
	try(rename("closed", "open/closed"));
	try(unlink("closed"));
	try(truncate("closed", 0));
	try(utimensat(AT_FDCWD, "closed", NULL, 0));
	try(mkdir("refused", 0777));
	try(chdir("private"));
	try(execl("private/file", "file", NULL));
}

static void as_nobody(void)
{
	try(setgroups(0, NULL));
	try(setresgid(65534, 65534, 65534));
	try(setresuid(65534, 65534, 65534));
	say_ids("nobody");
	try_names();
	try(setuid(0));
}

static void as_group(void)
{
	gid_t group = 4711;

	try(setgroups(1, &group));
	try(setresuid(65534, 65534, 65534));
	say_ids("in a group");
	try_names();
}

static void as_effective(void)
{
	try(seteuid(65534));
	say_ids("effective");
	try_names();
	try(seteuid(0));
	try(open("closed", O_RDONLY) >= 0);
}

static void as_fsuid(void)
{
	say("fsuid %d", setfsuid(65534));
	say("fsuid %d", setfsuid(65534));
	try_names();
}

static void keeping(void)
{
	try(prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0));
	try(setresuid(65534, 65534, 65534));
	capabilities();
	try(open("closed", O_RDONLY) >= 0);
}

static void restricted_user(void)
{
	try(setuid(0));
	try(setgroups(0, NULL));
	try(setresuid(0, -1, -1));
	try(setfsuid(0) >= 0);
	try(open("/etc/shadow", O_RDONLY) >= 0);
	try(chown("closed", 0, 0));
	try(mkdir("/vu-test", 0777));
	say_ids("still");
}

int main(void)
{
	umask(022);
	make_dir("private", 0700);
	make_file("private/file", 0700, "#!/bin/true\n");
	make_file("closed", 0, "secret");
	make_file("group", 0640, "");
	make_dir("open", 0777);
	make_dir("shut", 0);
	getting();
	own_again();
	in_child("capabilities", capabilities);
	if (geteuid() == 0) {
		if (chown("group", 0, 4711) < 0)
			fail_errno("chown");
		in_child("nobody", as_nobody);
		in_child("group", as_group);
		in_child("effective", as_effective);
		in_child("fsuid", as_fsuid);
		in_child("keepcaps", keeping);
	} else {
		in_child("user", restricted_user);
	}
	return 0;
}
