/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Flags that do not exist or contradict each other, and in which order the
 * kernel finds what else is wrong.
 *
 * inside: yes
 * cow: yes
 */
#include <linux/openat2.h>

#include "test/lib.h"

#define ODD 0x40000000

static const char *const names[] = { "file", "dir", "link", "none", "none/x",
	"file/x", "" };
#define NNAMES (sizeof(names) / sizeof(names[0]))

/* The call with its name, and what it gave. */
static void told(const char *what, const char *name, long ret)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %s", what, name);
	result(text, ret);
}
#define TOLD(what, name, call) (errno = 0, told(what, name, (call)))

static void unknown_flags(const char *n)
{
	static char buf[512];

	TOLD("statx", n, syscall(SYS_statx, AT_FDCWD, n, ODD, 0, buf));
	TOLD("statx mask", n, syscall(SYS_statx, AT_FDCWD, n, 0, 1u << 31, buf));
	TOLD("statx sync", n, syscall(SYS_statx, AT_FDCWD, n, 0x6000, 0, buf));
	TOLD("fchownat", n, syscall(SYS_fchownat, AT_FDCWD, n, -1, -1, ODD));
	TOLD("utimensat", n, syscall(SYS_utimensat, AT_FDCWD, n, NULL, ODD));
	TOLD("fchmodat2", n, syscall(452, AT_FDCWD, n, 0600, ODD));
	TOLD("faccessat2", n, syscall(SYS_faccessat2, AT_FDCWD, n, F_OK, ODD));
	TOLD("faccessat mode", n, syscall(SYS_faccessat, AT_FDCWD, n, 8));
	TOLD("access mode", n, syscall(SYS_access, n, 64));
	TOLD("linkat", n, syscall(SYS_linkat, AT_FDCWD, n, AT_FDCWD, "no", ODD));
	TOLD("linkat to", n, syscall(SYS_linkat, AT_FDCWD, "file", AT_FDCWD, n,
				     AT_SYMLINK_NOFOLLOW));
	TOLD("unlinkat", n, syscall(SYS_unlinkat, AT_FDCWD, n, ODD));
	TOLD("renameat2", n, syscall(SYS_renameat2, AT_FDCWD, n, AT_FDCWD,
				     "no", ODD));
	TOLD("renameat2 both", n, syscall(SYS_renameat2, AT_FDCWD, n, AT_FDCWD,
					  "file", 3));
	TOLD("setxattr", n, syscall(SYS_setxattr, n, "user.a", "x", 1, ODD));
#ifdef SYS_newfstatat
	TOLD("newfstatat", n, syscall(SYS_newfstatat, AT_FDCWD, n, buf, ODD));
#endif
}

static void opened(const char *what, const char *n, int fd)
{
	told(what, n, fd < 0 ? fd : 0);
	if (fd >= 0)
		close(fd);
}
#define OPENED(what, name, call) (errno = 0, opened(what, name, (call)))

static int how(const char *n, uint64_t flags, uint64_t mode, uint64_t resolve)
{
	struct open_how h = { flags, mode, resolve };

	return syscall(SYS_openat2, AT_FDCWD, n, &h, sizeof(h));
}

static int long_how(const char *n, uint64_t more, size_t size)
{
	struct { struct open_how how; uint64_t more[512]; } h = { 0 };

	h.more[size / 8 - 4] = more;
	return syscall(SYS_openat2, AT_FDCWD, n, &h, size);
}

static void opening(const char *n)
{
	OPENED("openat2 odd", n, how(n, 0x20000000, 0, 0));
	OPENED("openat2 odder", n, how(n, 1ull << 40, 0, 0));
	OPENED("openat2 path", n, how(n, O_PATH | O_WRONLY, 0, 0));
	OPENED("openat2 inside", n, how(n, 0, 0, RESOLVE_BENEATH |
					RESOLVE_IN_ROOT));
	OPENED("openat2 resolve", n, how(n, 0, 0, 0x1000));
	OPENED("openat2 mode", n, how(n, 0, 0600, 0));
	OPENED("openat2 large mode", n, how(n, O_CREAT, 0100600, 0));
	OPENED("openat2 longer", n, long_how(n, 0, 32));
	OPENED("openat2 tail", n, long_how(n, 1, 32));
	OPENED("openat2 page", n, long_how(n, 0, 4096));
	OPENED("openat2 end of page", n, long_how(n, 1, 4096));
	OPENED("openat2 over", n, long_how(n, 0, 4104));
	OPENED("openat2 short", n, syscall(SYS_openat2, AT_FDCWD, n, "", 16));
	OPENED("openat2 nowhere", n, syscall(SYS_openat2, AT_FDCWD, n,
					     bad_pointer(), 24));
	OPENED("creat dir", n, open(n, O_CREAT | O_DIRECTORY, 0600));
	OPENED("tmpfile to read", n, open(n, O_TMPFILE | O_RDONLY, 0600));
	OPENED("half a tmpfile", n, open(n, O_TMPFILE & ~O_DIRECTORY, 0600));
	OPENED("path and all", n, open(n, O_PATH | O_CREAT | O_EXCL | O_WRONLY));
}

static void creating(void)
{
	static const char *const path[] = { "file/", "dir/", "link/", "hang/",
		"no/", ".", "..", "dir/.", "none/x/" };

	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
		OPENED("creat", path[i], open(path[i], O_CREAT | O_WRONLY, 0600));
		OPENED("creat excl", path[i], open(path[i], O_CREAT | O_EXCL |
						   O_RDONLY, 0600));
	}
	say_names(".");
}

/* --- times --- */

static void times(const char *n)
{
	struct timespec none[2] = { { 0, UTIME_OMIT }, { 0, UTIME_OMIT } };
	struct timespec bad[2] = { { 0, -1 }, { 0, 0 } };

	TOLD("neither time", n, utimensat(AT_FDCWD, n, none, 0));
	TOLD("bad time", n, utimensat(AT_FDCWD, n, bad, 0));
	TOLD("no time", n, syscall(SYS_utimensat, AT_FDCWD, n, bad_pointer(), 0));
	TOLD("neither, odd", n, syscall(SYS_utimensat, AT_FDCWD, n, none, ODD));
}

/* --- files without a name --- */

static void nameless(void)
{
	int t = open(".", O_TMPFILE | O_RDWR, 0640), dir = open("dir", O_PATH);
	char path[64];

	if (t < 0) {
		say("no O_TMPFILE: %s", error_name(errno));
		return;
	}
	snprintf(path, sizeof(path), "/proc/self/fd/%d", t);
	try(linkat(AT_FDCWD, path, AT_FDCWD, "by link", AT_SYMLINK_FOLLOW));
	try(linkat(AT_FDCWD, path, dir, "by link too", AT_SYMLINK_FOLLOW));
	try(linkat(t, "", AT_FDCWD, "by number", AT_EMPTY_PATH));
	try(linkat(t, "", AT_FDCWD, "file", AT_EMPTY_PATH));
	try(linkat(AT_FDCWD, path, AT_FDCWD, "no", 0));
	say_names(".");
	say_names("dir");
	close(t);
	t = open(".", O_TMPFILE | O_EXCL | O_RDWR, 0640);
	try(linkat(t, "", AT_FDCWD, "exclusive", AT_EMPTY_PATH));
	close(t);
	t = open("file", O_RDONLY);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", t);
	try(linkat(AT_FDCWD, path, AT_FDCWD, "file again", AT_SYMLINK_FOLLOW));
	say_lstat("file again");
	close(t);
	close(dir);
}

int main(void)
{
	umask(022);
	make_dir("dir", 0755);
	make_file("file", 0644, "text");
	if (symlink("file", "link") < 0 || symlink("nothing", "hang") < 0)
		fail_errno("symlink");
	for (size_t i = 0; i < NNAMES; i++) {
		unknown_flags(names[i]);
		opening(names[i]);
		times(names[i]);
	}
	creating();
	nameless();
	return 0;
}
