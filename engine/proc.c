/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts of guests from /proc: task_read_ids(), task_parent() and what the
 * rest of the engine asks. Everything is read afresh and nothing is kept.
 *
 * A process that ends while it is being read shows as ENOENT (the folder
 * is gone), ESRCH (the open file outlived it) or as an empty text; all of
 * them are -ESRCH to the callers.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/proc.h"
#include "engine/task.h"

#define PATH_SIZE	64
#define TEXT_MAX	(16u << 20)

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

/* The part of a short file that fits; most of what is asked stands there. */
static ssize_t read_start(const char *path, char *buf, size_t size)
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

/* Field n (counted from 3, as in proc(5)) of /proc/PID/stat. */
static const char *stat_field(const char *stat, int n)
{
	const char *s = strrchr(stat, ')');	/* the name may hold anything */
	int i;

	for (i = 2; s && i < n; i++) {
		s = strchr(s, ' ');
		if (s)
			s++;
	}
	return s;
}

static int stat_number(pid_t pid, int field, unsigned long long *value)
{
	char path[PATH_SIZE], text[1024];
	const char *s;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	n = read_start(path, text, sizeof(text));
	if (n < 0)
		return n;
	s = stat_field(text, field);
	if (!s)
		return -EIO;
	*value = strtoull(s, NULL, 10);
	return 0;
}

pid_t task_parent(pid_t pid)
{
	unsigned long long ppid;
	int r = stat_number(pid, 4, &ppid);

	return r ? r : (pid_t)ppid;
}

uint64_t proc_start(pid_t pid)
{
	unsigned long long start;

	return stat_number(pid, 22, &start) ? 0 : start;
}

/* What follows "\nKey:" in a status text; no value can hold a newline. */
static const char *status_value(const char *text, const char *key)
{
	size_t len = strlen(key);
	const char *s = text;

	while (s && strncmp(s, key, len)) {
		s = strchr(s, '\n');
		if (s)
			s++;
	}
	return s ? s + len : NULL;
}

static pid_t status_pid(pid_t tid, const char *key)
{
	char path[PATH_SIZE], text[2048];
	const char *s;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	n = read_start(path, text, sizeof(text));
	if (n < 0)
		return n;
	s = status_value(text, key);
	return s ? strtol(s, NULL, 10) : -EIO;
}

pid_t proc_tgid(pid_t tid)
{
	return status_pid(tid, "Tgid:");
}

pid_t proc_tracer(pid_t tid)
{
	return status_pid(tid, "TracerPid:");
}

uint64_t proc_stack_pointer(pid_t tid)
{
	unsigned long long sp;
	char path[64];
	FILE *f;
	bool told;

	snprintf(path, sizeof(path), "/proc/%d/syscall", tid);
	f = fopen(path, "re");
	told = f && fscanf(f, "%*d %*x %*x %*x %*x %*x %*x %llx", &sp) == 1;
	if (f)
		fclose(f);
	return told ? sp : 0;
}

int proc_filters(pid_t tid)
{
	return status_pid(tid, "Seccomp_filters:");
}

static void four_ids(const char *s, unsigned id[4])
{
	int i;

	for (i = 0; i < 4; i++) {
		char *end;

		id[i] = strtoul(s, &end, 10);
		s = end;
	}
}

static int groups(const char *s, gid_t *group, int max)
{
	int n = 0;

	for (;;) {
		char *end;
		unsigned long gid;

		while (*s == ' ' || *s == '\t')
			s++;
		if (*s < '0' || *s > '9')
			return n;
		gid = strtoul(s, &end, 10);
		if (n == max)
			return max + 1;
		group[n++] = gid;
		s = end;
	}
}

static int parse_ids(const char *text, struct task_ids *ids)
{
	const char *tgid = status_value(text, "Tgid:");
	const char *ppid = status_value(text, "PPid:");
	const char *mask = status_value(text, "Umask:");
	const char *uid = status_value(text, "Uid:");
	const char *gid = status_value(text, "Gid:");
	const char *group = status_value(text, "Groups:");
	const char *cap = status_value(text, "CapEff:");
	const char *permitted = status_value(text, "CapPrm:");

	if (!tgid || !ppid || !uid || !gid || !group || !cap || !permitted)
		return -EIO;
	if (!mask)
		return -ESRCH;	/* a zombie has no umask any more */
	ids->tgid = strtol(tgid, NULL, 10);
	ids->ppid = strtol(ppid, NULL, 10);
	ids->umask = strtoul(mask, NULL, 8);
	four_ids(uid, ids->uid);
	four_ids(gid, ids->gid);
	ids->ngroup = groups(group, ids->group,
			     sizeof(ids->group) / sizeof(ids->group[0]));
	ids->cap_effective = strtoull(cap, NULL, 16);
	ids->cap_permitted = strtoull(permitted, NULL, 16);
	return 0;
}

/* One read is enough unless the process is in hundreds of groups. */
int task_read_ids(pid_t tid, struct task_ids *ids)
{
	char path[PATH_SIZE], text[4096], *all;
	ssize_t n;
	int r;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	n = read_start(path, text, sizeof(text));
	if (n < 0)
		return n;
	if ((size_t)n < sizeof(text) - 1)
		return parse_ids(text, ids);
	n = proc_read(path, &all);
	if (n < 0)
		return n;
	r = parse_ids(all, ids);
	free(all);
	return r;
}

struct pids {
	pid_t *pid;
	size_t n, room;
};

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

		if (other > 0 && task_parent(other) == pid)
			r = add_pid(list, other);
	}
	closedir(dir);
	return r;
}

ssize_t proc_children(pid_t pid, pid_t **child)
{
	struct pids list = { 0 };
	char path[PATH_SIZE];
	struct dirent *d;
	DIR *dir;
	int r = 0;

	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	dir = opendir(path);
	if (!dir)
		return errno == ENOENT ? -ESRCH : -errno;
	while (!r && (d = readdir(dir)))
		if (d->d_name[0] != '.')
			r = thread_children(pid, d->d_name, &list);
	closedir(dir);
	if (r == -ENOENT)
		r = search_children(pid, &list);
	if (r) {
		free(list.pid);
		return r;
	}
	*child = list.pid;
	return list.n;
}

static bool map_line(const char *line, uint64_t addr, struct proc_map *map)
{
	const char *end = strchrnul(line, '\n');
	char *s;

	map->start = strtoull(line, &s, 16);
	if (*s != '-')
		return false;
	map->end = strtoull(s + 1, &s, 16);
	if (*s != ' ' || addr < map->start || addr >= map->end)
		return false;
	map->writable = s[1] && s[2] == 'w';	/* " rw-p ..." */
	map->stack = end - line > 7 && !strncmp(end - 7, "[stack]", 7);
	return true;
}

int proc_map(pid_t tid, uint64_t addr, struct proc_map *map)
{
	char path[PATH_SIZE], *text, *line;
	int r = -EFAULT;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	n = proc_read(path, &text);
	if (n < 0)
		return n;
	for (line = text; r && line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (map_line(line, addr, map))
			r = 0;
	}
	free(text);
	return r;
}
