/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes, by name and by descriptor.
 *
 * inside: yes
 * cow: yes
 */
#include <sys/xattr.h>

#include "test/lib.h"

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void say_list(const char *path)
{
	char list[4096], *name[64];
	ssize_t len = listxattr(path, list, sizeof(list));
	int n = 0;

	if (len < 0) {
		say("list %s: %s", path, error_name(errno));
		return;
	}
	for (char *p = list; p < list + len && n < 64; p += strlen(p) + 1)
		if (strncmp(p, "security.", 9))
			name[n++] = p;
	qsort(name, n, sizeof(*name), compare);
	for (int i = 0; i < n; i++)
		say("list %s: %s", path, name[i]);
}

static void setting(void)
{
	static const char *const path[] = { "file", "dir", "link", "dangling",
		"none", "file/", "", ".", "shut/x", "fifo", "loop", "closed" };
	char *huge = repeat('h', 70000), *name = repeat('n', 300);
	char what[96];

	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
		snprintf(what, sizeof(what), "setxattr %s", path[i]);
		errno = 0;
		result(what, setxattr(path[i], "user.a", "value", 5, 0));
		snprintf(what, sizeof(what), "lsetxattr %s", path[i]);
		errno = 0;
		result(what, lsetxattr(path[i], "user.b", "", 0, 0));
		say_list(path[i]);
	}
	memcpy(name, "user.", 5);
	try(setxattr("file", "user.a", "x", 1, XATTR_CREATE));
	try(setxattr("file", "user.none", "x", 1, XATTR_REPLACE));
	try(setxattr("file", "user.a", "x", 1, 8));
	try(setxattr("file", "", "x", 1, 0));
	try(setxattr("file", "user.", "x", 1, 0));
	try(setxattr("file", "nonsense", "x", 1, 0));
	try(setxattr("file", "trusted.t", "x", 1, 0));
	try(setxattr("file", name, "x", 1, 0));
	try(setxattr("file", "user.huge", huge, 70000, 0));
	try(setxattr("file", "user.big", huge, 40000, 0));
	try(setxattr("file", "user.c", bad_pointer(), 5, 0));
	try(setxattr("file", bad_pointer(), "x", 1, 0));
	try(setxattr(bad_pointer(), "user.c", "x", 1, 0));
	try(setxattr("file", "user.zero", NULL, 0, 0));
	free(huge);
	free(name);
}

static void getting(void)
{
	char *tail = tail_alloc(5), buf[256];
	int fd = open("file", O_RDONLY | O_CLOEXEC);
	int path = open("file", O_PATH | O_CLOEXEC);

	try(getxattr("file", "user.a", buf, sizeof(buf)));
	try(getxattr("file", "user.a", tail, 5));
	say_bytes("value", tail, 5);
	try(getxattr("file", "user.a", tail, 2));
	try(getxattr("file", "user.a", NULL, 0));
	try(getxattr("file", "user.a", bad_pointer(), 100));
	try(getxattr("file", "user.none", buf, sizeof(buf)));
	try(getxattr("link", "user.a", buf, sizeof(buf)));
	try(lgetxattr("link", "user.a", buf, sizeof(buf)));
	try(getxattr("none", "user.a", buf, sizeof(buf)));
	try(getxattr("file", "trusted.t", buf, sizeof(buf)));
	try(getxattr("file", "user.a", buf, 100000));
	try(fgetxattr(fd, "user.a", buf, sizeof(buf)));
	try(fgetxattr(path, "user.a", buf, sizeof(buf)));
	try(fgetxattr(999, "user.a", buf, sizeof(buf)));
	try(fsetxattr(fd, "user.f", "f", 1, 0));
	try(fremovexattr(fd, "user.f"));
	try(flistxattr(fd, NULL, 0) > 0);
	try(listxattr("file", buf, 3));
	try(llistxattr("link", buf, sizeof(buf)) >= 0);
	try(removexattr("file", "user.a"));
	try(removexattr("file", "user.a"));
	try(lremovexattr("link", "user.a"));
	try(removexattr("none", "user.a"));
	try(removexattr(bad_pointer(), "user.a"));
	say_list("file");
	close(fd);
	close(path);
}

int main(void)
{
	umask(022);
	make_dir("dir", 0755);
	make_file("file", 0644, "text");
	make_file("closed", 0, "");
	make_dir("shut", 0);
	if (symlink("file", "link") < 0 || symlink("nowhere", "dangling") < 0 ||
	    symlink("loop", "loop") < 0 || mkfifo("fifo", 0600) < 0)
		fail_errno("setup");
	setting();
	getting();
	return 0;
}
