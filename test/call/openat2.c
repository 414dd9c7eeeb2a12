/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * openat2: every RESOLVE flag, odd sizes of struct open_how.
 *
 * inside: yes
 * cow: yes
 */
#include <linux/openat2.h>

#include "test/lib.h"

/*
 * The kernel answers EAGAIN for a ".." that it cannot prove to stay inside
 * because something was renamed anywhere on the machine meanwhile: the caller
 * asks again (openat2(2)). From the cache alone it is an answer.
 */
static int ask(int dir, const char *path, struct open_how *how)
{
	int fd;

	do {
		errno = 0;
		fd = syscall(SYS_openat2, dir, path, how, sizeof(*how));
	} while (fd < 0 && errno == EAGAIN && !(how->resolve & RESOLVE_CACHED));
	return fd;
}

static void open_how(int dir, const char *path, uint64_t flags, uint64_t mode,
		     uint64_t resolve)
{
	struct open_how how = { flags, mode, resolve };
	int fd = ask(dir, path, &how);

	/* What is in the cache depends on who else uses the machine. */
	if (resolve & RESOLVE_CACHED)
		say("openat2 %.30s from the cache", path);
	else if (fd < 0)
		say("openat2 %.30s %#llx %#llo %#llx: %s", path,
		    (unsigned long long)flags, (unsigned long long)mode,
		    (unsigned long long)resolve, error_name(errno));
	else
		say("openat2 %.30s %#llx %#llo %#llx: number %d flags %#x",
		    path, (unsigned long long)flags, (unsigned long long)mode,
		    (unsigned long long)resolve, fd, fcntl(fd, F_GETFL));
	if (fd >= 0)
		close(fd);
}

static void resolving(int dir)
{
	static const char *const path[] = { "file", "link", "abslink",
		"uplink", "sub/in", "sub/up", "sublink/in", "..", "../top",
		"../dir/file", "/", "/file", "/etc/passwd", "sub/../file",
		"sub/../../top", "none", "loop", "", ".", "file/",
		"/proc/self/fd/0", "/proc/self/exe", "/proc/self/cwd/top",
		"procself/status", "/dev/null" };
	static const uint64_t resolve[] = { 0, RESOLVE_NO_XDEV,
		RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH,
		RESOLVE_IN_ROOT, RESOLVE_CACHED,
		RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
		RESOLVE_IN_ROOT | RESOLVE_NO_XDEV };

	for (size_t r = 0; r < sizeof(resolve) / sizeof(*resolve); r++)
		for (size_t p = 0; p < sizeof(path) / sizeof(*path); p++)
			open_how(dir, path[p], O_RDONLY, 0, resolve[r]);
	open_how(dir, "link", O_PATH | O_NOFOLLOW, 0, RESOLVE_NO_SYMLINKS);
	open_how(dir, "new", O_CREAT | O_RDWR, 0640, RESOLVE_BENEATH);
	say_lstat("dir/new");
	open_how(dir, "/new2", O_CREAT | O_RDWR, 0640, RESOLVE_IN_ROOT);
	say_lstat("dir/new2");
	open_how(dir, "/../../new3", O_CREAT | O_RDWR, 0640, RESOLVE_IN_ROOT);
	say_lstat("dir/new3");
	open_how(AT_FDCWD, "dir/file", O_RDONLY, 0, RESOLVE_BENEATH);
	open_how(AT_FDCWD, "../", O_RDONLY, 0, RESOLVE_BENEATH);
	open_how(999, "file", O_RDONLY, 0, RESOLVE_BENEATH);
	open_how(999, "/dev/null", O_RDONLY, 0, 0);
	open_how(999, "/dev/null", O_RDONLY, 0, RESOLVE_IN_ROOT);
}

/* What openat forgives, openat2 refuses. */
static void strictness(void)
{
	open_how(AT_FDCWD, "top", O_RDONLY, 0600, 0);
	open_how(AT_FDCWD, "top", O_RDONLY | 0x40000000, 0, 0);
	open_how(AT_FDCWD, "top", 1ULL << 40, 0, 0);
	open_how(AT_FDCWD, "top", O_CREAT | O_RDWR, 0100644, 0);
	open_how(AT_FDCWD, "top", O_CREAT | O_RDWR, 1ULL << 40, 0);
	open_how(AT_FDCWD, "top", O_PATH | O_RDWR, 0, 0);
	open_how(AT_FDCWD, "top", O_PATH | O_CLOEXEC, 0, 0);
	open_how(AT_FDCWD, "top", O_RDONLY, 0, 0x1000);
	open_how(AT_FDCWD, "top", O_RDONLY, 0, RESOLVE_BENEATH | RESOLVE_IN_ROOT);
	open_how(AT_FDCWD, "top", O_WRONLY | O_TRUNC, 0, RESOLVE_CACHED);
	open_how(AT_FDCWD, ".", O_TMPFILE | O_RDWR, 0600, RESOLVE_BENEATH);
	open_how(AT_FDCWD, "x", O_CREAT | O_DIRECTORY, 0600, 0);
}

static void sizes(void)
{
	struct { struct open_how how; uint64_t more; } big = {
		.how = { .flags = O_RDONLY } };
	struct open_how *tail = tail_alloc(sizeof(*tail));

	memset(tail, 0, sizeof(*tail));
	try_fd(syscall(SYS_openat2, AT_FDCWD, "top", tail, sizeof(*tail)));
	try(syscall(SYS_openat2, AT_FDCWD, "top", tail, sizeof(*tail) + 8));
	try(syscall(SYS_openat2, AT_FDCWD, "top", tail, 8));
	try(syscall(SYS_openat2, AT_FDCWD, "top", tail, 0));
	try_fd(syscall(SYS_openat2, AT_FDCWD, "top", &big, sizeof(big)));
	big.more = 1;
	try(syscall(SYS_openat2, AT_FDCWD, "top", &big, sizeof(big)));
	try(syscall(SYS_openat2, AT_FDCWD, "top", &big, 1000000));
	try(syscall(SYS_openat2, AT_FDCWD, "top", bad_pointer(), 24));
	try(syscall(SYS_openat2, AT_FDCWD, bad_pointer(), tail, 24));
	try(syscall(SYS_openat2, AT_FDCWD, bad_pointer(), bad_pointer(), 8));
}

int main(void)
{
	int dir;

	umask(022);
	make_dir("dir", 0755);
	make_dir("dir/sub", 0755);
	make_file("dir/sub/in", 0644, "in");
	make_file("dir/file", 0644, "file");
	make_file("top", 0644, "top");
	if (symlink("file", "dir/link") < 0 ||
	    symlink("/file", "dir/abslink") < 0 ||
	    symlink("../top", "dir/uplink") < 0 ||
	    symlink("../../top", "dir/sub/up") < 0 ||
	    symlink("sub", "dir/sublink") < 0 ||
	    symlink("/proc/self", "dir/procself") < 0 ||
	    symlink("loop", "dir/loop") < 0)
		fail_errno("symlink");
	dir = open("dir", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	resolving(dir);
	strictness();
	sizes();
	return 0;
}
