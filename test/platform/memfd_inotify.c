/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A memfd, and a removed directory, can be watched through a link of /proc
 * while they are open: writing and closing are told of whoever has opened them
 * by such a link (some kernels tell nothing of the descriptor that the memfd
 * was made with), not what an O_PATH descriptor does. And one real directory
 * can stand for another one: a watch on it is found by the link of an O_PATH
 * descriptor, and can be put into the inotify descriptor of somebody else; what
 * is repeated in it is told by the kernel, with the pairs of renames. A name
 * that is only on the way to a watched directory is told to nobody.
 */
#include <poll.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "test/lib.h"

static int watcher;
static uint32_t cookie;

/* The next event is this one, of the name ("": of the watched itself). */
static void next(int wd, uint32_t mask, const char *name)
{
	static char buf[4096] __attribute__((aligned(8)));
	static ssize_t have, at;
	const struct inotify_event *e;

	if (at >= have) {
		have = read(watcher, buf, sizeof(buf));
		at = 0;
	}
	if (!mask) {
		expect(have < 0 && errno == EAGAIN);
		return;
	}
	expect(have > at);
	e = (const void *)(buf + at);
	at += sizeof(*e) + e->len;
	expect(e->wd == wd && e->mask == mask);
	expect(!strcmp(e->len ? e->name : "", name));
	cookie = e->cookie;
}

static int add(int fd, uint32_t mask)
{
	char link[64];
	int wd;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	wd = inotify_add_watch(watcher, link, mask);
	expect(wd > 0);
	return wd;
}

static void memfd(void)
{
	int made = memfd_create("watched", MFD_CLOEXEC), fd, other, wd;
	char link[64];

	expect(made >= 0);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", made);
	fd = open(link, O_RDWR | O_CLOEXEC);
	close(made);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	wd = add(fd, IN_MODIFY | IN_CLOSE);
	expect(write(fd, "x", 1) == 1);
	next(wd, IN_MODIFY, "");
	other = open(link, O_RDONLY | O_CLOEXEC);
	close(other);
	next(wd, IN_CLOSE_NOWRITE, "");
	other = open(link, O_PATH | O_CLOEXEC);
	close(other);
	next(wd, 0, "");
	expect(truncate(link, 10) == 0);
	next(wd, IN_MODIFY, "");
	other = dup(fd);
	close(other);
	next(wd, 0, "");
	close(fd);
	next(wd, IN_CLOSE_WRITE, "");
	/* it is gone when nobody has it: the watch does not keep it */
	next(wd, IN_IGNORED, "");
}

static void removed_directory(void)
{
	int fd, wd;

	make_dir("gone", 0700);
	fd = open("gone", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	expect(fd >= 0 && rmdir("gone") == 0);
	wd = add(fd, IN_MODIFY | IN_CLOSE);
	next(wd, 0, "");
	close(fd);
	next(wd, IN_CLOSE_NOWRITE | IN_ISDIR, "");
	next(wd, IN_IGNORED, "");
}

static void stands_for_another(void)
{
	int fd, wd;
	pid_t pid;

	make_dir("way", 0700);
	make_dir("way/dir", 0700);
	fd = open("way/dir", O_PATH | O_DIRECTORY | O_CLOEXEC);
	wd = add(fd, IN_ALL_EVENTS & ~IN_ACCESS);
	pid = fork();
	if (!pid)
		_exit(mkdirat(fd, "d", 0700) ||
		      renameat(fd, "d", fd, "e") ||
		      mknod("way/f", S_IFREG | 0600, 0) ||
		      rename("way/f", "way/dir/f") ||
		      rename("way", "other") || chmod("other/dir", 0755));
	expect(wait_for(pid) == 0);
	next(wd, IN_CREATE | IN_ISDIR, "d");
	next(wd, IN_MOVED_FROM | IN_ISDIR, "d");
	pid = cookie;
	next(wd, IN_MOVED_TO | IN_ISDIR, "e");
	expect(cookie && (uint32_t)pid == cookie);
	next(wd, IN_MOVED_TO, "f");
	next(wd, IN_ATTRIB | IN_ISDIR, "");
	next(wd, 0, "");
	/* a change of the mode to what it was is one */
	expect(fchmodat(fd, "f", 0600, 0) == 0);
	next(wd, IN_ATTRIB, "f");
	close(fd);
}

/* The watch can be put there by another process. */
static void by_another(void)
{
	int wd = 0, done[2];
	pid_t pid;

	expect(pipe(done) == 0);
	pid = fork();
	if (!pid) {
		wd = inotify_add_watch(watcher, "other", IN_CREATE);
		_exit(write(done[1], &wd, sizeof(wd)) != sizeof(wd));
	}
	expect(wait_for(pid) == 0);
	expect(read(done[0], &wd, sizeof(wd)) == sizeof(wd) && wd > 0);
	make_file("other/new", 0600, "");
	next(wd, IN_CREATE, "new");
	expect(inotify_rm_watch(watcher, wd) == 0);
	next(wd, IN_IGNORED, "");
}

int main(void)
{
	watcher = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	expect(watcher >= 0);
	memfd();
	removed_directory();
	stands_for_another();
	by_another();
	return 0;
}
