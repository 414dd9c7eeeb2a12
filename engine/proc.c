/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Facts of guests from /proc: task_read_ids(), task_parent() and what the
 * rest of the engine asks. Everything is read afresh and nothing is kept.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/proc.h"
#include "engine/task.h"
#include "lib/proc.h"

#define PATH_SIZE	64

pid_t task_parent(pid_t pid)
{
	struct proc_stat st;
	int r = proc_stat(pid, &st);

	return r ? r : st.parent;
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
	n = proc_read_start(path, text, sizeof(text));
	if (n < 0)
		return n;
	s = stat_field(text, field);
	if (!s)
		return -EIO;
	*value = strtoull(s, NULL, 10);
	return 0;
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
	n = proc_read_start(path, text, sizeof(text));
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

bool proc_is_alone(pid_t tid)
{
	char path[32];
	struct stat st;

	/* a link for each thread, beside "." and ".." */
	snprintf(path, sizeof(path), "/proc/%d/task", tid);
	return !stat(path, &st) && st.st_nlink == 3;
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
	n = proc_read_start(path, text, sizeof(text));
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

static bool ends_with(const struct proc_map *map, const char *name)
{
	return map->path_len == strlen(name) &&
	       !memcmp(map->path, name, map->path_len);
}

/* Read a number and the character after it. False: another one is there. */
static bool number(const char **s, int base, char after, uint64_t *value)
{
	char *end;

	*value = strtoull(*s, &end, base);
	if (end == *s || *end != after)
		return false;
	*s = end + 1;
	return true;
}

/* "start-end perms offset major:minor inode path" (sscanf would be O(n^2)) */
static bool map_line(const char *line, const char *end, struct proc_map *map)
{
	const char *perms, *s = line;
	uint64_t major, minor;

	if (!number(&s, 16, '-', &map->start) || !number(&s, 16, ' ', &map->end))
		return false;
	perms = s;
	s = strchr(s, ' ');
	if (!s || s - perms != 4)
		return false;
	s++;
	if (!number(&s, 16, ' ', &map->offset) || !number(&s, 16, ':', &major) ||
	    !number(&s, 16, ' ', &minor))
		return false;
	map->major = major;
	map->minor = minor;
	map->inode = strtoull(s, (char **)&s, 10);
	map->writable = perms[1] == 'w';
	map->executable = perms[2] == 'x';
	map->shared = perms[3] == 's';
	while (s < end && *s == ' ')
		s++;
	map->path = s;
	map->path_len = end - s;
	map->stack = ends_with(map, "[stack]");
	map->heap = ends_with(map, "[heap]");
	return true;
}

int proc_each_map(pid_t tid, bool (*f)(void *arg, const struct proc_map *map),
		  void *arg)
{
	char path[PATH_SIZE], *text, *line, *end;
	struct proc_map map;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/maps", tid);
	n = proc_read(path, &text);
	if (n < 0)
		return n;
	for (line = text; *line; line = *end ? end + 1 : end) {
		end = strchrnul(line, '\n');
		if (map_line(line, end, &map) && !f(arg, &map))
			break;
	}
	free(text);
	return 0;
}

struct map_search { uint64_t addr; struct proc_map *map; bool found; };

static bool map_contains(void *arg, const struct proc_map *map)
{
	struct map_search *s = arg;

	s->found = s->addr >= map->start && s->addr < map->end;
	if (s->found)
		*s->map = *map;
	return !s->found;
}

int proc_map(pid_t tid, uint64_t addr, struct proc_map *map)
{
	struct map_search s = { .addr = addr, .map = map };
	int r = proc_each_map(tid, map_contains, &s);

	map->path = NULL;
	map->path_len = 0;
	return r ? r : s.found ? 0 : -EFAULT;
}
