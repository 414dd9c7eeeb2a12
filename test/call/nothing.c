/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * No path at all, or an empty one: with which flags it means the descriptor
 * itself, and what it is otherwise.
 *
 * inside: yes
 * cow: yes
 */
#include <linux/openat2.h>

#include "test/lib.h"

static const char *path;

static void told(const char *what, int dir, int flags, long ret)
{
	char text[80];

	snprintf(text, sizeof(text), "%s %s of %s %#x", what,
		 path ? "\"\"" : "NULL", dir == AT_FDCWD ? "." :
		 dir == 99 ? "99" : "fd", flags);
	result(text, ret);
}
#define TOLD(what, call) (errno = 0, told(what, dir, flags, (call)))

static void looking(int dir, int flags)
{
	struct { struct file_handle h; char room[MAX_HANDLE_SZ]; } h = {
		.h.handle_bytes = MAX_HANDLE_SZ };
	char buf[1024];
	int mount;

	TOLD("newfstatat", fstatat(dir, path, (void *)buf, flags));
	TOLD("statx", syscall(SYS_statx, dir, path, flags, 0, buf));
	TOLD("faccessat2", syscall(SYS_faccessat2, dir, path, R_OK, flags));
	TOLD("name_to_handle_at", name_to_handle_at(dir, path, &h.h, &mount,
						    flags));
	TOLD("readlinkat", readlinkat(dir, path, buf, 80));
	TOLD("getxattrat", syscall(464, dir, path, flags, "user.a", buf, 16));
	TOLD("listxattrat", syscall(465, dir, path, flags, buf, 80));
}

static void changing(int dir, int flags)
{
	struct timespec times[2] = { { 1, 0 }, { 2, 0 } };
	char *none[] = { "none", NULL };

	TOLD("fchmodat2", syscall(452, dir, path, 0755, flags));
	TOLD("fchownat", syscall(SYS_fchownat, dir, path, -1, -1, flags));
	TOLD("utimensat", syscall(SYS_utimensat, dir, path, times, flags));
	TOLD("linkat", linkat(dir, path, AT_FDCWD, "linked", flags));
	unlink("linked");
	TOLD("unlinkat", unlinkat(dir, path, flags));
	TOLD("renameat2", syscall(SYS_renameat2, dir, path, AT_FDCWD, "no",
				  flags));
	TOLD("mkdirat", mkdirat(dir, path, 0700));
	TOLD("symlinkat", symlinkat("x", dir, path));
	TOLD("openat", openat(dir, path, O_RDONLY));
	TOLD("execveat", syscall(SYS_execveat, dir, path, none, none, flags));
}

int main(void)
{
	static const int flag[] = { 0, AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW,
		AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW,
		AT_EMPTY_PATH | AT_NO_AUTOMOUNT };
	int dir[] = { AT_FDCWD, 0, 0, 0, 99 };

	make_file("file", 0755, "no program");
	make_dir("dir", 0755);
	dir[1] = open("file", O_RDONLY | O_CLOEXEC);
	dir[2] = open("dir", O_PATH | O_CLOEXEC);
	dir[3] = open("file", O_PATH | O_CLOEXEC);
	for (int n = 0; n < 2; n++) {
		path = n ? "" : NULL;
		for (size_t d = 0; d < sizeof(dir) / sizeof(*dir); d++)
			for (size_t f = 0; f < sizeof(flag) / sizeof(*flag); f++) {
				looking(dir[d], flag[f]);
				changing(dir[d], flag[f]);
			}
	}
	return 0;
}
