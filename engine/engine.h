/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef ENGINE_ENGINE_H
#define ENGINE_ENGINE_H

#include <stdbool.h>
#include "engine/call.h"

/*
 * The engine receives calls and delivers verdicts. It knows nothing of
 * files, views or nets: what a call means is decided by ops->dispatch.
 */
struct engine_ops {
	/*
	 * Decide one call. Runs on a receiver thread, without any engine
	 * lock; may block (the engine then lets another thread receive), so
	 * several run at once. Must not keep call after returning.
	 */
	struct verdict (*dispatch)(void *ctx, const struct call *call);
	/*
	 * A VERDICT_OBJECT was delivered: result is the descriptor's number
	 * in the guest, or -errno when the guest got that error instead
	 * (-ENOENT: it is gone). Called exactly once for every object with
	 * a note, which the receiver now owns. May be NULL.
	 */
	void (*sent)(void *ctx, const struct call *call, void *note, int result);
};

/*
 * Create an engine around an installed listener.
 * @listener: notification descriptor; owned by the engine from here on
 * Return: the engine, or NULL with no memory
 */
struct engine *engine_new(int listener, const struct engine_ops *ops, void *ctx);

/*
 * Give guests a gate (gate.h), which spares them the notifications of gated
 * rows. To be called before engine_start(), if at all. 0 or -errno
 */
struct filter_spec;
int engine_make_gate(struct engine *e, const struct filter_spec *spec);

/*
 * What a guest that waits in this call does by itself, through its gate, it
 * shall do by no other calls than its own from now on. 0 or -errno
 */
int engine_own_calls(const struct call *call);

/* Has the guest a seccomp filter that is not ours? */
bool engine_filters_itself(const struct call *call);

/*
 * Start the receiver threads. All guests' calls are answered from now on.
 * Return: 0 or -errno
 */
int engine_start(struct engine *e);

/*
 * The descriptor that turns readable when engine_tick() wants to be called
 * (a receiver has been busy for long: see receive.c). For the event loop.
 */
int engine_tick_fd(const struct engine *e);
void engine_tick(struct engine *e);

/*
 * From within dispatch: what comes now will wait for somebody (a server, the
 * network). Another thread receives from here on; without this hint it takes
 * a tick until one does.
 * Return: false when no other thread could be found
 */
bool engine_may_wait(const struct call *call);

/*
 * Can the waiting thread be visited, that is, has it no tracer already?
 * Ask before work that only a VERDICT_REWRITTEN would use; the visit may
 * still fail, and then the verdict's value (0: -EPERM) answers the call.
 */
bool engine_can_rewrite(const struct call *call);

/*
 * Put a descriptor of ours at a number in the guest that waits in this call,
 * in the place of what is there. flags: O_CLOEXEC or 0. 0 or -errno
 */
int engine_put_fd(const struct call *call, int fd, int number, unsigned flags);

/* Is the guest still waiting in this call? (It is not after a kill.) */
bool engine_call_alive(const struct call *call);

/* Calls received since the start, for the statistics. */
uint64_t engine_count(const struct engine *e);

#endif
