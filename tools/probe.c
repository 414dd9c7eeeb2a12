/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/probe.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

void probe_say(struct probe_note *note, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(note->text, sizeof(note->text), format, ap);
	va_end(ap);
}

int probe_reap(pid_t child)
{
	int status;

	while (waitpid(child, &status, 0) < 0) {
		if (errno != EINTR)
			return -errno;
	}
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGALRM ? -ETIMEDOUT : -ECHILD;
	return -WEXITSTATUS(status);
}

/* An exit status holds an errno: those of Linux are below 256. */
int probe_in_child(int (*f)(void))
{
	pid_t child = fork();

	if (child < 0)
		return -errno;
	if (!child) {
		signal(SIGALRM, SIG_DFL);
		alarm(PROBE_SECONDS);
		_exit(-f());
	}
	return probe_reap(child);
}

int probe_on_child(int (*f)(pid_t child, struct probe_note *note),
		   struct probe_note *note)
{
	pid_t child = fork();
	int err;

	if (child < 0)
		return -errno;
	if (!child) {
		signal(SIGALRM, SIG_DFL);
		alarm(PROBE_SECONDS);
		for (;;)
			pause();
	}
	err = f(child, note);
	kill(child, SIGKILL);
	probe_reap(child);
	return err;
}
