/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A process that ends while it is being read shows as ENOENT (the folder
 * is gone), ESRCH (the open file outlived it) or as an empty text; all of
 * them are -ESRCH to the callers.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lib/proc.h"

#define PATH_SIZE	64
#define TEXT_MAX	(16u << 20)

struct pids {
	pid_t *pid;
	size_t n, room;
};

static int open_proc(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd >= 0)
		return fd;
	return errno == ENOENT ? -ESRCH : -errno;
}

/* Fill buf from the file's start; one byte is kept free for a NUL. */
static ssize_t fill(int fd, char *buf, size_t size, size_t have)
{
	while (have < size - 1) {
		ssize_t n = read(fd, buf + have, size - 1 - have);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			break;
		have += n;
	}
	buf[have] = 0;
	return have;
}

ssize_t proc_read(const char *path, char **text)
{
	size_t size = 4096;
	ssize_t n = 0;
	char *buf = NULL, *more;
	int fd = open_proc(path);

	if (fd < 0)
		return fd;
	for (;;) {
		more = realloc(buf, size);
		if (!more) {
			n = -ENOMEM;
			break;
		}
		buf = more;
		n = fill(fd, buf, size, n);
		if (n < 0 || (size_t)n < size - 1 || size >= TEXT_MAX)
			break;
		size *= 2;
	}
	close(fd);
	if (n < 0) {
		free(buf);
		return n;
	}
	*text = buf;
	return n;
}

ssize_t proc_read_start(const char *path, char *buf, size_t size)
{
	int fd = open_proc(path);
	ssize_t n;

	if (fd < 0)
		return fd;
	do
		n = read(fd, buf, size - 1);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		n = -errno;
	close(fd);
	if (!n)
		return -ESRCH;
	if (n > 0)
		buf[n] = 0;
	return n;
}

int proc_stat(pid_t pid, struct proc_stat *st)
{
	char path[PATH_SIZE], text[512], *open, *close;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = proc_read_start(path, text, sizeof(text));
	if (n < 0)
		return n;
	/* The name may hold anything, parentheses too: the last one ends it. */
	open = strchr(text, '(');
	close = strrchr(text, ')');
	if (!open || !close || close < open)
		return -ESRCH;
	*close = '\0';
	snprintf(st->name, sizeof(st->name), "%s", open + 1);
	if (sscanf(close + 1, " %c %d", &st->state, &st->parent) != 2)
		return -ESRCH;
	return 0;
}

bool proc_find_fd(pid_t pid, bool (*is)(void *arg, int dir, const char *name),
		  void *arg)
{
	char path[PATH_SIZE];
	bool found = false;
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fd", (int)pid);
	d = opendir(path);
	while (d && !found && (e = readdir(d)))
		found = e->d_name[0] != '.' && is(arg, dirfd(d), e->d_name);
	if (d)
		closedir(d);
	return found;
}

uint64_t proc_written(pid_t pid)
{
	char path[PATH_SIZE], text[512];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%d/io", (int)pid);
	if (proc_read_start(path, text, sizeof(text)) < 0)
		return 0;
	at = strstr(text, "wchar: ");
	return at ? strtoull(at + 7, NULL, 10) : 0;
}

bool proc_is_descendant(pid_t root, pid_t pid)
{
	struct proc_stat st;

	while (pid > 1 && !proc_stat(pid, &st)) {
		if (st.parent == root)
			return true;
		pid = st.parent;
	}
	return false;
}

static int add_pid(struct pids *list, pid_t pid)
{
	pid_t *more;

	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 16;

		more = reallocarray(list->pid, room, sizeof(*more));
		if (!more)
			return -ENOMEM;
		list->pid = more;
		list->room = room;
	}
	list->pid[list->n++] = pid;
	return 0;
}

/* The children of one thread. -ENOENT: this kernel has no such file. */
static int thread_children(pid_t pid, const char *tid, struct pids *list)
{
	char path[PATH_SIZE], *text, *s, *end;
	ssize_t n;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/children", pid, tid);
	n = proc_read(path, &text);
	if (n == -ESRCH) {
		*strrchr(path, '/') = 0;
		return access(path, F_OK) ? 0 : -ENOENT;
	}
	if (n < 0)
		return n;
	for (s = text; !r; s = end) {
		long child = strtol(s, &end, 10);

		if (end == s)
			break;
		r = add_pid(list, child);
	}
	free(text);
	return r;
}

/* Without CONFIG_PROC_CHILDREN: whoever names pid as its parent. */
static int search_children(pid_t pid, struct pids *list)
{
	struct dirent *d;
	DIR *dir = opendir("/proc");
	int r = 0;

	if (!dir)
		return -errno;
	while (!r && (d = readdir(dir))) {
		pid_t other = strtol(d->d_name, NULL, 10);
		struct proc_stat st;

		if (other > 0 && !proc_stat(other, &st) && st.parent == pid)
			r = add_pid(list, other);
	}
	closedir(dir);
	return r;
}

static int threads_children(pid_t pid, struct pids *list)
{
	char path[PATH_SIZE];
	struct dirent *d;
	struct stat st;
	DIR *dir;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	/* a link for each thread, beside "." and ".."; most have but one */
	if (!stat(path, &st) && st.st_nlink == 3) {
		snprintf(path, sizeof(path), "%d", pid);
		return thread_children(pid, path, list);
	}
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!r && (d = readdir(dir)))
		if (d->d_name[0] != '.')
			r = thread_children(pid, d->d_name, list);
	closedir(dir);
	return r;
}

ssize_t proc_children(pid_t pid, pid_t **child)
{
	struct pids list = { 0 };
	int r = threads_children(pid, &list);

	if (r == -ENOENT)
		r = search_children(pid, &list);
	if (r) {
		free(list.pid);
		return r;
	}
	*child = list.pid;
	return list.n;
}

size_t proc_descendants(pid_t root, pid_t **out)
{
	struct pids list = { 0 };
	pid_t at = root, *child;
	size_t next = 0;

	for (;;) {
		ssize_t n = proc_children(at, &child);

		for (ssize_t i = 0; i < n; i++)
			add_pid(&list, child[i]);
		if (n > 0)
			free(child);
		if (next == list.n)
			break;
		at = list.pid[next++];
	}
	*out = list.pid;
	return list.n;
}

size_t proc_kill_descendants(pid_t root, int sig)
{
	pid_t *pid;
	size_t n, i;

	n = proc_descendants(root, &pid);
	for (i = 0; i < n; i++)
		kill(pid[i], sig);
	free(pid);
	return n;
}

void proc_end_descendants(void)
{
	pid_t pid;

	for (;;) {
		do
			pid = waitpid(-1, NULL, WNOHANG | __WALL);
		while (pid > 0);
		if (pid < 0 && errno == ECHILD)
			return;
		proc_kill_descendants(getpid(), SIGKILL);
		poll(NULL, 0, 1);
	}
}
