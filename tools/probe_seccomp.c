/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "tools/probe.h"
#include "tools/probe_lab.h"

/* Newer than the headers of the oldest system this is built on. */
#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_IOCTL_NOTIF_SET_FLAGS
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#endif

enum { ANSWER = 4711, SETTLE_MS = 20, HANG_UP_MS = 200 };

static int fail_as(int err, int otherwise)
{
	return err ? err : otherwise;
}

/* Receive one call and do one thing with it; then the guest's own verdict. */
static int with_call(unsigned flags, int (*guest)(void),
		     int (*serve)(const struct lab *, uint64_t id))
{
	union lab_call call;
	struct lab lab;
	int err, end;

	err = lab_open(&lab, flags, guest);
	if (err)
		return err;
	err = lab_receive(&lab, &call);
	if (!err)
		err = serve(&lab, call.notif.id);
	end = lab_close(&lab);
	return fail_as(err, end);
}

/* The kernel runs the call: its result is the real one. */
static int guest_native(void)
{
	return syscall(LAB_CALL) > 0 ? 0 : -EPROTO;
}

int probe_listener(struct probe_note *note)
{
	int err = with_call(0, guest_native, lab_continue);

	if (err == -EBUSY)
		probe_say(note, "another sandbox already listens to this "
			  "process");
	return err;
}

static int guest_injected(void)
{
	struct stat st;
	long fd = syscall(LAB_CALL);

	if (fd < 0)
		return -errno;
	if (fstat((int)fd, &st) < 0)
		return -errno;
	return st.st_rdev == makedev(1, 3) ? 0 : -EPROTO;
}

static int serve_injected(const struct lab *lab, uint64_t id)
{
	struct seccomp_notif_addfd addfd = {
		.id = id,
		.flags = SECCOMP_ADDFD_FLAG_SEND,
		.newfd_flags = O_CLOEXEC,
	};
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int n, err = 0;

	if (fd < 0)
		return -errno;
	addfd.srcfd = (uint32_t)fd;
	n = ioctl(lab->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd);
	if (n < 0)
		err = -errno;
	close(fd);
	return err;
}

int probe_inject(struct probe_note *note)
{
	(void)note;
	return with_call(0, guest_injected, serve_injected);
}

static void on_signal(int signal)
{
	(void)signal;
}

/* The call must come back with the answer, not with EINTR. */
static int guest_signalled(void)
{
	struct sigaction sa = { .sa_handler = on_signal };
	long value;

	sigaction(SIGUSR1, &sa, NULL);
	value = syscall(LAB_CALL);
	if (value == ANSWER)
		return 0;
	return value < 0 ? -errno : -EPROTO;
}

static int serve_signalled(const struct lab *lab, uint64_t id)
{
	if (kill(lab->pid, SIGUSR1) < 0)
		return -errno;
	poll(NULL, 0, SETTLE_MS);
	if (ioctl(lab->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) < 0)
		return -EINTR;
	return lab_answer(lab, id, ANSWER);
}

int probe_killable(struct probe_note *note)
{
	(void)note;
	return with_call(SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV,
			 guest_signalled, serve_signalled);
}

static int serve_synchronous(const struct lab *lab, uint64_t id)
{
	int n = ioctl(lab->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
		      SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP);

	return n < 0 ? -errno : lab_continue(lab, id);
}

int probe_sync_wake_up(struct probe_note *note)
{
	(void)note;
	return with_call(0, guest_native, serve_synchronous);
}

static int guest_leaving(void)
{
	return 0;
}

/* The guest has ended and is not reaped: does the listener tell? */
int probe_last_guest(struct probe_note *note)
{
	struct lab lab;
	struct pollfd pfd = { 0 };
	int end, err = lab_open(&lab, 0, guest_leaving);

	(void)note;
	if (err)
		return err;
	pfd.fd = lab.listener;
	if (poll(&pfd, 1, HANG_UP_MS) < 0)
		err = -errno;
	else if (!(pfd.revents & POLLHUP))
		err = -EOPNOTSUPP;
	end = lab_close(&lab);
	return fail_as(err, end);
}
