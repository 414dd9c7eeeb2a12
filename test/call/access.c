/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * access, faccessat, faccessat2: real and effective ids, flags.
 *
 * inside: yes
 * cow: yes
 */
#include <linux/capability.h>
#include <sys/prctl.h>

#include "test/lib.h"

#ifndef AT_EACCESS
#define AT_EACCESS 0x200
#endif

static long access2(int dir, const char *path, int mode, int flags)
{
	return syscall(SYS_faccessat2, dir, path, mode, flags);
}

static void modes(void)
{
	static const char *const path[] = {
		"file", "exec", "closed", "dir", "shut", "shut/x", "link",
		"dangling", "loop", "none", "file/", "dir/", "link/", "",
		".", "..", "/", "/dev/null", "/etc/shadow", "/proc/self/exe",
		"/proc/self/fd/0", "/proc/self/cwd",
	};
	char what[64];

	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++)
		for (int mode = 0; mode < 8; mode++) {
			snprintf(what, sizeof(what), "access %s %d", path[i],
				 mode);
			errno = 0;
			result(what, access(path[i], mode));
		}
}

static void flags(void)
{
	int dir = open("dir", O_RDONLY | O_CLOEXEC);
	int file = open("file", O_PATH | O_CLOEXEC);

	try(access("file", 8));
	try(access("file", -1));
	try(access2(AT_FDCWD, "dangling", F_OK, AT_SYMLINK_NOFOLLOW));
	try(access2(AT_FDCWD, "link", W_OK, AT_SYMLINK_NOFOLLOW));
	try(access2(AT_FDCWD, "closed", R_OK, AT_EACCESS));
	try(access2(AT_FDCWD, "file", F_OK, 0x8000));
	try(access2(dir, "in", R_OK, 0));
	try(access2(dir, "", R_OK, 0));
	try(access2(dir, "", R_OK, AT_EMPTY_PATH));
	try(access2(file, "", X_OK, AT_EMPTY_PATH));
	try(access2(file, "x", F_OK, 0));
	try(access2(999, "file", F_OK, 0));
	try(access2(999, "/dev/null", W_OK, 0));
	try(access2(999, "", F_OK, AT_EMPTY_PATH));
	try(faccessat(dir, "../closed", R_OK, AT_EACCESS));
	try(access(bad_pointer(), F_OK));
	try(access(NULL, F_OK));
	try(syscall(SYS_access, tail_string("file"), R_OK));
	try(syscall(SYS_faccessat, dir, tail_string("in"), W_OK));
	try(syscall(SYS_faccessat, 999, bad_pointer(), F_OK));
	close(dir);
	close(file);
}

/* Real and effective ids differ: access asks for the real ones. */
static void other_ids(void)
{
	if (geteuid() != 0)
		return;
	try(setresuid(65534, 0, 0));
	try(access("closed", R_OK));
	try(access2(AT_FDCWD, "closed", R_OK, AT_EACCESS));
	try(access("theirs", R_OK));
	try(setresuid(65534, 65534, 0));
	try(setresuid(0, 65534, 0));
	try(access("closed", R_OK));
	try(access2(AT_FDCWD, "closed", R_OK, AT_EACCESS));
}

static int effective(unsigned caps)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data) < 0)
		return -1;
	data[0].effective = caps;
	data[1].effective = 0;
	return syscall(SYS_capset, &head, data);
}

/* What access thinks of capabilities: those that the real user would have. */
static void capabilities(void)
{
	if (geteuid() != 0)
		return;
	try(effective(0));
	try(access("closed", R_OK));
	try(access2(AT_FDCWD, "closed", R_OK, AT_EACCESS));
	try(prctl(PR_SET_KEEPCAPS, 1));
	try(setresuid(65534, 65534, 65534));
	try(effective(1 << CAP_DAC_OVERRIDE));
	try(access("closed", R_OK));
	try(access2(AT_FDCWD, "closed", R_OK, AT_EACCESS));
	try(open("closed", O_RDONLY | O_CLOEXEC) >= 0);
}

int main(void)
{
	umask(022);
	make_dir("dir", 0755);
	make_file("dir/in", 0400, "");
	make_file("file", 0644, "");
	make_file("exec", 0755, "");
	make_file("closed", 0, "");
	make_file("theirs", 0600, "");
	make_dir("shut", 0);
	if (symlink("file", "link") < 0 || symlink("none", "dangling") < 0 ||
	    symlink("loop", "loop") < 0)
		fail_errno("symlink");
	if (geteuid() == 0 && chown("theirs", 65534, 65534) < 0)
		fail_errno("chown");
	modes();
	flags();
	in_child("other ids", other_ids);
	in_child("capabilities", capabilities);
	return 0;
}
