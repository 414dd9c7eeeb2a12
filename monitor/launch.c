/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a first guest comes to run under a filter whose listener is ours.
 *
 * The listener is a descriptor of the process that installs the filter; it
 * could be sent to the monitor over a socket, but sendmsg may be a notified
 * call, and nobody answers yet. So the guest starts with CLONE_FILES: what
 * it opens, the monitor has as well, under the same number. That must
 * happen before the monitor has threads.
 *
 *	guest				monitor
 *	installs the filter
 *	writes the number    ──up──▶	makes the engine, starts its threads
 *	waits		     ◀──go──	lets it go
 *	has its own table
 *	writes 0	     ──up──▶	closes what was inherited for the guest
 *	rc files, exec
 *
 * Until the guest has its own table nothing inherited may be closed on
 * either side. All that is the monitor's is close-on-exec. Where a sandbox
 * does not let the guest have its own table before exec gives it one, the
 * monitor keeps what was inherited.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "engine/filter.h"
#include "include/vu/msocket.h"
#include "lib/fds.h"
#include "lib/log.h"
#include "lib/command.h"
#include "monitor/launch.h"
#include "monitor/rc.h"
#include "monitor/umvu.h"
#include "sys/sys.h"

static void tell(int fd, int value)
{
	if (write(fd, &value, sizeof(value)) != sizeof(value))
		_exit(STATUS_NO_VIEW);
}

static void guest_main(struct umvu *u, int up, int go)
	__attribute__((noreturn));

static void guest_main(struct umvu *u, int up, int go)
{
	int listener = filter_install(sys_filter());
	char byte;

	tell(up, listener);
	if (listener < 0 || read(go, &byte, 1) != 1)
		_exit(STATUS_NO_VIEW);
	tell(up, close_range(listener, listener, CLOSE_RANGE_UNSHARE) ?
		 -errno : 0);
	launch_command(u);
}

/* The guest's next word, or -ECHILD when it died. */
static int hear(const struct launch *l, int *value)
{
	struct pollfd p[2] = {
		{ .fd = l->up, .events = POLLIN },
		{ .fd = l->pidfd, .events = POLLIN },
	};

	while (poll(p, 2, -1) < 0)
		;
	if (!(p[0].revents & POLLIN))
		return -ECHILD;
	return read(l->up, value, sizeof(*value)) == sizeof(*value) ?
	       0 : -EPIPE;
}

static int fork_guest(struct umvu *u, struct launch *l, int up, int go)
{
	struct clone_args args = {
		.flags = CLONE_FILES | CLONE_PIDFD,
		.pidfd = (uintptr_t)&l->pidfd,
		.exit_signal = SIGCHLD,
	};
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	/* A container's filter answers ENOSYS to clone3, never to clone. */
	if (pid < 0 && (errno == ENOSYS || errno == EPERM))
		pid = syscall(SYS_clone, CLONE_FILES | CLONE_PIDFD | SIGCHLD,
			      0, &l->pidfd, 0, 0);
	if (!pid)
		guest_main(u, up, go);
	l->pid = pid;
	return pid < 0 ? -errno : 0;
}

int launch_begin(struct umvu *u, struct launch *l)
{
	int up[2], go[2], ret;

	*l = (struct launch){ .pidfd = -1, .listener = -1 };
	if (pipe2(up, O_CLOEXEC) || pipe2(go, O_CLOEXEC))
		return -errno;
	l->up = up[0];
	l->go = go[1];
	ret = fork_guest(u, l, up[1], go[0]);
	if (!ret)
		ret = hear(l, &l->listener);
	return ret ? ret : l->listener < 0 ? l->listener : 0;
}

int launch_finish(struct umvu *u, struct launch *l)
{
	int ret, unshared;

	if (write(l->go, "", 1) != 1)
		return -errno;
	ret = hear(l, &unshared);
	if (ret)
		return ret;
	if (unshared)
		log_info("the first guest shares descriptors until it runs: %s",
			 strerror(-unshared));
	else
		fds_let_go(&u->inherited);
	return 0;
}

void launch_command(struct umvu *u)
{
	char **command = u->options.command;
	int err, status;

	if (u->options.root && syscall(VU_CALL_BECOME)) {
		dprintf(STDERR_FILENO, "umvu: cannot be root here: %s\n",
			strerror(errno));
		_exit(STATUS_NO_VIEW);
	}
	status = rc_run(u);
	if (status)
		_exit(status);
	signals_give_back(&u->signals);
	err = command_execute(command);
	if (err == -ENOENT && !strchr(command[0], '/'))
		dprintf(STDERR_FILENO, "umvu: %s: command not found\n",
			command[0]);
	else
		dprintf(STDERR_FILENO, "umvu: %s: %s\n", command[0],
			strerror(-err));
	_exit(command_status(err));
}
