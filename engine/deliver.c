/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Delivering verdicts.
 *
 * Every received call gets exactly one answer. -ENOENT from the kernel means
 * that nobody waits: the guest was killed, or (without WAIT_KILLABLE_RECV,
 * or frozen) left the call to make it again later. Then there is nothing to
 * do but to clean up; a call made again comes in as a new one.
 *
 * ADDFD with SEND installs the descriptor and answers in one step, done by
 * the guest's own thread: it blocks until that runs. If the guest has no
 * room for a descriptor the call still waits, for the error.
 *
 * That wake-up is a place where the time goes. SYNC_WAKE_UP makes guest and
 * receiver alternate on one core, but the kernel has no such thing for
 * ADDFD: it wakes the guest on an idle core, and the guest's completion then
 * wakes the receiver on another one again. Measured, open and close of an
 * object: 80 to 120 us, against 32 with both bound to one core; with only
 * the guest bound 85, with both bound for the time of the ioctl 40.
 *
 * So both are bound to this core for the time of the ioctl, and the guest
 * is answered only when it is free again: what it forked meanwhile would
 * stay bound for good. It sleeps in the call all the while; only another
 * thread that asks for its affinity in just these microseconds can tell, and
 * only a monitor killed in just these would leave it bound. Who has chosen
 * an affinity, or was given one (be it the monitor), is left alone: setting
 * it again would not be the same (cpusets). What remains to be done for the
 * call is done before the answer, for then guest and receiver would run at
 * once.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "engine/engine_internal.h"

#define ERRNO_MAX 4095

static int notif_ioctl(const struct call *call, unsigned long op, void *arg)
{
	int r;

	do
		r = ioctl(call->engine->listener, op, arg);
	while (r < 0 && errno == EINTR);
	return r < 0 ? -errno : r;
}

int notif_send(const struct call *call, long value, unsigned flags)
{
	union {
		struct seccomp_notif_resp resp;
		char room[NOTIF_ROOM];
	} u;

	memset(&u, 0, sizeof(u));
	u.resp.id = call->id;
	u.resp.flags = flags;
	if (value < 0 && value >= -ERRNO_MAX)
		u.resp.error = value;
	else
		u.resp.val = value;
	return notif_ioctl(call, SECCOMP_IOCTL_NOTIF_SEND, &u);
}

static bool goes_anywhere(const struct engine *e, pid_t tid)
{
	cpu_set_t set;

	return !sched_getaffinity(tid, sizeof(set), &set) &&
	       CPU_COUNT(&set) >= e->ncpu;
}

/* True when the guest and we were bound, and must be set free again. */
static bool bind_near(const struct call *call)
{
	const struct engine *e = call->engine;
	int cpu = sched_getcpu();
	cpu_set_t here;

	if (e->ncpu < 2 || cpu < 0 || !goes_anywhere(e, call->tid) ||
	    !goes_anywhere(e, 0))
		return false;
	CPU_ZERO(&here);
	CPU_SET(cpu, &here);
	if (sched_setaffinity(call->tid, sizeof(here), &here))
		return false;
	sched_setaffinity(0, sizeof(here), &here);
	return true;
}

static void set_free(const struct call *call)
{
	cpu_set_t all;

	memset(&all, 0xff, sizeof(all));
	sched_setaffinity(call->tid, sizeof(all), &all);
	sched_setaffinity(0, sizeof(all), &all);
}

static int add_fd(const struct call *call, int fd, unsigned fd_flags,
		  unsigned flags)
{
	struct seccomp_notif_addfd add = {
		.id = call->id,
		.flags = flags,
		.srcfd = fd,
		.newfd_flags = fd_flags & O_CLOEXEC,
	};

	return notif_ioctl(call, SECCOMP_IOCTL_NOTIF_ADDFD, &add);
}

int engine_put_fd(const struct call *call, int fd, int number, unsigned flags)
{
	struct seccomp_notif_addfd add = {
		.id = call->id,
		.flags = SECCOMP_ADDFD_FLAG_SETFD,
		.srcfd = fd, .newfd = number,
		.newfd_flags = flags & O_CLOEXEC,
	};
	int r = notif_ioctl(call, SECCOMP_IOCTL_NOTIF_ADDFD, &add);

	return r < 0 ? r : 0;
}

/*
 * Only -ENOENT and -EINPROGRESS (somebody answered: it was our own
 * interrupted ioctl) leave nobody to tell the error.
 */
static void deliver_object(const struct call *call, struct verdict *v)
{
	const struct engine *e = call->engine;
	bool bound = bind_near(call);
	int r = add_fd(call, v->fd, v->fd_flags,
		       bound ? 0 : SECCOMP_ADDFD_FLAG_SEND);

	/* where it can be, before the guest runs: its close must be the last */
	close(v->fd);
	v->fd = -1;
	if (v->note && e->ops->sent)
		e->ops->sent(e->ctx, call, v->note, r);
	if (bound)
		set_free(call);
	if (bound || (r < 0 && r != -ENOENT && r != -EINPROGRESS))
		notif_send(call, r, 0);
}

/* A thread that cannot be visited gets the dispatcher's value instead. */
static void deliver_rewritten(const struct call *call, struct verdict *v)
{
	int r = visit(call, v->rewrite);

	v->rewrite = NULL;
	if (r)
		notif_send(call, v->value ? v->value : -EPERM, 0);
}

void deliver(const struct call *call, struct verdict *v)
{
	switch (v->kind) {
	case VERDICT_NATIVE:
		notif_send(call, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE);
		break;
	case VERDICT_VALUE:
		notif_send(call, v->value, 0);
		break;
	case VERDICT_OBJECT:
		deliver_object(call, v);
		break;
	case VERDICT_REWRITTEN:
		deliver_rewritten(call, v);
		break;
	}
}

int notif_lend(const struct call *call, int fd)
{
	return add_fd(call, fd, O_CLOEXEC, 0);
}

int rewrite_lend(struct rewrite *rw, const struct call *call, int fd)
{
	(void)rw;
	return notif_lend(call, fd);
}
