/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The guard waits. Between the monitor's death and the guests' they must not
 * run on: without a listener every notified call would answer ENOSYS, and
 * who knows what a program makes of that. So the monitor deposits a second
 * reference to the listener here, as a message that is never received: with
 * it the guests' calls just wait until they are killed.
 */
#include <errno.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include "lib/log.h"
#include "lib/proc.h"
#include "monitor/guard.h"
#include "monitor/monitor.h"
#include "monitor/umvu.h"

static int wait_for(pid_t monitor)
{
	int status;
	pid_t pid;

	do
		pid = waitpid(monitor, &status, 0);
	while (pid < 0 && errno == EINTR);
	if (pid < 0)
		return 1;
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) :
	       WEXITSTATUS(status);
}

void guard_run(struct umvu *u)
{
	int pair[2], status;
	pid_t monitor;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair)) {
		log_error("socketpair: %s", strerror(errno));
		_exit(1);
	}
	monitor = fork();
	if (!monitor) {
		close(pair[0]);
		u->deposit = pair[1];
		monitor_run(u);
	}
	if (monitor < 0) {
		log_error("cannot fork: %s", strerror(errno));
		_exit(1);
	}
	setsid();
	close(u->front);
	close(pair[1]);
	if (u->listen >= 0)
		close(u->listen);
	fds_let_go(&u->inherited);
	dup2(STDIN_FILENO, STDERR_FILENO);
	title_set(u->argv, "vu-guard");
	if (chdir("/"))
		log_debug("/: %s", strerror(errno));
	status = wait_for(monitor);
	if (status)
		umvu_unlink_socket(u);
	proc_end_descendants();
	umvu_remove_scratch(u);
	_exit(status);
}
