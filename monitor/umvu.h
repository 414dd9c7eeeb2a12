/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_UMVU_H
#define MONITOR_UMVU_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>
#include "lib/fds.h"
#include "monitor/options.h"

/*
 * One umvu is three processes:
 *
 *	shell ── front ── guard ── monitor ── guests
 *
 * front	the process the user started. It stays in its process group
 *		and session, so that the shell's job control sees it. It stops
 *		when the first guest stops and leaves with its status.
 * guard	parent of the monitor. When the monitor dies, the guests
 *		become the guard's children, and it kills them.
 * monitor	forks the first guest, receives the guests' calls, reaps them.
 *
 * Each is a subreaper, so that guests whose keepers were killed come to the
 * next one up, which ends them: whichever of the three are killed, as long
 * as one is left no guest is left frozen and no socket file behind.
 *
 * Guard and monitor leave the session, so ^C, ^Z and `kill %1` do not
 * reach them and a process group of the guests is orphaned exactly when it
 * would be without umvu (an orphaned group ignores ^Z; the monitor as a
 * parent in the same session would take that away, and nobody would be there
 * to continue what stopped).
 *
 * Inside a view umvu does the same; only its monitor has no engine: it opens
 * a child view at the monitor that is already there (nested.c).
 */

/* How the process was started; the first guest gets it back. */
struct signals {
	sigset_t mask;
	struct sigaction child;
};

struct umvu {
	struct options options;
	struct signals signals;
	struct fds inherited;
	char **argv;		/* for the title of the guard and the monitor */
	pid_t pid;		/* the front's */
	int front;		/* the monitor's end of the pair with the front */
	int deposit;		/* the monitor's way to the guard, see guard.c */
	int listen;		/* outside door of the service, or -1 */
	int place;		/* directory its socket is in, or -1 */
	int trace;		/* where -t writes, or -1 */
	bool nested;		/* umvu runs inside a view */
	/*
	 * The name of a directory that is to go with the guests, or "": a
	 * page that all three share, filled in by the monitor. NULL: no page
	 */
	char *scratch;
};

/* Remember how signals stand, block them all, make SIGCHLD arrive. */
void signals_take(struct signals *s);
/* Put them back as they were: the last act before an exec. */
void signals_give_back(const struct signals *s);

/* What ps shows of this process from now on. */
void title_set(char **argv, const char *title);

/* Remove the service's socket file. */
void umvu_unlink_socket(const struct umvu *u);

/* The guests have ended: remove the directory that was theirs. */
void umvu_remove_scratch(const struct umvu *u);

/* Messages between front and monitor, one packet each. */
enum front_kind {
	FRONT_FIRST,		/* to front: value is the first guest's pid */
	FRONT_STOPPED,		/* to front: it stopped by signal value */
	FRONT_STATUS,		/* to front: it left with wait status value */
	FRONT_SIGNAL,		/* to monitor: front got signal value of pid */
};

/* The sender of a signal that nobody sent: the terminal's. */
#define FRONT_KERNEL	(-1)

struct front_message {
	enum front_kind kind;
	int value;
	pid_t pid;
};

enum {
	STATUS_MISUSED	= 2,
	STATUS_NO_VIEW	= 125,
	STATUS_NOT_EXECUTABLE = 126,
	STATUS_KILLED	= 137,	/* the monitor or the guard was killed */
};

#endif
