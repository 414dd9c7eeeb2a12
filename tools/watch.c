/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation: nothing in the protocol tells when a trace has
 * begun, and the command must not start before. So the child knocks: it
 * makes a call that is always traced, again and again, until the parent,
 * who sees the first of them arrive, opens the gate (a pipe). What the
 * child still knocks after that is left out: its own lines count from its
 * execve on.
 *
 * The command's tree is what descends from this process, which makes itself
 * the subreaper so that orphans stay its descendants. A thread that is gone
 * when its line is read cannot be asked; it is counted in when its number
 * is newer than the command's.
 *
 * The command's end arrives by SIGCHLD. The last lines may still be under
 * way then, so the trace goes on for a moment.
 */
#include "tools/watch.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/command.h"
#include "lib/proc.h"
#include "tools/follow.h"
#include "tools/tool.h"

enum { KNOCK_MS = 5, AFTERMATH_US = 100000, KNOWN = 4096 };

struct watch {
	const struct call_style *style;
	struct term term;
	pid_t command;
	int gate;		/* write end; -1 once it is open */
	bool begun;		/* the command's execve was seen */
	unsigned long lost;
	/* Whether a thread belongs to the tree, by its number modulo KNOWN. */
	struct { pid_t tid; bool ours; } known[KNOWN];
};

static bool is_ours(struct watch *w, pid_t tid)
{
	struct proc_stat st;
	size_t slot = (size_t)tid % KNOWN;

	if (tid == getpid())
		return false;
	if (tid == w->command)
		return true;
	if (w->known[slot].tid != tid) {
		w->known[slot].tid = tid;
		w->known[slot].ours =
			proc_is_descendant(getpid(), tid) ||
			(tid > w->command && proc_stat(tid, &st) < 0);
	}
	return w->known[slot].ours;
}

static void take_record(void *ctx, char **field, int nfield)
{
	struct watch *w = ctx;
	struct call_line line;

	w->lost += call_line_lost(field, nfield);
	if (!call_line_parse(&line, field, nfield) || !is_ours(w, line.tid))
		return;
	if (w->gate >= 0) {
		close(w->gate);
		w->gate = -1;
	}
	if (!w->begun && strncmp(line.call, "execve", 6) == 0)
		w->begun = true;
	if (w->begun)
		call_line_print(&w->term, w->style, &line);
}

/* What the handler of SIGCHLD, who gets no argument, knows and tells. */
static struct {
	volatile pid_t command;
	volatile int status;
	volatile sig_atomic_t ended;
} reaped;

/* Reap the command, and orphans, who are ours as well. */
static void on_child(int signal)
{
	struct itimerval soon = { .it_value.tv_usec = AFTERMATH_US };
	int saved = errno, status;
	pid_t pid;

	(void)signal;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid != reaped.command)
			continue;
		reaped.status = status;
		reaped.ended = 1;
		setitimer(ITIMER_REAL, &soon, NULL);
	}
	errno = saved;
}

static void on_alarm(int signal)
{
	(void)signal;
	follow_stop();
}

static void block_child_signal(sigset_t *old)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, old);
}

static void set_signals(void)
{
	struct sigaction sa = { .sa_handler = on_child,
				.sa_flags = SA_NOCLDSTOP };

	sigaction(SIGCHLD, &sa, NULL);
	sa.sa_handler = on_alarm;
	sigaction(SIGALRM, &sa, NULL);
	/* ^C is for the command: it decides whether it ends. */
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
}

static _Noreturn void be_command(const char *name, int gate, char **command)
{
	struct pollfd pfd = { .fd = gate, .events = POLLIN };
	int err;

	do
		access("/", F_OK);
	while (poll(&pfd, 1, KNOCK_MS) == 0);
	close(gate);
	err = command_execute(command);
	tool_error(name, "%s: %s", command[0], strerror(-err));
	_exit(command_status(err));
}

/* Wait for the command's end, should it not have ended yet. */
static int exit_status(void)
{
	sigset_t old, without;

	block_child_signal(&old);
	without = old;
	sigdelset(&without, SIGCHLD);
	while (!reaped.ended)
		sigsuspend(&without);
	sigprocmask(SIG_SETMASK, &old, NULL);
	return WIFSIGNALED(reaped.status) ? 128 + WTERMSIG(reaped.status) :
					    WEXITSTATUS(reaped.status);
}

/* Start the child behind the gate. Return: 0 or -errno */
static int start(const char *name, struct watch *w, char **command,
		 const sigset_t *mask)
{
	int gate[2];

	if (pipe2(gate, O_CLOEXEC) < 0 ||
	    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) < 0)
		return -errno;
	w->command = fork();
	if (w->command < 0)
		return -errno;
	if (!w->command) {
		sigprocmask(SIG_SETMASK, mask, NULL);
		close(gate[1]);
		be_command(name, gate[0], command);
	}
	close(gate[0]);
	w->gate = gate[1];
	return 0;
}

int watch_command(const char *name, int fd, const struct call_style *style,
		  char **command)
{
	struct watch *w = tool_resize(NULL, 1, sizeof(*w));
	sigset_t mask;
	int err;

	*w = (struct watch){ .style = style, .term = term_open(stderr) };
	setvbuf(stderr, NULL, _IOLBF, 0);
	block_child_signal(&mask);
	err = start(name, w, command, &mask);
	if (err) {
		tool_error(name, "%s", strerror(-err));
		free(w);
		return TOOL_FAILED;
	}
	reaped.command = w->command;
	set_signals();
	sigprocmask(SIG_SETMASK, &mask, NULL);
	/* Without a trace the command runs all the same: the gate opens. */
	follow_trace(name, fd, 0, take_record, w);
	if (w->gate >= 0)
		close(w->gate);
	if (w->lost)
		tool_error(name, "%lu lines came too fast and were lost",
			   w->lost);
	free(w);
	return exit_status();
}
