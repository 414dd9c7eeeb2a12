/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * inotify and fanotify: names watched, events seen.
 *
 * inside: yes
 */
#include <poll.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>

#include "test/lib.h"

static int watcher;

static void drain(const char *what)
{
	char buf[4096] __attribute__((aligned(8)));
	ssize_t n = read(watcher, buf, sizeof(buf));

	for (char *p = buf; p < buf + n; ) {
		struct inotify_event *e = (void *)p;

		say("%s: watch %d mask %x name %s", what, e->wd, e->mask,
		    e->len ? e->name : "-");
		p += sizeof(*e) + e->len;
	}
	if (n < 0)
		say("%s: %s", what, error_name(errno));
}

static void adding(void)
{
	static const char *const path[] = { "file", "dir", "link", "dangling",
		"none", "file/", "dir/", "", ".", "/", "shut", "shut/x",
		"loop", "closed", "/proc/self/cwd", "/dev/null" };
	char what[64];

	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
		snprintf(what, sizeof(what), "watch %s", path[i]);
		errno = 0;
		result(what, inotify_add_watch(watcher, path[i], IN_ATTRIB));
	}
	try(inotify_add_watch(watcher, "file", IN_ONLYDIR | IN_OPEN));
	try(inotify_add_watch(watcher, "link", IN_DONT_FOLLOW | IN_OPEN));
	try(inotify_add_watch(watcher, "file", IN_MASK_CREATE | IN_OPEN));
	try(inotify_add_watch(watcher, "file", IN_MASK_ADD | IN_OPEN));
	try(inotify_add_watch(watcher, "file", 0));
	try(inotify_add_watch(watcher, bad_pointer(), IN_OPEN));
	try(inotify_add_watch(999, "file", IN_OPEN));
	try(inotify_add_watch(0, "file", IN_OPEN));
	try(inotify_rm_watch(watcher, 99));
	try(inotify_rm_watch(watcher, 1));
	drain("removed");
}

static void events(void)
{
	int fd;

	try(inotify_add_watch(watcher, "dir", IN_ALL_EVENTS));
	fd = open("dir/new", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	drain("create");
	if (write(fd, "x", 1) != 1)
		fail_errno("write");
	drain("write");
	close(fd);
	drain("close");
	try(rename("dir/new", "dir/other"));
	drain("rename");
	try(chmod("dir/other", 0644));
	drain("chmod");
	try(link("dir/other", "dir/hard"));
	drain("link");
	try(symlink("other", "dir/soft"));
	drain("symlink");
	try(mkdir("dir/sub", 0700));
	drain("mkdir");
	fd = open("dir/other", O_RDONLY | O_CLOEXEC);
	drain("open");
	close(fd);
	drain("close");
	fd = open("dir/none", O_RDONLY | O_CLOEXEC);
	drain("open of nothing");
	try(rename("dir/hard", "moved"));
	drain("rename out");
	try(truncate("dir/other", 100));
	drain("truncate");
	say_lstat("dir/other");
	drain("stat");
	try(unlink("dir/other"));
	drain("unlink");
	try(unlink("dir/soft"));
	try(rmdir("dir/sub"));
	drain("empty");
	try(rmdir("dir"));
	drain("rmdir");
}

static void fan(void)
{
	int fd = fanotify_init(FAN_CLOEXEC | FAN_NONBLOCK, O_RDONLY);

	result_fd("fanotify_init", fd);
	if (fd < 0)
		return;
	try(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "file"));
	try(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "none"));
	try(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_ONLYDIR, FAN_OPEN,
			  AT_FDCWD, "file"));
	try(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, 999, "file"));
	try(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, bad_pointer()));
	try(fanotify_mark(999, FAN_MARK_ADD, FAN_OPEN, AT_FDCWD, "file"));
	close(fd);
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
		fail_errno("setup");
	watcher = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	adding();
	close(watcher);
	watcher = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	events();
	fan();
	return 0;
}
