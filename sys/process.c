/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that change what a process is, or that View-OS adds. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/memory.h"
#include "lib/log.h"
#include "lib/plain.h"
#include "lib/procfd.h"
#include "sys/handlers.h"
#include "sys/state.h"

static int set_undumpable(struct request *rq, bool undumpable)
{
	struct guest *g = guest_copy(rq->guest);

	if (!g)
		return -ENOMEM;
	g->undumpable = undumpable;
	return sys_become(rq, g);
}

int guest_executes(struct request *rq, struct mount *through)
{
	struct guest *g;
	bool same;

	if (through && !through->id)
		through = NULL;
	if (!rq->guest->undumpable && rq->guest->exe == through)
		return 0;
	g = guest_copy(rq->guest);
	if (!g)
		return -ENOMEM;
	same = !g->undumpable;
	g->undumpable = false;
	guest_set_exe(g, through);
	return same ? sys_executes(rq, g) : sys_become(rq, g);
}

/* A filter of its own may know its calls, and no others in their place. */
struct verdict call_seccomp(struct request *rq)
{
	if (engine_own_calls(rq->call))
		plain_ask(PLAIN_ALL, 1);
	return verdict_native();
}

/*
 * A process that is not dumpable could not be read by a monitor of the same
 * user any more: it is told that it is, and is not.
 */
struct verdict call_prctl(struct request *rq)
{
	int option = (int)rq->call->arg[0];
	struct verdict v;

	if (option == PR_SET_SECCOMP)
		return call_seccomp(rq);
	/* our filter is none of its own: it has as much as we have */
	if (option == PR_GET_SECCOMP && !engine_filters_itself(rq->call))
		return verdict_value(prctl(PR_GET_SECCOMP, 0, 0, 0, 0));
	if (ids_answer_prctl(rq, &v))
		return v;
	if (rq->sys->privileged)
		return verdict_native();
	if (option == PR_SET_DUMPABLE && rq->call->arg[1] == 0)
		return verdict_value(set_undumpable(rq, true));
	if (option == PR_SET_DUMPABLE && rq->guest->undumpable)
		set_undumpable(rq, false);
	if (option == PR_GET_DUMPABLE && rq->guest->undumpable)
		return verdict_value(0);
	return verdict_native();
}

/* New name spaces: from now on callers may not be in ours. */
static void note_spaces(struct sys *s, uint64_t flags)
{
	if ((flags & (CLONE_FS | CLONE_THREAD)) == CLONE_FS)
		atomic_store(&s->sharers, true);
	if (flags & (CLONE_NEWNS | CLONE_NEWUSER)) {
		atomic_store(&s->foreigners, true);
		sys_note_root(s);
	}
}

/*
 * In a mount name space of its own a process has the kernel's files instead of
 * the view's. Where files are to be left as they are, there is none to be had.
 */
static struct verdict enter_spaces(struct request *rq, uint64_t flags)
{
	static atomic_flag told = ATOMIC_FLAG_INIT;

	if (!rq->version->nlayered || !(flags & CLONE_NEWNS)) {
		note_spaces(rq->sys, flags);
		return verdict_native();
	}
	if (!atomic_flag_test_and_set(&told))
		log_warn("pid %d: no mount name space of its own where files "
			 "are to be left as they are", request_tgid(rq));
	return verdict_value(-EPERM);
}

struct verdict call_clone(struct request *rq)
{
	return enter_spaces(rq, rq->call->arg[0]);
}

struct verdict call_clone3(struct request *rq)
{
	uint64_t flags;
	int err = guest_read(rq->call, rq->call->arg[0], &flags, sizeof(flags));

	if (!err)
		return enter_spaces(rq, flags);
	return rq->version->nlayered ? verdict_value(err) : verdict_native();
}

/* Of what kind a name space is that is not said tells its descriptor. */
static uint64_t spaces_entered(const struct request *rq)
{
	uint64_t kinds = (unsigned)rq->call->arg[1];
	char text[8] = "";

	if (!kinds && (procfd_readlink(rq->call->tid, (int)rq->call->arg[0],
				       text, 4) < 0 || !strcmp(text, "mnt:")))
		kinds = CLONE_NEWNS;
	return kinds | CLONE_NEWUSER;
}

struct verdict call_setns(struct request *rq)
{
	if (!rq->version->nlayered || (int)rq->call->arg[0] < 0) {
		note_spaces(rq->sys, CLONE_NEWNS | CLONE_NEWUSER);
		return verdict_native();
	}
	return enter_spaces(rq, spaces_entered(rq));
}

struct verdict call_exit(struct request *rq)
{
	task_adopt(rq->sys->tasks, rq->call->tid);
	return verdict_native();
}

/* --- what a view adds to the kernel's calls --- */

struct verdict call_service(struct request *rq)
{
	int fd = -ENOSYS;

	if (rq->sys->hooks.service)
		fd = rq->sys->hooks.service(rq->sys->hooks.ctx, rq->call->tid);
	return fd < 0 ? verdict_value(fd) : verdict_object(fd, O_CLOEXEC);
}

static bool descends(pid_t pid, pid_t ancestor)
{
	for (int i = 0; pid > 1 && i < 64; i++) {
		if (pid == ancestor)
			return true;
		pid = task_parent(pid);
	}
	return false;
}

struct verdict call_enter(struct request *rq)
{
	struct sys *s = rq->sys;
	struct guest *g;
	struct view *v;
	pid_t owner;
	int err;

	v = sys_find_view(s, (unsigned)rq->call->arg[0], &owner);
	if (!v)
		return verdict_value(-ENOENT);
	g = owner && descends(request_tgid(rq), owner) ? guest_copy(rq->guest) : NULL;
	err = g ? 0 : owner ? -EPERM : -ENOENT;
	if (g) {
		view_put(g->view);
		g->view = view_get(v);
		err = sys_become(rq, g);
	}
	if (!err) {
		struct version *now = view_version(v);

		sys_no_core_files(now, request_tgid(rq));
		version_put(now);
	}
	view_put(v);
	return verdict_value(err);
}
