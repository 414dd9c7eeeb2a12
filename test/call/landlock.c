/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that locks itself in by landlock, which no library has and few
 * systems have the header of. Where a view may have mounts there is none
 * (test/call/refused.c).
 *
 * views: empty
 */
#include <sys/prctl.h>

#include "test/lib.h"

struct ruleset {
	uint64_t fs, net, scoped;
};

struct __attribute__((packed)) beneath {
	uint64_t allowed;
	int32_t parent;
};

enum { WRITE_FILE = 1 << 1, READ_FILE = 1 << 2, READ_DIR = 1 << 3,
       MAKE_REG = 1 << 8, REFER = 1 << 13 };

static void allow(int rules, const char *path, uint64_t what)
{
	struct beneath b = { what, open(path, O_PATH | O_CLOEXEC) };

	result(path, syscall(445, rules, 1, &b, 0));
	close(b.parent);
}

static void locked_in(void)
{
	struct ruleset all = { .fs = WRITE_FILE | READ_FILE | READ_DIR |
				     MAKE_REG | REFER };
	int rules = syscall(444, &all, 8, 0);
	struct stat st;

	result_fd("landlock", rules);
	if (rules < 0)
		return;
	allow(rules, "open", WRITE_FILE | READ_FILE | READ_DIR | MAKE_REG);
	allow(rules, "read", READ_FILE | READ_DIR);
	try(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	try(syscall(446, rules, 0));
	try_fd(open("open/file", O_RDWR));
	try_fd(open("open/new", O_RDWR | O_CREAT, 0600));
	try_fd(open("read/file", O_RDONLY));
	try_fd(open("read/file", O_WRONLY));
	try_fd(open("read/new", O_RDWR | O_CREAT, 0600));
	try_fd(open("shut/file", O_RDONLY));
	try_fd(open("shut/file", O_PATH));
	try_fd(open("shut", O_RDONLY | O_DIRECTORY));
	try_fd(open("open/../shut/file", O_RDONLY));
	try(rename("open/file", "read/moved"));
	try(link("open/file", "open/linked"));
	try(link("read/file", "open/other"));
	try(stat("shut/file", &st));
	try(truncate("read/file", 1));
	try(mkdir("shut/dir", 0700));
	try(unlink("shut/file"));
	try_fd(open("/etc/passwd", O_RDONLY));
	try(execl("/bin/true", "true", NULL));
}

int main(void)
{
	umask(022);
	make_dir("open", 0755);
	make_file("open/file", 0644, "text");
	make_dir("read", 0755);
	make_file("read/file", 0644, "text");
	make_dir("shut", 0755);
	make_file("shut/file", 0644, "text");
	in_child("locked in", locked_in);
	return 0;
}
