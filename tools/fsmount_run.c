/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * Most FUSE programs mount, go into the background, and only then serve: the
 * end of what was started says that it is mounted, or failed. Others stay,
 * and have to be asked for; they get a session of their own, for a ^C is not
 * meant for them. Either way the mount answers a stat() when the program has
 * taken up its work, and not before; so a child of ours does that, which can
 * be given up.
 *
 * Signals that end are blocked as long as this lasts, and waited for along
 * with SIGCHLD: so whenever one comes, what was begun is undone.
 *
 * What the program says goes to a file without a name, not into a pipe: it
 * must not wait for a reader, nor have its end when we end. It is shown when
 * the program has failed. A program that may ask something keeps the
 * terminal, if there is one.
 *
 * The lock on an image is a descriptor that the program inherits without
 * knowing: it holds as long as the last process that serves the image.
 */
#include "tools/fsmount_run.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "tools/term.h"
#include "tools/tool.h"

enum {
	TICK_MS = 20,
	LATE = 25,		/* ticks, for a mount that comes late */
	PATIENCE = 250,		/* ticks, for a program to end */
	SHOWN_BYTES = 2048, SHOWN_LINES = 6,
	CANNOT_EXECUTE = 127,
};

struct serving {
	const struct fsmount_server *s;
	pid_t pid;		/* 0: has ended */
	int status;		/* how */
	int output;		/* what it says; -1: it says it itself */
	int interrupted;	/* the signal, or 0 */
	sigset_t waited, before;
};

/* --- the program --------------------------------------------------------- */

static _Noreturn void become(const struct serving *v)
{
	const struct fsmount_server *s = v->s;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	sigprocmask(SIG_SETMASK, &v->before, NULL);
	if (s->foreground)
		setsid();
	if (!s->terminal)
		dup2(null, 0);
	if (v->output >= 0)
		dup2(v->output, 2);
	dup2(2, 1);
	if (s->lock >= 0)
		fcntl(s->lock, F_SETFD, 0);
	if (s->place >= 0)
		fcntl(s->place, F_SETFD, 0);
	if (s->via[0])
		setenv("VU_VIA", s->via, 1);
	execv(s->program, s->argv);
	dprintf(2, "cannot be executed: %s\n", strerror(errno));
	_exit(CANNOT_EXECUTE);
}

static void block_signals(struct serving *v)
{
	static const int ends[] = { SIGHUP, SIGINT, SIGTERM };
	struct sigaction a;

	/* Who ignores it has no children to wait for. */
	signal(SIGCHLD, SIG_DFL);
	sigemptyset(&v->waited);
	sigaddset(&v->waited, SIGCHLD);
	/* What nohup has us ignore would be waited for all the same. */
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		if (!sigaction(ends[i], NULL, &a) && a.sa_handler != SIG_IGN)
			sigaddset(&v->waited, ends[i]);
	}
	sigprocmask(SIG_BLOCK, &v->waited, &v->before);
}

/* Return: 0 or -errno */
static int start(struct serving *v)
{
	bool shows = v->s->terminal && isatty(2);

	v->output = -1;
	if (!shows) {
		v->output = memfd_create("messages",
					 MFD_CLOEXEC | MFD_ALLOW_SEALING);
		if (v->output < 0)
			return -errno;
	}
	v->pid = fork();
	if (!v->pid)
		become(v);
	return v->pid < 0 ? -errno : 0;
}

/* Has the child ended by now? Then it is no child any more. */
static bool reap(pid_t *pid, int *status)
{
	if (*pid > 0 && waitpid(*pid, status, WNOHANG) != 0)
		*pid = 0;
	return *pid <= 0;
}

/* Wait for a signal; @tick: not for long. */
static void wait_signal(struct serving *v, bool tick)
{
	struct timespec t = { .tv_nsec = TICK_MS * 1000000L };
	int sig = tick ? sigtimedwait(&v->waited, NULL, &t) :
		  sigwaitinfo(&v->waited, NULL);

	if (sig > 0 && sig != SIGCHLD)
		v->interrupted = sig;
}

/* It is asked, then made to. */
static void end_program(struct serving *v)
{
	for (int i = 0; i < PATIENCE && !reap(&v->pid, &v->status); i++) {
		if (!i)
			kill(v->pid, SIGTERM);
		wait_signal(v, true);
	}
	if (v->pid > 0) {
		kill(v->pid, SIGKILL);
		waitpid(v->pid, &v->status, 0);
		v->pid = 0;
	}
}

/* --- waiting ------------------------------------------------------------- */

/* Return: 0, -EINTR, or -ECHILD: it ended and there is no mount */
static int until_mounted(struct serving *v)
{
	int patience = LATE;

	for (;;) {
		bool ended = reap(&v->pid, &v->status);
		bool look = ended || v->s->foreground;

		if (v->interrupted)
			return -EINTR;
		if (ended && v->status)
			return -ECHILD;
		if (look && v->s->mounted(v->s->ctx))
			return 0;
		if (ended && patience-- == 0)
			return -ECHILD;
		wait_signal(v, look);
	}
}

static _Noreturn void ask(const struct serving *v)
{
	struct stat st;

	sigprocmask(SIG_SETMASK, &v->before, NULL);
	_exit(stat(v->s->target, &st) ? errno : 0);
}

/* Return: 0, -EINTR, or what the mount answers instead */
static int until_it_answers(struct serving *v)
{
	pid_t pid = fork();
	int status = 0;

	if (!pid)
		ask(v);
	if (pid < 0)
		return -errno;
	while (!v->interrupted && !reap(&pid, &status))
		wait_signal(v, false);
	if (pid > 0) {
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return -EINTR;
	}
	return WIFEXITED(status) ? -WEXITSTATUS(status) : -EIO;
}

/* --- messages ------------------------------------------------------------ */

/* Where the last lines begin. */
static char *last_lines(char *text, size_t n)
{
	int lines = 0;

	while (n && text[n - 1] == '\n')
		text[--n] = '\0';
	while (n && (text[n - 1] != '\n' || ++lines < SHOWN_LINES))
		n--;
	return text + n;
}

static void show_line(const struct serving *v, struct term *t,
		      const char *line)
{
	fprintf(stderr, "%s: %s: %s: ", v->s->name, v->s->label, v->s->shown);
	term_safe(t, line);
	fputc('\n', stderr);
}

/* Return: was there anything? */
static bool show_output(const struct serving *v)
{
	struct term t = term_open(stderr);
	char text[SHOWN_BYTES + 1], *at, *line, *save;
	off_t size = v->output < 0 ? 0 : lseek(v->output, 0, SEEK_END);
	ssize_t n;

	if (size <= 0)
		return false;
	n = pread(v->output, text, SHOWN_BYTES,
		  size > SHOWN_BYTES ? size - SHOWN_BYTES : 0);
	if (n <= 0)
		return false;
	text[n] = '\0';
	at = last_lines(text, n);
	for (line = strtok_r(at, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save))
		show_line(v, &t, line);
	return *at;
}

static void show_end(const struct serving *v, int err)
{
	const struct fsmount_server *s = v->s;

	if (err == -EINTR)
		tool_error(s->name, "%s: interrupted", s->label);
	else if (err != -ECHILD)
		tool_error(s->name, "%s: %s: the mount does not answer: %s",
			   s->label, s->shown, strerror(-err));
	else if (WIFSIGNALED(v->status))
		tool_error(s->name, "%s: %s: ended by signal %d", s->label,
			   s->shown, WTERMSIG(v->status));
	else if (v->status)
		tool_error(s->name, "%s: %s: exit status %d", s->label,
			   s->shown, WEXITSTATUS(v->status));
	else
		tool_error(s->name, "%s: %s: has mounted nothing", s->label,
			   s->shown);
}

/* Nobody reads it any more: let it not take memory for ever. */
static void close_output(struct serving *v)
{
	if (v->output < 0)
		return;
	if (!ftruncate(v->output, 0))
		fcntl(v->output, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK);
	close(v->output);
}

int fsmount_serve(const struct fsmount_server *s)
{
	struct serving v = { .s = s };
	int err;

	block_signals(&v);
	err = start(&v);
	if (!err)
		err = until_mounted(&v);
	if (!err)
		err = until_it_answers(&v);
	if (err) {
		bool failed_itself = err == -ECHILD && v.status;

		if (v.pid > 0)
			end_program(&v);
		if (!show_output(&v) || !failed_itself)
			show_end(&v, err);
	}
	close_output(&v);
	sigprocmask(SIG_SETMASK, &v.before, NULL);
	return err ? TOOL_FAILED : TOOL_OK;
}
