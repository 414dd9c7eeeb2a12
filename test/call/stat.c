/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * stat in all its forms: results, buffers, padding.
 *
 * inside: yes
 * cow: yes
 */
#include <sys/sysmacros.h>
#include <sys/vfs.h>

#include "test/lib.h"

/* The C library of i386 converts: bad pointers are for the kernel alone. */
#ifdef __i386__
#define SYS_FSTATAT	SYS_fstatat64
#define SYS_FSTAT	SYS_fstat64
#else
#define SYS_FSTATAT	SYS_newfstatat
#define SYS_FSTAT	SYS_fstat
#endif

static long raw_stat(const char *path, void *buf)
{
	return syscall(SYS_FSTATAT, AT_FDCWD, path, buf, 0);
}

static void setup(void)
{
	umask(022);
	make_dir("dir", 0711);
	make_file("file", 0640, "hello");
	make_file("dir/in", 0600, "");
	make_dir("shut", 0);
	if (symlink("file", "link") < 0 || symlink("dir", "dirlink") < 0 ||
	    symlink("none", "dangling") < 0 || symlink("loop", "loop") < 0)
		fail_errno("setup");
}

/* Every byte the kernel writes, with the file's own facts as seen by fstat. */
static void compare_bytes(const char *path)
{
	struct stat *a = tail_alloc(sizeof(*a)), b;
	int fd = open(path, O_PATH | O_CLOEXEC);

	memset(a, 0xa5, sizeof(*a));
	memset(&b, 0xa5, sizeof(b));
	if (stat(path, a) < 0 || fstat(fd, &b) < 0)
		fail("%s: %s", path, error_name(errno));
	say("%s: stat and fstat %s, the last bytes %02x%02x", path,
	    memcmp(a, &b, sizeof(b)) ? "differ" : "agree",
	    ((unsigned char *)a)[sizeof(*a) - 2],
	    ((unsigned char *)a)[sizeof(*a) - 1]);
	close(fd);
}

static void names(void)
{
	static const char *const path[] = {
		"file", "dir", "link", "dirlink", "dangling", "loop", "shut",
		"shut/x", "none", "file/x", "file/", "dir/", "link/",
		"dirlink/", "dirlink/.", "dangling/", "", ".", "..", "/",
		"/..", "/../../..", "dir/../file", "dirlink/../file",
		"dirlink/in", "/dev/null", "/proc", "/proc/self/exe",
		"/proc/self/fd/0", "/proc/self/cwd", "/proc/self/cwd/file",
		"/proc/self/root", "/proc/thread-self/fd/0", "//dev//null",
	};
	struct stat st;

	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
		say_lstat(path[i]);
		if (try(fstatat(AT_FDCWD, path[i], &st, 0)) == 0)
			say_stat(path[i], &st);
	}
}

static void flags(void)
{
	int dir = open("dir", O_RDONLY | O_CLOEXEC);
	int path = open("file", O_PATH | O_CLOEXEC);
	int link = open("link", O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	try(fstatat(dir, "in", &st, 0));
	try(fstatat(dir, "", &st, 0));
	try(fstatat(dir, "", &st, AT_EMPTY_PATH));
	try(fstatat(path, "", &st, AT_EMPTY_PATH));
	say_stat("O_PATH", &st);
	try(fstatat(link, "", &st, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
	say_stat("O_PATH link", &st);
	try(fstatat(AT_FDCWD, "", &st, AT_EMPTY_PATH));
	try(fstatat(AT_FDCWD, "link", &st, AT_SYMLINK_NOFOLLOW));
	try(fstatat(AT_FDCWD, "link", &st, AT_NO_AUTOMOUNT));
	try(fstatat(AT_FDCWD, "file", &st, AT_SYMLINK_FOLLOW));
	try(fstatat(AT_FDCWD, "file", &st, 0x4000));
	try(fstatat(999, "file", &st, 0));
	try(fstatat(999, "/dev/null", &st, 0));
	try(fstatat(path, "x", &st, 0));
	try(fstatat(999, "", &st, AT_EMPTY_PATH));
	try(fstat(path, &st));
	try(fstat(999, &st));
	try(fstat(-1, &st));
	close(dir);
	close(path);
	close(link);
}

static void pointers(void)
{
	struct stat st, *half = (void *)((char *)tail_alloc(16));
	char *endless = tail_alloc(4);

	memset(endless, 'e', 4);
	try(raw_stat(bad_pointer(), &st));
	try(raw_stat(NULL, &st));
	try(raw_stat(endless, &st));
	try(raw_stat("file", bad_pointer()));
	try(raw_stat("none", bad_pointer()));
	try(raw_stat("file", half));
	try(raw_stat(tail_string("file"), &st));
	try(syscall(SYS_FSTAT, 0, bad_pointer()));
	try(syscall(SYS_FSTAT, 999, bad_pointer()));
	try(syscall(SYS_statx, AT_FDCWD, "file", 0, STATX_ALL, bad_pointer()));
	try(syscall(SYS_statx, AT_FDCWD, bad_pointer(), 0, 0, &st));
}

static void say_statx(const char *what, const struct statx *sx)
{
	say("%s: mask %x blksize %u nlink %u mode %o size %llu attributes %llx",
	    what, sx->stx_mask, sx->stx_blksize,
	    S_ISDIR(sx->stx_mode) ? 0 : sx->stx_nlink, sx->stx_mode,
	    S_ISDIR(sx->stx_mode) ? 0 : (unsigned long long)sx->stx_size,
	    (unsigned long long)sx->stx_attributes);
}

static void extended(void)
{
	static const char *const path[] = { "file", "dir", "link", "none",
		"/", "/proc", "/dev/null", "" };
	struct statx *sx = tail_alloc(sizeof(*sx));
	int fd = open("file", O_RDONLY | O_CLOEXEC);

	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
		memset(sx, 0xa5, sizeof(*sx));
		if (try(statx(AT_FDCWD, path[i], AT_SYMLINK_NOFOLLOW,
			      STATX_ALL, sx)) == 0)
			say_statx(path[i], sx);
	}
	memset(sx, 0xa5, sizeof(*sx));
	try(statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | 0x1000, sx));
	say_statx("by descriptor", sx);
	say_bytes("spare", (char *)sx + 0xb8, 0x100 - 0xb8);
	try(statx(fd, "", 0, STATX_ALL, sx));
	try(statx(fd, NULL, AT_EMPTY_PATH, STATX_ALL, sx));
	try(statx(AT_FDCWD, "file", AT_STATX_FORCE_SYNC, 0, sx));
	try(statx(AT_FDCWD, "file", AT_STATX_SYNC_TYPE, 0, sx));
	try(statx(AT_FDCWD, "file", 0x40000000, 0, sx));
	try(statx(AT_FDCWD, "file", 0, 0x80000000, sx));
	try(statx(999, "file", 0, 0, sx));
	try(statx(999, "/dev/null", 0, 0, sx));
	close(fd);
}

static void descriptors(void)
{
	int pipe_fd[2];
	struct stat st;

	if (pipe(pipe_fd) < 0)
		fail_errno("pipe");
	try(fstat(pipe_fd[0], &st));
	say_stat("pipe", &st);
	try(fstatat(pipe_fd[0], "", &st, AT_EMPTY_PATH));
	try(fstat(0, &st));
	say("stdin is device %u:%u", major(st.st_rdev), minor(st.st_rdev));
	close(pipe_fd[0]);
	close(pipe_fd[1]);
}

static void old_calls(void)
{
#ifdef SYS_oldstat
	char *old = tail_alloc(32);

	try(syscall(SYS_oldstat, "file", old));
	try(syscall(SYS_oldlstat, "none", old));
#endif
	char *buf = tail_alloc(256);

	try(syscall(SYS_stat, "file", buf));
	try(syscall(SYS_lstat, "link", buf));
	try(syscall(SYS_fstat, 0, buf));
	try(syscall(SYS_stat, "none", buf));
}

static void deleted_directory(void)
{
	struct stat st;

	make_dir("gone", 0755);
	if (chdir("gone") < 0 || rmdir("../gone") < 0)
		fail_errno("gone");
	try(stat(".", &st));
	say("links %lu", (unsigned long)st.st_nlink);
	try(stat("..", &st));
	try(stat("../file", &st));
	try(stat("x", &st));
}

int main(void)
{
	setup();
	compare_bytes("file");
	compare_bytes("dir");
	compare_bytes("/");
	compare_bytes("/dev/null");
	compare_bytes("/proc/self/maps");
	names();
	flags();
	pointers();
	extended();
	descriptors();
	old_calls();
	in_child("deleted directory", deleted_directory);
	return 0;
}
