/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receiving calls.
 *
 * Several threads blocked in NOTIF_RECV on one listener are slower than one
 * (the kernel wakes the one that has slept longest, on a cold and distant
 * core), so at any time exactly one receiver is *on duty*: it receives a
 * call, dispatches it, delivers the verdict, and receives again. As long as
 * no dispatch takes long, that is all there is.
 *
 * When one does, somebody else must receive. A receiver that enters a call
 * makes sure that a one-shot timer of TICK runs; when it rings, the event
 * loop calls engine_tick(), which looks whether the receiver on duty is
 * still in the very call that the timer was armed for. If so the duty goes
 * to another receiver, taken from the standby list or newly made; the busy
 * one notices after its call and goes to standby, or ends when enough
 * stand by. If it is in another call, the timer is armed for that one; if it
 * is in none, the timer stays off. So the price is one timerfd_settime per
 * TICK under load and nothing when idle.
 *
 * engine_may_wait() hands the duty over at once, without a tick.
 *
 * A receiver's progress is the number of the call it is in, 0 between calls.
 * `armed` is cleared before progress is read, and progress is written
 * before `armed` is read (both sequentially consistent): either the tick
 * sees the new call or the receiver sees the timer off and arms it.
 *
 * States of a receiver:
 *	on duty, receiving	e->duty == r, progress == 0
 *	on duty, in a call	e->duty == r, progress != 0
 *	relieved		e->duty != r, progress != 0; soon standby
 *	standby			in e->standby, sleeps on its condition
 * A relieved receiver may receive one call more, when it was relieved
 * between its look at e->duty and RECV. That is harmless: any number of
 * receivers is correct, one is only the fastest.
 *
 * When the last guest is gone the listener hangs up. Kernels since 6.11
 * wake RECV for that; before, the receiver sleeps until the monitor ends.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "arch/arch.h"
#include "engine/engine_internal.h"
#include "engine/gate.h"
#include "engine/proc.h"

#define TICK_NSEC	10000000
#define HANGUP_NAP_MSEC	10

#ifdef __SANITIZE_ADDRESS__
#define STACK_SIZE	(2u << 20)
#else
#define STACK_SIZE	(256u << 10)
#endif

struct receiver {
	struct engine *e;
	struct receiver *next;		/* in e->standby */
	pthread_cond_t wake;
	_Atomic uint64_t progress;
	struct call call;
	union {
		struct seccomp_notif notif;
		char room[NOTIF_ROOM];
	};
};

static int appoint(struct engine *e);

static void arm(struct engine *e, uint64_t seq)
{
	const struct itimerspec soon = { .it_value.tv_nsec = TICK_NSEC };

	atomic_store(&e->seen, seq);
	timerfd_settime(e->timer, 0, &soon, NULL);
}

static bool hung_up(struct engine *e, int msec)
{
	struct pollfd p = { .fd = e->listener };

	return poll(&p, 1, msec) == 1 && (p.revents & (POLLHUP | POLLNVAL));
}

/*
 * Return: 1 with a call, 0 to try again, -1 when the last guest is gone.
 * ENOENT: the guest died while we woke up. Whatever else may come must not
 * make us spin.
 */
static int receive(struct receiver *r)
{
	struct engine *e = r->e;

	memset(r->room, 0, e->notif_size);
	if (!ioctl(e->listener, SECCOMP_IOCTL_NOTIF_RECV, &r->notif))
		return 1;
	if (errno == EINTR)
		return 0;
	return hung_up(e, errno == ENOENT ? 0 : HANGUP_NAP_MSEC) ? -1 : 0;
}

static void copy_call(struct receiver *r)
{
	const struct seccomp_data *d = &r->notif.data;
	struct call *call = &r->call;
	size_t i;

	call->engine = r->e;
	call->id = r->notif.id;
	call->tid = r->notif.pid;
	call->abi = d->arch == ARCH_AUDIT_NATIVE ? ABI_NATIVE : ABI_COMPAT;
	call->nr = d->nr;
	call->ip = d->instruction_pointer;
	for (i = 0; i < 6; i++)
		call->arg[i] = call->abi == ABI_COMPAT ?
			       (uint32_t)d->args[i] : d->args[i];
}

static void answer(struct receiver *r)
{
	struct engine *e = r->e;
	enum reissued reissued = reissue_take(&r->call);
	struct verdict v;

	if (reissued == REISSUED_ANSWERED)
		return;
	if (reissued == REISSUED_NO && gate_due(e->gate, &r->call) &&
	    !gate_build(e->gate, &r->call))
		return;
	v = e->ops->dispatch(e->ctx, &r->call);
	/* what the kernel would go on with is not what the guest had asked */
	if (reissued == REISSUED_UNDONE && v.kind == VERDICT_NATIVE)
		v = verdict_rewritten(rewrite_new(&r->call));
	deliver(&r->call, &v);
}

static int serve_one(struct receiver *r)
{
	struct engine *e = r->e;
	uint64_t seq;
	int got = receive(r);

	if (got <= 0)
		return got;
	seq = atomic_fetch_add(&e->count, 1) + 1;
	atomic_store(&r->progress, seq);
	if (!atomic_load(&e->armed) && !atomic_exchange(&e->armed, true))
		arm(e, seq);
	copy_call(r);
	answer(r);
	atomic_store(&r->progress, 0);
	return 0;
}

static void all_over(struct engine *e)
{
	struct receiver *r;

	pthread_mutex_lock(&e->lock);
	e->over = true;
	atomic_store(&e->duty, NULL);
	for (r = e->standby; r; r = r->next)
		pthread_cond_signal(&r->wake);
	pthread_mutex_unlock(&e->lock);
}

static void leave_standby(struct engine *e, struct receiver *r)
{
	struct receiver **p = &e->standby;

	while (*p && *p != r)
		p = &(*p)->next;
	if (*p) {
		*p = r->next;
		e->nstandby--;
	}
}

/* Sleep until appointed. False: this receiver is not needed any more. */
static bool stand_by(struct receiver *r)
{
	struct engine *e = r->e;
	bool needed = false;

	pthread_mutex_lock(&e->lock);
	if (!e->over && e->nstandby < STANDBY_MAX) {
		r->next = e->standby;
		e->standby = r;
		e->nstandby++;
		while (atomic_load(&e->duty) != r && !e->over)
			pthread_cond_wait(&r->wake, &e->lock);
		leave_standby(e, r);
		needed = !e->over;
	}
	if (!needed)
		e->nreceivers--;
	pthread_mutex_unlock(&e->lock);
	return needed;
}

static void *receiver_main(void *arg)
{
	struct receiver *r = arg;
	struct engine *e = r->e;

	/* Whoever made us sets e->duty before it lets go of the lock. */
	pthread_mutex_lock(&e->lock);
	pthread_mutex_unlock(&e->lock);
	do {
		while (atomic_load(&e->duty) == r) {
			if (serve_one(r) < 0)
				all_over(e);
		}
	} while (stand_by(r));
	pthread_cond_destroy(&r->wake);
	free(r);
	return NULL;
}

/* Receivers take no signals: those are the event loop's affair. */
static int start_thread(struct receiver *r)
{
	sigset_t all, old;
	pthread_attr_t attr;
	pthread_t thread;
	int err;

	sigfillset(&all);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_SIZE);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&thread, &attr, receiver_main, r);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attr);
	return -err;
}

static int new_receiver(struct engine *e)
{
	struct receiver *r;
	int err;

	if (e->nreceivers >= RECEIVERS_MAX)
		return -EAGAIN;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->e = e;
	pthread_cond_init(&r->wake, NULL);
	err = start_thread(r);
	if (err) {
		pthread_cond_destroy(&r->wake);
		free(r);
		return err;
	}
	e->nreceivers++;
	atomic_store(&e->duty, r);
	return 0;
}

/* Give the duty to somebody who is free. Lock held. */
static int appoint(struct engine *e)
{
	struct receiver *r = e->standby;

	if (!r)
		return new_receiver(e);
	leave_standby(e, r);
	atomic_store(&e->duty, r);
	pthread_cond_signal(&r->wake);
	return 0;
}

void engine_tick(struct engine *e)
{
	struct receiver *r;
	uint64_t rings, seq = 0;

	if (read(e->timer, &rings, sizeof(rings)) < 0)
		return;
	atomic_store(&e->armed, false);
	pthread_mutex_lock(&e->lock);
	r = atomic_load(&e->duty);
	if (r)
		seq = atomic_load(&r->progress);
	if (seq && seq == atomic_load(&e->seen) && !appoint(e))
		seq = 0;
	if (seq && !atomic_exchange(&e->armed, true))
		arm(e, seq);
	pthread_mutex_unlock(&e->lock);
}

bool engine_may_wait(const struct call *call)
{
	const struct receiver *r = (const struct receiver *)
		((const char *)call - offsetof(struct receiver, call));
	struct engine *e = call->engine;

	if (atomic_load(&e->duty) != r)
		return true;
	pthread_mutex_lock(&e->lock);
	if (atomic_load(&e->duty) == r)
		appoint(e);
	pthread_mutex_unlock(&e->lock);
	return atomic_load(&e->duty) != r;
}

int engine_tick_fd(const struct engine *e)
{
	return e->timer;
}

bool engine_call_alive(const struct call *call)
{
	return !ioctl(call->engine->listener, SECCOMP_IOCTL_NOTIF_ID_VALID,
		      &call->id);
}

int engine_make_gate(struct engine *e, const struct filter_spec *spec)
{
	e->gate = gate_new(spec);
	return e->gate ? 0 : -errno;
}

int engine_own_calls(const struct call *call)
{
	return call->engine && call->engine->gate ? gate_own(call) : 0;
}

bool engine_filters_itself(const struct call *call)
{
	return proc_filters(call->tid) != call->engine->filters;
}

uint64_t engine_count(const struct engine *e)
{
	return atomic_load(&e->count);
}

struct engine *engine_new(int listener, const struct engine_ops *ops, void *ctx)
{
	struct engine *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (e->timer < 0) {
		free(e);
		return NULL;
	}
	e->listener = listener;
	e->ops = ops;
	e->ctx = ctx;
	pthread_mutex_init(&e->lock, NULL);
	pthread_mutex_init(&e->reissue.lock, NULL);
	return e;
}

/*
 * Buffers must have the kernel's size, which may grow.
 * SYNC_WAKE_UP keeps guest and monitor on one core; before 6.6 there is no
 * such flag, and every call pays for a wake-up across cores.
 */
int engine_start(struct engine *e)
{
	struct seccomp_notif_sizes sizes;
	int r;

	if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
		return -errno;
	if (sizes.seccomp_notif > NOTIF_ROOM ||
	    sizes.seccomp_notif_resp > NOTIF_ROOM)
		return -EOVERFLOW;
	e->notif_size = sizes.seccomp_notif;
	e->filters = proc_filters(getpid()) + 1;
	if (!ioctl(e->listener, SECCOMP_IOCTL_NOTIF_SET_FLAGS,
		   SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP))
		e->ncpu = sysconf(_SC_NPROCESSORS_ONLN);
	pthread_mutex_lock(&e->lock);
	r = new_receiver(e);
	pthread_mutex_unlock(&e->lock);
	return r;
}
