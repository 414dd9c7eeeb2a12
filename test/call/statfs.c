/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * statfs and fstatfs; what changes by itself is left out.
 *
 * inside: yes
 * cow: yes
 */
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "test/lib.h"

static void say_statfs(const char *path)
{
	struct statfs *st = tail_alloc(sizeof(*st));
	char what[64];

	memset(st, 0xa5, sizeof(*st));
	snprintf(what, sizeof(what), "statfs %s", path);
	errno = 0;
	if (result(what, statfs(path, st)) < 0)
		return;
	say("type %lx bsize %ld blocks %llu namelen %ld frsize %ld flags %lx",
	    (unsigned long)st->f_type, (long)st->f_bsize,
	    (unsigned long long)st->f_blocks, (long)st->f_namelen,
	    (long)st->f_frsize, (unsigned long)st->f_flags);
	say_bytes("spare", st->f_spare, sizeof(st->f_spare));
}

int main(void)
{
	static const char *const path[] = { "file", "dir", "link", "dangling",
		"none", "file/", "", ".", "/", "/proc", "/proc/self/fd", "/sys",
		"/dev", "/dev/shm", "/dev/null", "shut/x", "loop", "file/x" };
	struct statfs st;
	int fd, opath;

	umask(022);
	make_dir("dir", 0755);
	make_file("file", 0644, "text");
	make_dir("shut", 0);
	if (symlink("file", "link") < 0 || symlink("nowhere", "dangling") < 0 ||
	    symlink("loop", "loop") < 0)
		fail_errno("setup");
	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++)
		say_statfs(path[i]);
	fd = open("file", O_RDONLY | O_CLOEXEC);
	opath = open("dir", O_PATH | O_CLOEXEC);
	try(fstatfs(fd, &st));
	try(fstatfs(opath, &st));
	try(fstatfs(999, &st));
#ifndef __i386__
	try(fstatfs(fd, bad_pointer()));
	try(syscall(SYS_statfs, "file", bad_pointer()));
	try(syscall(SYS_statfs, bad_pointer(), &st));
	try(syscall(SYS_statfs, tail_string("file"), &st));
#else
	try(syscall(SYS_statfs64, "file", sizeof(st), bad_pointer()));
	try(syscall(SYS_statfs64, "file", 3, &st));
	try(syscall(SYS_statfs64, bad_pointer(), sizeof(st), &st));
#endif
	return 0;
}
