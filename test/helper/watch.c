/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * watch PATH... -- COMMAND...: what inotify tells of the paths while the
 * command runs, one event a line: path, events, name. Pairs of a rename have
 * the same number, counted from 1. IN_ACCESS is not asked for.
 */
#include <poll.h>
#include <sys/inotify.h>
#include <sys/wait.h>

#include "test/lib.h"

enum { PATHS = 64, QUIET_MS = 300 };

static const char *path_of[PATHS + 1];
static int watcher;
static unsigned cookies[64], ncookie;

static int pair(unsigned cookie)
{
	unsigned i = 0;

	while (i < ncookie && cookies[i] != cookie)
		i++;
	if (i == ncookie && ncookie < 64)
		cookies[ncookie++] = cookie;
	return i + 1;
}

static void print(const struct inotify_event *e)
{
	static const char *const text[] = {
		"ACCESS", "MODIFY", "ATTRIB", "CLOSE_WRITE", "CLOSE_NOWRITE",
		"OPEN", "MOVED_FROM", "MOVED_TO", "CREATE", "DELETE",
		"DELETE_SELF", "MOVE_SELF", "?", "UNMOUNT", "Q_OVERFLOW",
		"IGNORED",
	};

	printf("%s", e->wd > 0 && e->wd <= PATHS ? path_of[e->wd] : "?");
	for (int i = 0; i < 16; i++)
		if (e->mask & (1u << i))
			printf(" %s", text[i]);
	if (e->mask & IN_ISDIR)
		printf(",dir");
	if (e->cookie)
		printf(" #%d", pair(e->cookie));
	printf(" %s\n", e->len ? e->name : "-");
}

static void print_all(void)
{
	char buf[8192] __attribute__((aligned(8)));
	struct pollfd p = { .fd = watcher, .events = POLLIN };
	ssize_t n;

	while (poll(&p, 1, QUIET_MS) > 0 &&
	       (n = read(watcher, buf, sizeof(buf))) > 0)
		for (char *at = buf; at < buf + n; ) {
			const struct inotify_event *e = (void *)at;

			print(e);
			at += sizeof(*e) + e->len;
		}
}

int main(int argc, char **argv)
{
	int i, wd, status = 0;
	pid_t pid;

	watcher = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	for (i = 1; i < argc && strcmp(argv[i], "--"); i++) {
		wd = inotify_add_watch(watcher, argv[i],
				       IN_ALL_EVENTS & ~IN_ACCESS);
		if (wd < 0)
			printf("%s: %s\n", argv[i], error_name(errno));
		else if (wd <= PATHS)
			path_of[wd] = argv[i];
	}
	fflush(stdout);
	pid = fork();
	if (!pid) {
		execvp(argv[i + 1], argv + i + 1);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	print_all();
	return status != 0;
}
