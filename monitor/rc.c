/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "monitor/rc.h"
#include "monitor/umvu.h"

#ifndef SYSCONFDIR
#define SYSCONFDIR "/etc"
#endif

static void warn(const struct umvu *u, const char *path, const char *text)
{
	if (u->options.verbosity >= 0)
		dprintf(STDERR_FILENO, "umvu: %s: %s\n", path, text);
}

static void execute(const struct umvu *u, const char *path)
{
	char *argv[] = { strdup(path), NULL };

	signals_give_back(&u->signals);
	if (argv[0])
		execvp(path, argv);
	dprintf(STDERR_FILENO, "umvu: %s: %s\n", path, strerror(errno));
	_exit(STATUS_NOT_EXECUTABLE);
}

static void run(const struct umvu *u, const char *path)
{
	char text[64];
	int status;
	pid_t pid;

	pid = fork();
	if (!pid)
		execute(u, path);
	if (pid < 0 || waitpid(pid, &status, 0) < 0) {
		warn(u, path, strerror(errno));
		return;
	}
	if (WIFSIGNALED(status))
		snprintf(text, sizeof(text), "ended by signal %d",
			 WTERMSIG(status));
	else if (WEXITSTATUS(status))
		snprintf(text, sizeof(text), "exit status %d",
			 WEXITSTATUS(status));
	else
		return;
	warn(u, path, text);
}

/* An rc file that need not be there. */
static void run_if_there(const struct umvu *u, const char *path)
{
	if (!access(path, F_OK))
		run(u, path);
}

/* Where the user's own rc file is. Return: false: nowhere */
static bool users_path(char *path, size_t size)
{
	const char *base = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	int n;

	if (base && base[0] == '/')
		n = snprintf(path, size, "%s/vu/rc", base);
	else if (home && home[0] == '/')
		n = snprintf(path, size, "%s/.config/vu/rc", home);
	else
		return false;
	return n < (int)size;
}

/* execvp() would look for a bare name in PATH. */
static int run_given(const struct umvu *u, const char *given)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s%s", strchr(given, '/') ? "" : "./",
		 given);
	if (access(path, F_OK)) {
		dprintf(STDERR_FILENO, "umvu: %s: %s\n", given,
			strerror(errno));
		return 1;
	}
	run(u, path);
	return 0;
}

int rc_run(const struct umvu *u)
{
	char path[PATH_MAX];

	if (u->options.norc)
		return 0;
	run_if_there(u, SYSCONFDIR "/vu/rc");
	if (u->options.rc)
		return run_given(u, u->options.rc);
	if (users_path(path, sizeof(path)))
		run_if_there(u, path);
	return 0;
}
