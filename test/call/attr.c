/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * truncate, chmod, chown, utimensat and their kin.
 *
 * inside: yes
 * cow: yes
 */
#include <sys/time.h>
#include <utime.h>

#include "test/lib.h"

#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif

static const char *const names[] = { "file", "dir", "link", "dangling",
	"none", "file/", "dir/", "link/", "", ".", "shut/x", "loop", "file/x",
	"/etc/passwd", "closed" };

#define each(call) do { \
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) { \
		const char *path = names[i]; \
		char what[96]; \
		snprintf(what, sizeof(what), "%s %s", #call, path); \
		errno = 0; \
		result(what, (call)); \
	} } while (0)

static bool mine(const char *path)
{
	return path[0] != '/';
}

static void lengths(void)
{
	int fd = open("file", O_RDWR | O_CLOEXEC);
	int ro = open("file", O_RDONLY | O_CLOEXEC);

	each(mine(path) || geteuid() ? truncate(path, 100) : 0);
	say_lstat("file");
	try(truncate("file", -1));
	try(truncate("file", 0));
	try(ftruncate(fd, 17));
	try(ftruncate(ro, 17));
	try(ftruncate(999, 17));
	try(syscall(SYS_truncate, bad_pointer(), 0));
	try(syscall(SYS_truncate, tail_string("file"), 5));
	say_lstat("file");
	close(fd);
	close(ro);
}

static void modes(void)
{
	int fd = open("file", O_RDONLY | O_CLOEXEC);
	int path = open("file", O_PATH | O_CLOEXEC);
	int dir = open("dir", O_RDONLY | O_CLOEXEC);

	each(mine(path) || geteuid() ? chmod(path, 0751) : 0);
	try(chmod("file", 07777));
	say_lstat("file");
	try(chmod("file", 0177640));
	say_lstat("file");
	try(fchmod(fd, 0600));
	try(fchmod(path, 0600));
	try(fchmod(999, 0600));
	try(fchmodat(dir, "../file", 0644, 0));
	try(fchmodat(999, "file", 0644, 0));
	try(fchmodat(AT_FDCWD, "link", 0640, AT_SYMLINK_NOFOLLOW));
	try(syscall(SYS_fchmodat2, AT_FDCWD, "link", 0640, AT_SYMLINK_NOFOLLOW));
	try(syscall(SYS_fchmodat2, AT_FDCWD, "file", 0640, AT_SYMLINK_NOFOLLOW));
	try(syscall(SYS_fchmodat2, path, "", 0604, AT_EMPTY_PATH));
	try(syscall(SYS_fchmodat2, AT_FDCWD, "file", 0640, 0x8000));
	try(syscall(SYS_chmod, bad_pointer(), 0));
	say_lstat("file");
	close(fd);
	close(path);
	close(dir);
}

static void owners(void)
{
	int fd = open("file", O_RDONLY | O_CLOEXEC);
	int path = open("file", O_PATH | O_CLOEXEC);
	uid_t u = geteuid() ? geteuid() : 4711;

	each(mine(path) || geteuid() ? chown(path, u, -1) : 0);
	each(mine(path) || geteuid() ? lchown(path, -1, getegid()) : 0);
	try(chown("file", -1, -1));
	try(chown("file", 1, -1));
	say_lstat("file");
	try(chmod("file", 06755));
	try(chown("file", u, getegid()));
	say_lstat("file");
	try(fchown(fd, -1, 4711));
	try(fchown(path, -1, getegid()));
	try(fchown(999, 0, 0));
	try(fchownat(AT_FDCWD, "link", geteuid(), getegid(), AT_SYMLINK_NOFOLLOW));
	try(fchownat(path, "", geteuid(), getegid(), AT_EMPTY_PATH));
	try(fchownat(999, "file", 0, 0, 0));
	try(fchownat(AT_FDCWD, "file", -1, -1, 0x8000));
	try(syscall(SYS_chown, bad_pointer(), -1, -1));
	say_lstat("file");
	close(fd);
	close(path);
}

static void say_times(const char *path)
{
	struct stat st;

	if (lstat(path, &st) < 0)
		return;
	say("%s: %lld.%09ld %lld.%09ld", path, (long long)st.st_atim.tv_sec,
	    (long)st.st_atim.tv_nsec, (long long)st.st_mtim.tv_sec,
	    (long)st.st_mtim.tv_nsec);
}

static void times(void)
{
	struct timespec set[2] = { { 1000, 1 }, { 2000, 999999999 } };
	struct timespec omit[2] = { { 5, UTIME_OMIT }, { 6, 7 } };
	struct timespec bad[2] = { { 5, 1000000000 }, { 6, 7 } };
	struct timespec both[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };
	struct timespec before[2] = { { -5, 3 }, { -7, 4 } };
	struct timespec now[2] = { { 0, UTIME_NOW }, { 0, UTIME_NOW } };
	struct timeval tv[2] = { { 11, 12 }, { 13, 14 } };
	struct utimbuf ub = { 21, 22 };
	int fd = open("file", O_RDWR | O_CLOEXEC);
	int path = open("file", O_PATH | O_CLOEXEC);

	each(mine(path) || geteuid() ? utimensat(AT_FDCWD, path, set, 0) : 0);
	say_times("file");
	say_times("dir");
	try(utimensat(AT_FDCWD, "link", set, AT_SYMLINK_NOFOLLOW));
	say_times("link");
	try(utimensat(AT_FDCWD, "file", omit, 0));
	say_times("file");
	try(utimensat(AT_FDCWD, "file", bad, 0));
	try(utimensat(AT_FDCWD, "none", both, 0));
	try(utimensat(AT_FDCWD, "file", before, 0));
	say_times("file");
	try(utimensat(AT_FDCWD, "file", now, 0));
	try(utimensat(AT_FDCWD, "file", NULL, 0));
	try(utimensat(AT_FDCWD, "/etc/passwd", geteuid() ? now : both, 0));
	try(utimensat(AT_FDCWD, "file", set, 0x8000));
	try(utimensat(999, "file", set, 0));
	try(utimensat(path, "", set, AT_EMPTY_PATH));
	try(futimens(fd, set));
	say_times("file");
	try(futimens(path, set));
	try(futimens(999, set));
	try(utimes("file", tv));
	say_times("file");
	try(utime("file", &ub));
	say_times("file");
	try(futimesat(AT_FDCWD, "file", tv));
	try(syscall(SYS_utimensat, AT_FDCWD, bad_pointer(), set, 0));
	try(syscall(SYS_utimensat, AT_FDCWD, "file", bad_pointer(), 0));
	try(syscall(SYS_utimensat, AT_FDCWD, NULL, set, 0));
	try(syscall(SYS_utimensat, fd, NULL, set, 0));
	try(syscall(SYS_utimes, "file", bad_pointer()));
	close(fd);
	close(path);
}

/* Reading a name or a directory must not show in their times. */
static void untouched(void)
{
	struct timespec set[2] = { { 1000, 1 }, { 2000, 2 } };
	struct stat st;

	try(utimensat(AT_FDCWD, "dir", set, 0));
	try(utimensat(AT_FDCWD, "file", set, 0));
	stat("dir", &st);
	access("dir/x", F_OK);
	close(open("file", O_RDONLY));
	close(open("file", O_WRONLY));
	close(open("dir", O_PATH));
	chmod("file", 0600);
	say_times("dir");
	say_times("file");
	close(open("file", O_WRONLY | O_TRUNC));
	stat("file", &st);
	say("truncated: %d", st.st_mtim.tv_sec > 1000000000);
	close(open("dir/x", O_WRONLY | O_CREAT, 0600));
	stat("dir", &st);
	say("created in: %d", st.st_mtim.tv_sec > 1000000000);
}

int main(void)
{
	umask(022);
	make_dir("dir", 0755);
	make_file("file", 0644, "text");
	make_file("closed", 0, "");
	make_dir("shut", 0);
	if (symlink("file", "link") < 0 || symlink("nowhere", "dangling") < 0 ||
	    symlink("loop", "loop") < 0)
		fail_errno("symlink");
	lengths();
	modes();
	owners();
	times();
	untouched();
	return 0;
}
