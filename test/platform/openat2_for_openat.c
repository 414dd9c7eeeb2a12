/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * openat2() that refuses symlinks opens as openat() does: the same flags, the
 * same errors; but for a symlink, on the way or at the end: ELOOP.
 */
#include <linux/openat2.h>
#include <sys/resource.h>
#include "test/lib.h"

static const int bits[] = { O_CLOEXEC, O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK,
			    O_NOCTTY, 0100000 /* O_LARGEFILE */, O_NOATIME };
enum { NBITS = sizeof(bits) / sizeof(bits[0]) };

static int open2(const char *path, unsigned flags)
{
	struct open_how how = { .flags = flags, .resolve = RESOLVE_NO_SYMLINKS };
	int fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static int open1(const char *path, unsigned flags)
{
	int fd = syscall(SYS_openat, AT_FDCWD, path, flags, 0);

	return fd < 0 ? -errno : fd;
}

static void same(const char *path, unsigned flags)
{
	int a = open1(path, flags), b = open2(path, flags);

	if (a < 0 || b < 0) {
		if (a != b)
			fail("%s 0x%x: %d, %d", path, flags, a, b);
		if (a >= 0)
			close(a);
		if (b >= 0)
			close(b);
		return;
	}
	if (fcntl(a, F_GETFL) != fcntl(b, F_GETFL) ||
	    fcntl(a, F_GETFD) != fcntl(b, F_GETFD))
		fail("%s 0x%x: flags %x, %x", path, flags,
		     fcntl(a, F_GETFL), fcntl(b, F_GETFL));
	close(a);
	close(b);
}

int main(void)
{
	static const char *const path[] = {
		"file", "dir", "dir/file", "dir/no", "no/no", "file/x", "",
		"dir/", "file/", "fifo", ".",
	};
	struct rlimit few = { 3, 3 };

	make_file("file", 0644, "text");
	make_dir("dir", 0755);
	make_file("dir/file", 0644, "text");
	expect(!mkfifo("fifo", 0600));
	expect(!symlink("dir", "link") && !symlink("nowhere", "dangling"));
	for (size_t i = 0; i < sizeof(path) / sizeof(path[0]); i++)
		for (unsigned n = 0; n < 1u << NBITS; n++) {
			unsigned flags = 0;

			for (int b = 0; b < NBITS; b++)
				flags |= n >> b & 1 ? bits[b] : 0;
			if (strcmp(path[i], "fifo") || (flags & O_NONBLOCK))
				same(path[i], flags);
		}
	same(bad_pointer(), O_RDONLY);
	same(tail_string("dir/file"), O_RDONLY);
	expect(open2("link", 0) == -ELOOP && open2("link/file", 0) == -ELOOP);
	expect(open2("link/no", 0) == -ELOOP && open2("dangling", 0) == -ELOOP);
	expect(open2("/proc/self/fd/0", 0) == -ELOOP);
	while (dup(0) >= 0)
		if (fcntl(20, F_GETFD) >= 0)
			setrlimit(RLIMIT_NOFILE, &few);
	expect(open2("no", 0) == -EMFILE && open1("no", 0) == -EMFILE);
	return 0;
}
