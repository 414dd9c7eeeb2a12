/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/proc.h"

struct pids {
	pid_t *pid;
	size_t n, size;
};

static int read_file(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT ? -ESRCH : -errno;
	n = read(fd, buf, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

int proc_stat(pid_t pid, struct proc_stat *st)
{
	char path[64], text[512], *open, *close;
	int n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	n = read_file(path, text, sizeof(text));
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

static void pids_add(struct pids *list, pid_t pid)
{
	size_t size = list->size ? list->size * 2 : 64;
	pid_t *grown;

	if (list->n == list->size) {
		grown = realloc(list->pid, size * sizeof(*grown));
		if (!grown)
			return;
		list->pid = grown;
		list->size = size;
	}
	list->pid[list->n++] = pid;
}

/* One thread's children. */
static void add_children(struct pids *list, int tasks, const char *tid)
{
	char path[300];
	FILE *f;
	int fd, pid;

	snprintf(path, sizeof(path), "%s/children", tid);
	fd = openat(tasks, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	f = fdopen(fd, "r");
	if (!f) {
		close(fd);
		return;
	}
	while (fscanf(f, "%d", &pid) == 1)
		pids_add(list, pid);
	fclose(f);
}

static void add_process(struct pids *list, pid_t pid)
{
	char path[64];
	struct dirent *e;
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	if (!d)
		return;
	while ((e = readdir(d))) {
		if (e->d_name[0] != '.')
			add_children(list, dirfd(d), e->d_name);
	}
	closedir(d);
}

size_t proc_descendants(pid_t root, pid_t **out)
{
	struct pids list = { 0 };
	size_t i;

	add_process(&list, root);
	for (i = 0; i < list.n; i++)
		add_process(&list, list.pid[i]);
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
