/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The front: what the shell sees of a view.
 *
 * All signals are blocked and come through a signalfd, so that it is known
 * who sent them. From the terminal (si_code SI_KERNEL) ^C, ^\, ^Z and window
 * changes reached the guests as well and are dropped here. Whatever people
 * sent by kill is handed to the monitor, which knows who is a guest: it
 * drops what guests sent to the whole process group, ends the view on TERM
 * and HUP, and gives the rest to the first guest.
 *
 * A terminal that goes away sends HUP to the leader of its session alone,
 * and what the leader was running gets it when that has died. If we lead,
 * nobody else knows: the monitor passes it on (see guests_hang_up()), and
 * ends nothing, for what has left the terminal, as a daemon has, lives on.
 *
 * When the first guest stops, the front stops itself by the same signal,
 * with the default action, so that the kernel decides as it would for the
 * guest (an orphaned group is not stopped). By the time the message arrives
 * the guest may run again, because the shell's SIGCONT went to both: hence
 * the look at its state before stopping.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/log.h"
#include "lib/proc.h"
#include "monitor/door.h"
#include "monitor/front.h"
#include "monitor/guard.h"
#include "monitor/umvu.h"

struct front {
	struct umvu *u;
	int monitor;		/* our end of the pair; -1: it has closed */
	int signals;
	pid_t guard;
	int guard_status;	/* wait status, -1 while it lives */
	pid_t first;		/* 0: not yet, or it has left */
	int status;		/* its wait status, -1 while it lives */
	bool hup_ignored;	/* started by nohup or the like */
	bool interrupted;	/* the terminal sent ^C */
};

/* Stop as the first guest did; returns when somebody continues us. */
static void stop(int sig)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };
	struct sigaction old = usual;
	sigset_t one;

	sigaction(sig, &usual, &old);
	sigemptyset(&one);
	sigaddset(&one, sig);
	raise(sig);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
	sigprocmask(SIG_BLOCK, &one, NULL);
	sigaction(sig, &old, NULL);
}

static void on_stopped(struct front *f, int sig)
{
	struct proc_stat st;

	if (!f->first || proc_stat(f->first, &st) || st.state != 'T')
		return;
	stop(sig);
}

/* One message. Return: false when the monitor has closed. */
static bool on_monitor(struct front *f)
{
	struct front_message m;
	ssize_t n = recv(f->monitor, &m, sizeof(m), MSG_DONTWAIT);

	/* A reset (our last words were not read) comes before what is queued. */
	if (n < 0 && (errno == EAGAIN || errno == EINTR ||
		      errno == ECONNRESET))
		return true;
	if (n != sizeof(m))
		return false;
	if (m.kind == FRONT_FIRST) {
		f->first = m.value;
	} else if (m.kind == FRONT_STOPPED) {
		on_stopped(f, m.value);
	} else if (m.kind == FRONT_STATUS) {
		f->status = m.value;
		f->first = 0;
	}
	return true;
}

/* Signals the terminal sends to the guests as well as to us. */
static bool of_terminal(int sig)
{
	return sig == SIGINT || sig == SIGQUIT || sig == SIGTSTP ||
	       sig == SIGWINCH || sig == SIGTTIN || sig == SIGTTOU;
}

static void hand_on(struct front *f, int sig, pid_t sender)
{
	struct front_message m = { FRONT_SIGNAL, sig, sender };

	if (f->monitor >= 0)
		send(f->monitor, &m, sizeof(m), MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void reap(struct front *f)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == f->guard)
			f->guard_status = status;
	}
}

static void on_signal(struct front *f)
{
	struct signalfd_siginfo si;
	int sig;

	if (read(f->signals, &si, sizeof(si)) != sizeof(si))
		return;
	sig = si.ssi_signo;
	if (sig == SIGCHLD) {
		reap(f);
	} else if (si.ssi_code == SI_KERNEL && of_terminal(sig)) {
		f->interrupted |= sig == SIGINT;
		/* With the first guest gone, ^Z is for those who wait. */
		if (sig == SIGTSTP && f->status != -1)
			stop(sig);
	} else if (sig != SIGHUP || !f->hup_ignored) {
		hand_on(f, sig, si.ssi_code == SI_KERNEL ? FRONT_KERNEL :
						       (pid_t)si.ssi_pid);
	}
}

/* Serve until the guard has ended and the monitor has said all. */
static void mirror(struct front *f)
{
	struct pollfd p[2] = {
		{ .fd = f->signals, .events = POLLIN },
		{ .fd = f->monitor, .events = POLLIN },
	};

	while (f->guard_status == -1 || f->monitor >= 0) {
		if (poll(p, 2, -1) < 0)
			continue;
		/* Signals first: a SIGCONT outdates a stop in the queue. */
		if (p[0].revents)
			on_signal(f);
		else if (p[1].revents && !on_monitor(f))
			p[1].fd = f->monitor = -1;
	}
}

/*
 * ^C: the shell looks at how its child ended to learn whether the program
 * took the interrupt; so end by it, too. $? is 130 either way.
 */
static void die_interrupted(void)
{
	struct sigaction usual = { .sa_handler = SIG_DFL };
	sigset_t one;

	sigaction(SIGINT, &usual, NULL);
	sigemptyset(&one);
	sigaddset(&one, SIGINT);
	raise(SIGINT);
	sigprocmask(SIG_UNBLOCK, &one, NULL);
}

static int leave(const struct front *f)
{
	if (WIFEXITED(f->status))
		return WEXITSTATUS(f->status);
	if (WTERMSIG(f->status) == SIGINT && f->interrupted)
		die_interrupted();
	return 128 + WTERMSIG(f->status);
}

/* The guard or the monitor was killed. */
static int lament(const struct front *f)
{
	proc_end_descendants();
	umvu_remove_scratch(f->u);
	umvu_unlink_socket(f->u);
	if (WIFSIGNALED(f->guard_status))
		log_error("the guard was killed (signal %d); "
			  "all guests were ended",
			  WTERMSIG(f->guard_status));
	else if (WEXITSTATUS(f->guard_status) > 128)
		log_error("the monitor was killed (signal %d); "
			  "all guests were ended",
			  WEXITSTATUS(f->guard_status) - 128);
	else
		log_error("the monitor failed; all guests were ended");
	return STATUS_KILLED;
}

static int start(struct front *f, struct umvu *u)
{
	struct sigaction hup;
	int pair[2];
	sigset_t all;

	u->pid = getpid();
	signals_take(&u->signals);
	sigaction(SIGHUP, NULL, &hup);
	f->hup_ignored = hup.sa_handler == SIG_IGN;
	if (!u->nested)
		door_open(u);
	sigfillset(&all);
	f->signals = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	if (f->signals < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return -errno;
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	f->guard = fork();
	if (f->guard < 0)
		return -errno;
	f->monitor = pair[0];
	u->front = pair[1];
	if (!f->guard) {
		close(f->monitor);
		close(f->signals);
		guard_run(u);
	}
	close(pair[1]);
	if (u->listen >= 0)
		close(u->listen);
	fds_let_go(&u->inherited);
	return 0;
}

int front_run(struct umvu *u)
{
	struct front f = { .u = u, .guard_status = -1, .status = -1 };
	int ret = start(&f, u);

	if (ret) {
		log_error("cannot start: %s", strerror(-ret));
		umvu_unlink_socket(u);
		return STATUS_NO_VIEW;
	}
	mirror(&f);
	if (f.guard_status || f.status == -1)
		return lament(&f);
	return leave(&f);
}
