/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * file_open DIR: opens everything in every way in an empty directory, and
 * says what came of it. The same on every file system that is one.
 */
#include <limits.h>
#include <sys/sendfile.h>
#include <sys/statfs.h>

#include "test/lib.h"

static const struct {
	const char *name;
	int flag;
} ways[] = {
	{ "", 0 },
	{ "CREAT", O_CREAT },
	{ "CREAT|EXCL", O_CREAT | O_EXCL },
	{ "TRUNC", O_TRUNC },
	{ "CREAT|TRUNC", O_CREAT | O_TRUNC },
	{ "APPEND", O_APPEND },
	{ "DIRECTORY", O_DIRECTORY },
	{ "NOFOLLOW", O_NOFOLLOW },
	{ "CREAT|NOFOLLOW", O_CREAT | O_NOFOLLOW },
	{ "NONBLOCK", O_NONBLOCK },
	{ "CLOEXEC|NOCTTY", O_CLOEXEC | O_NOCTTY },
	{ "DSYNC", O_DSYNC },
	{ "SYNC", O_SYNC },
	{ "PATH", O_PATH },
	{ "PATH|NOFOLLOW", O_PATH | O_NOFOLLOW },
	{ "PATH|DIRECTORY", O_PATH | O_DIRECTORY },
};

static const char *const things[] = {
	"none", "file", "dir", "to_file", "to_none", "to_dir", "loop",
	"file/", "dir/", "none/", "to_file/", "to_dir/", "file/x", "none/x",
	"dir/x", ".", "dir/..", "secret", "only_w", "only_r", "",
};

enum { WAYS = sizeof(ways) / sizeof(ways[0]) };
enum { THINGS = sizeof(things) / sizeof(things[0]) };

static void lay_out(void)
{
	remove_tree("dir");
	unlink("none");
	unlink("secret");
	unlink("only_w");
	unlink("only_r");
	make_file("file", 0644, "0123456789");
	make_file("secret", 0, "secret");
	make_file("only_w", 0200, "only_w");
	make_file("only_r", 0400, "only_r");
	make_dir("dir", 0755);
	(void)!symlink("file", "to_file");
	(void)!symlink("none", "to_none");
	(void)!symlink("dir", "to_dir");
	(void)!symlink("loop", "loop");
}

/* The flags that an open file shows; the others are about its name. */
#define KEPT_FLAGS (O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC)

/* What a descriptor is good for, and where it is. */
static void look_at(const char *what, int fd)
{
	char text[8] = "";
	struct stat st;
	int r, w, flags = fcntl(fd, F_GETFL);

	r = read(fd, text, 4) < 0 ? errno : 0;
	w = write(fd, "abcdef", 6) < 0 ? errno : 0;
	if (fstat(fd, &st))
		say("%s: fstat %s", what, error_name(errno));
	say("%s: flags %o type %o size %lld read %s '%s' write %s at %lld",
	    what, S_ISDIR(st.st_mode) ? 0 : flags & KEPT_FLAGS,
	    st.st_mode & S_IFMT, S_ISDIR(st.st_mode) ? 0LL : (long long)st.st_size,
	    error_name(r), text, error_name(w),
	    S_ISDIR(st.st_mode) ? 0LL : (long long)lseek(fd, 0, SEEK_CUR));
}

static void open_one(const char *thing, int way, int acc)
{
	static const char *const names[] = { "R", "W", "RW" };
	char what[128];
	int fd;

	snprintf(what, sizeof(what), "open '%s' %s %s", thing, names[acc],
		 ways[way].name);
	errno = 0;
	fd = open(thing, acc | ways[way].flag, 0640);
	result_fd(what, fd);
	if (fd < 0)
		return;
	look_at(what, fd);
	close(fd);
	if (ways[way].flag & (O_CREAT | O_TRUNC) || acc) {
		say_lstat(thing);
		say_lstat("none");
	}
}

static void open_everything(void)
{
	for (int t = 0; t < THINGS; t++)
		for (int w = 0; w < WAYS; w++)
			for (int acc = O_RDONLY; acc <= O_RDWR; acc++) {
				lay_out();
				open_one(things[t], w, acc);
			}
	remove_tree("dir");
}

/* --- data --- */

static void show(const char *path)
{
	char data[4096];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, data, sizeof(data));

	close(fd);
	if (n >= 0)
		say_bytes(path, data, n);
	say_lstat(path);
}

static void positions(void)
{
	char data[64];
	int fd = try_fd(open("data", O_RDWR | O_CREAT | O_EXCL, 0600));

	try(write(fd, "hello world", 11));
	try(pwrite(fd, "WORLD", 5, 6));
	try(lseek(fd, 0, SEEK_CUR));
	try(pread(fd, data, sizeof(data), 3));
	try(pread(fd, data, sizeof(data), 11));
	try(pread(fd, data, sizeof(data), 1 << 20));
	try(pread(fd, data, sizeof(data), -1));
	try(lseek(fd, -1, SEEK_SET));
	try(lseek(fd, -3, SEEK_END));
	try(read(fd, data, sizeof(data)));
	try(read(fd, data, sizeof(data)));
	try(lseek(fd, 100, SEEK_SET));
	try(read(fd, data, sizeof(data)));
	try(write(fd, "end", 3));
	show("data");
	try(close(fd));
	try(read(fd, data, 1));
	show("data");
	try(unlink("data"));
}

static void lengths(void)
{
	int fd = try_fd(open("len", O_RDWR | O_CREAT, 0666));
	int ro = try_fd(open("len", O_RDONLY));

	try(write(fd, "0123456789", 10));
	try(ftruncate(fd, 4));
	show("len");
	try(ftruncate(fd, 8));
	show("len");
	try(ftruncate(fd, -1));
	try(ftruncate(ro, 1));
	try(truncate("len", 2));
	show("len");
	try(write(fd, "after", 5));
	show("len");
	try(truncate("len", 6000));
	try(lseek(ro, 0, SEEK_END));
	try(truncate("len", 5));
	show("len");
	try(truncate("len", -1));
	try(truncate("none", 1));
	try(truncate(".", 1));
	try(truncate("len/", 1));
	try(close(fd));
	try(truncate("len", 12));
	show("len");
	try(truncate("len", 0));
	show("len");
	try(close(ro));
	try(unlink("len"));
}

static void holes(void)
{
	int fd = try_fd(open("hole", O_RDWR | O_CREAT, 0666));
	char *block = repeat('b', 4096), data[32];

	try(pwrite(fd, block, 4096, 0));
	try(pwrite(fd, block, 4096, 1 << 20));
	try(pread(fd, data, sizeof(data), 8192));
	say_bytes("in the hole", data, sizeof(data));
	try(fsync(fd));
	try(lseek(fd, 0, SEEK_DATA));
	try(lseek(fd, 0, SEEK_HOLE));
	try(lseek(fd, 4096, SEEK_DATA));
	try(lseek(fd, 1 << 20, SEEK_HOLE));
	try(lseek(fd, (1 << 20) + 4096, SEEK_DATA));
	try(lseek(fd, 1 << 22, SEEK_HOLE));
	say_lstat("hole");
	try(close(fd));
	fd = try_fd(open("hole", O_RDONLY));
	try(pread(fd, data, sizeof(data), (1 << 20) - 16));
	say_bytes("at its end", data, sizeof(data));
	try(close(fd));
	try(unlink("hole"));
	free(block);
}

static void reserved(void)
{
	int fd = try_fd(open("room", O_RDWR | O_CREAT, 0666));
	int ro = try_fd(open("room", O_RDONLY));

	try(write(fd, "start", 5));
	try(posix_fallocate(fd, 0, 100));
	say_lstat("room");
	try(fallocate(fd, 0, 50, -1));
	try(fallocate(fd, 0, -1, 10));
	try(fallocate(ro, 0, 0, 10));
	show("room");
	try(close(fd));
	try(close(ro));
	say_lstat("room");
	try(unlink("room"));
}

static void copies(void)
{
	int in = try_fd(open("in", O_RDWR | O_CREAT, 0666));
	int out = try_fd(open("out", O_RDWR | O_CREAT, 0666));
	off_t at = 2, to = 20;

	try(write(in, "0123456789", 10));
	try(sendfile(out, in, &at, 5));
	say("at %lld", (long long)at);
	show("out");
	at = 0;
	try(copy_file_range(in, &at, out, &to, 8, 0));
	say("at %lld to %lld", (long long)at, (long long)to);
	show("out");
	try(copy_file_range(in, &at, out, &to, 8, 1));
	at = 100;
	try(copy_file_range(in, &at, out, &to, 8, 0));
	try(close(in));
	try(close(out));
	show("out");
	try(unlink("in"));
	try(unlink("out"));
}

/* --- attributes of what is open --- */

static long compare(struct timespec a, struct timespec b)
{
	return a.tv_sec != b.tv_sec ? (a.tv_sec > b.tv_sec ? 1 : -1) :
	       a.tv_nsec != b.tv_nsec ? (a.tv_nsec > b.tv_nsec ? 1 : -1) : 0;
}

static void say_times(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		say("times of %s: %s", path, error_name(errno));
	else
		say("times of %s: %lld.%09ld %lld.%09ld", path,
		    (long long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
		    (long long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

static const struct timespec fixed[2] = { { 1000000001, 123456789 },
					  { 1000000002, 987654321 } };

/* Times that are set are seen as they are; those that are now, as newer. */
static void set_times(void)
{
	struct timespec t[2] = { fixed[0], fixed[1] };
	struct stat a, b;
	int fd = try_fd(open("time", O_RDWR | O_CREAT, 0666));

	try(write(fd, "x", 1));
	try(futimens(fd, fixed));
	say_times("time");
	t[0].tv_nsec = UTIME_OMIT;
	t[1] = (struct timespec){ 5, 6 };
	try(utimensat(AT_FDCWD, "time", t, 0));
	say_times("time");
	t[1].tv_nsec = UTIME_OMIT;
	try(utimensat(AT_FDCWD, "time", t, 0));
	say_times("time");
	t[0] = (struct timespec){ 7, 8 };
	try(utimensat(AT_FDCWD, "time", t, AT_SYMLINK_NOFOLLOW));
	say_times("time");
	t[0].tv_nsec = 1000000000;
	try(utimensat(AT_FDCWD, "time", t, 0));
	try(utimensat(AT_FDCWD, "none", fixed, 0));
	stat("time", &a);
	try(write(fd, "y", 1));
	fstat(fd, &b);
	say("a write makes it newer: %ld", compare(b.st_mtim, a.st_mtim));
	t[0].tv_nsec = UTIME_OMIT;
	t[1].tv_nsec = UTIME_NOW;
	try(futimens(fd, fixed));
	try(futimens(fd, t));
	fstat(fd, &a);
	say("now is later: %d", compare(a.st_mtim, b.st_mtim) >= 0);
	try(close(fd));
	try(unlink("time"));
}

/* A file's times are not changed by time that passes until it is stored. */
static void kept_times(void)
{
	struct stat a, b;
	int fd = try_fd(open("kept", O_RDWR | O_CREAT, 0666));

	try(write(fd, "kept", 4));
	fstat(fd, &a);
	stat("kept", &b);
	say("fstat and stat: %ld", compare(a.st_mtim, b.st_mtim));
	try(fsync(fd));
	stat("kept", &b);
	say("after fsync: %ld", compare(a.st_mtim, b.st_mtim));
	try(close(fd));
	stat("kept", &b);
	say("after close: %ld", compare(a.st_mtim, b.st_mtim));
	try(rename("kept", "moved"));
	stat("moved", &b);
	say("after rename: %ld", compare(a.st_mtim, b.st_mtim));
	try(unlink("moved"));
}

static void modes(void)
{
	struct stat st;
	int fd = try_fd(open("mode", O_RDWR | O_CREAT, 0666));

	for (int mode = 0; mode < 010000; mode += 0111) {
		fchmod(fd, mode);
		fstat(fd, &st);
		say("fchmod %o: %o", mode, st.st_mode);
		chmod("mode", mode ^ 0700);
		lstat("mode", &st);
		say("chmod %o: %o", mode ^ 0700, st.st_mode);
	}
	try(fchmod(fd, 0640));
	try(fchown(fd, -1, -1));
	try(fchown(fd, geteuid(), getegid()));
	try(lchown("mode", geteuid(), -1));
	say_lstat("mode");
	try(chmod("none", 0));
	try(fchmodat(AT_FDCWD, "mode", 0600, 0));
	try(access("mode", X_OK));
	try(access("mode", R_OK | W_OK));
	try(faccessat(AT_FDCWD, "mode", F_OK, AT_EACCESS));
	try(faccessat(AT_FDCWD, "none", F_OK, 0));
	try(access("mode/", F_OK));
	try(close(fd));
	try(unlink("mode"));
}

/* --- what is open and has no name, or another --- */

static void open_and_gone(void)
{
	char data[64] = "";
	struct stat st;
	int fd = try_fd(open("gone", O_RDWR | O_CREAT, 0600));
	int again;

	try(write(fd, "still here", 10));
	try(unlink("gone"));
	try(fstat(fd, &st));
	say("links %ld size %lld", (long)st.st_nlink, (long long)st.st_size);
	try(pread(fd, data, 10, 0));
	try(pwrite(fd, "more", 4, 10));
	try(ftruncate(fd, 12));
	try(fchmod(fd, 0604));
	try(fstat(fd, &st));
	say("mode %o links %ld size %lld", st.st_mode, (long)st.st_nlink,
	    (long long)st.st_size);
	try(fsync(fd));
	again = try_fd(open("gone", O_RDWR | O_CREAT | O_EXCL, 0644));
	try(write(again, "new", 3));
	try(pread(fd, data, 64, 0));
	say_bytes("the old one", data, 12);
	show("gone");
	try(close(again));
	try(close(fd));
	show("gone");
	try(unlink("gone"));
}

static void open_and_renamed(void)
{
	int fd = try_fd(open("old", O_RDWR | O_CREAT, 0600)), other;
	struct stat a, b;

	try(write(fd, "one", 3));
	try(rename("old", "new"));
	try(write(fd, "two", 3));
	show("new");
	say_lstat("old");
	fstat(fd, &a);
	stat("new", &b);
	say("the same file: %d", a.st_ino == b.st_ino && a.st_dev == b.st_dev);
	other = try_fd(open("victim", O_RDWR | O_CREAT, 0600));
	try(write(other, "victim", 6));
	try(rename("new", "victim"));
	fstat(other, &b);
	say("the victim: links %ld size %lld", (long)b.st_nlink,
	    (long long)b.st_size);
	try(pwrite(other, "still", 5, 0));
	try(pwrite(fd, "ONE", 3, 0));
	show("victim");
	try(close(other));
	try(close(fd));
	show("victim");
	try(unlink("victim"));
}

static void two_names(void)
{
	struct stat a, b;
	int fd = try_fd(open("a", O_RDWR | O_CREAT, 0600)), other;

	try(write(fd, "one", 3));
	try(link("a", "b"));
	other = try_fd(open("b", O_RDWR | O_APPEND));
	try(write(other, "two", 3));
	show("a");
	show("b");
	try(ftruncate(fd, 4));
	show("b");
	stat("a", &a);
	stat("b", &b);
	say("one file: %d", a.st_ino == b.st_ino);
	try(unlink("a"));
	try(pwrite(fd, "X", 1, 0));
	try(close(fd));
	show("b");
	try(rename("b", "b"));
	try(close(other));
	show("b");
	try(unlink("b"));
}

int main(int argc, char **argv)
{
	if (argc != 2 || chdir(argv[1]))
		fail("usage: file_open DIR");
	umask(027);
	open_everything();
	positions();
	lengths();
	holes();
	reserved();
	copies();
	set_times();
	kept_times();
	modes();
	open_and_gone();
	open_and_renamed();
	two_names();
	return 0;
}
