/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * sys_dispatch() is run by any receiver thread for every notified call. In
 * an empty view it ends at its first test. Otherwise the names among the
 * arguments are resolved, and only if at least one of them leads somewhere
 * that the kernel would not come to by itself does a handler see the call:
 * so a handler never has to ask whether it is concerned.
 *
 * All state of a call is in its struct request on this thread's stack; what
 * it refers to (guest, version) is held by reference until the end.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/engine.h"
#include "engine/memory.h"
#include "lib/clock.h"
#include "lib/plain.h"
#include "sys/creds.h"
#include "sys/handlers.h"
#include "sys/operand.h"
#include "sys/real.h"
#include "sys/state.h"
#include "sys/table.h"
#include "sys/watch.h"
#include "view/layered.h"

/* Has the caller left our mount name space? Then the view is not its. */
static bool foreign(const struct request *rq)
{
	char link[64];
	struct stat st;

	if (!atomic_load(&rq->sys->foreigners))
		return false;
	snprintf(link, sizeof(link), "/proc/%d/ns/mnt", rq->call->tid);
	return !stat(link, &st) && (st.st_dev != rq->sys->mount_space.dev ||
				    st.st_ino != rq->sys->mount_space.ino);
}

static bool has_name(const struct row *row, int i)
{
	return row->op[i].mode != OPERAND_NONE;
}

/* A change of what is in a read-only mount. */
static int refuse_change(const struct request *rq)
{
	const struct found *f = &rq->found[0];

	return !f->error && f->obj.mount &&
	       layered_rdonly(rq->version, f->obj.mount) ?
	       -EROFS : 0;
}

/*
 * What we cannot look at the kernel can, perhaps (memory of memfd_secret(2), a
 * process that is not dumpable): what must stay as it is, is not its affair.
 */
static int refuse_unseen(const struct request *rq)
{
	if (!rq->version->nlayered || !(call_changes(rq) || rq->how_error))
		return 0;
	return rq->unseen;
}

/*
 * The names of the call, resolved.
 * Return: 1 when a handler has to answer, 0 when the kernel has, or -errno
 */
static int resolve_names(struct request *rq)
{
	bool force = (rq->row->traits & ROW_VIRTUAL) ||
		     ((rq->row->traits & ROW_MOVES) && rq->guest->cwd.mount);
	bool ours = force;
	int n = has_name(rq->row, 0) + has_name(rq->row, 1);
	enum operand_state s[2] = { OPERAND_KERNELS, OPERAND_KERNELS };

	for (int i = 0; i < n; i++) {
		s[i] = operand_resolve(rq, i, force);
		/* a second name that is none: the first is ours to judge */
		if (s[i] == OPERAND_UNREADABLE && i && s[0] == OPERAND_WALKED)
			rq->error[i] = operand_unreadable(rq, i);
		else if (s[i] == OPERAND_UNREADABLE)
			return refuse_unseen(rq);
		if (s[i] == OPERAND_WALKED)
			ours = true;
	}
	/* a handler gets all names walked, or none */
	for (int i = 0; i < n && ours; i++)
		if (s[i] == OPERAND_KERNELS && !rq->found[i].obj.mount)
			operand_resolve(rq, i, true);
	return ours;
}

/*
 * Something that is open and has no name any more: its attributes can be
 * told, and whatever else is done to it stays with the descriptor.
 */
static bool beyond_names(const struct request *rq)
{
	const struct found *f = &rq->found[0];

	return (f->is_descriptor || f->magic || hidden_file(&f->obj)) &&
	       f->obj.unnamed && rq->row->handle != call_stat &&
	       rq->row->handle != call_statx;
}

/*
 * The kernel does the rest; but what a layered mount hides must stay as it
 * is. Attributes are said to be changed, which nobody else can see.
 */
static struct verdict answer_nameless(struct request *rq)
{
	if (!hidden_file(&rq->found[0].obj) || !call_changes(rq))
		return verdict_native();
	return verdict_value(rq->row->traits & ROW_CHANGES ? 0 : -ENOENT);
}

/* The error of the first name that leads nowhere at all. */
static int walk_error(const struct request *rq)
{
	if (rq->error[0] || !has_name(rq->row, 1))
		return rq->error[0];
	/* what is to be linked must exist before the other name matters */
	if (rq->row->handle == call_link && rq->found[0].error)
		return rq->found[0].error;
	/* and pivot_root() has looked at the one before the other */
	if (rq->error[1] && rq->row->handle == call_by_real_name &&
	    !rq->found[0].error && !S_ISDIR(rq->found[0].obj.mode))
		return -ENOTDIR;
	return rq->error[1];
}

/*
 * acct() and swapon() would have the kernel write to a file of a layered mount,
 * for as long as it likes: that is refused. Of all else it says itself that it
 * is none.
 */
static struct verdict change_by_real_name(struct request *rq)
{
	if (!S_ISREG(rq->found[0].obj.mode))
		return call_by_real_name(rq);
	return verdict_value(strcmp(rq->row->name, "swapon") ? -EOPNOTSUPP
							     : -EINVAL);
}

/*
 * By its real name a file would be changed that only looks like it: there
 * the handler does it, if there is one, whoever's arguments they are.
 */
static struct verdict by_real_name(struct request *rq)
{
	const struct mount *m = rq->found[0].obj.mount;
	struct verdict (*handle)(struct request *rq) = rq->row->handle;
	bool changes = rq->row->traits & ROW_CHANGES;

	if (!m || !mount_layered(m) ||
	    !(changes || handle == call_getxattr || handle == call_listxattr))
		return call_by_real_name(rq);
	return handle == call_by_real_name ? change_by_real_name(rq)
					   : handle(rq);
}

static struct verdict answer_names(struct request *rq)
{
	int err;

	err = resolve_names(rq);
	if (err <= 0)
		return err ? verdict_value(err) : verdict_native();
	if (beyond_names(rq))
		return answer_nameless(rq);
	err = walk_error(rq);
	for (int i = 0; i < 2 && !err; i++)
		err = rq->found[i].dir.unnamed ? -ENOENT : 0;
	if (!err && (rq->row->traits & ROW_CHANGES))
		err = refuse_change(rq);
	/* that there is no room for a descriptor is said first */
	if (err && rq->row->handle != call_open)
		return verdict_value(err);
	if (rq->call->abi == ABI_COMPAT && !(rq->row->traits & ROW_NEUTRAL))
		return by_real_name(rq);
	return rq->row->handle == call_by_real_name ? by_real_name(rq)
						    : rq->row->handle(rq);
}

/* A set-id program that is executed may be where virtual ids begin. */
static bool may_begin_ids(const struct sys *s, const struct row *row)
{
	return row->handle == call_exec && ids_may_begin(s, VU_KEEP_IDS);
}

/* Nothing of the view can concern this call. */
static bool indifferent(const struct request *rq)
{
	if (rq->row->traits & ROW_ALWAYS)
		return false;
	if (!rq->row->handle)
		return true;
	if ((rq->row->traits & ROW_MADE) && !has_name(rq->row, 0) &&
	    !rq->version->nlayered && !guest_has_ids(rq->guest) &&
	    !descriptors_made(rq->sys->descriptors))
		return true;
	if ((rq->row->traits & ROW_IDS) && !guest_has_ids(rq->guest))
		return true;
	return !rq->version->nmount && guest_plain(rq->guest) &&
	       !guest_has_ids(rq->guest) && !may_begin_ids(rq->sys, rq->row) &&
	       descriptors_empty(rq->sys->descriptors) &&
	       !atomic_load(&rq->sys->tracers);
}

static struct verdict decide(struct request *rq)
{
	int err;

	if (indifferent(rq) || foreign(rq))
		return verdict_native();
	/* a descriptor may lead to a node of a module, which asks for more */
	if ((rq->row->traits & ROW_BARE) && !rq->version->nlayered &&
	    descriptors_empty(rq->sys->descriptors))
		return rq->row->handle(rq);
	err = creds_assume(rq);
	if (!err)
		err = request_root(rq);
	if (err)		/* -ESRCH: gone, nobody will see it */
		return verdict_value(err == -ESRCH ? -EINTR : err);
	if (has_name(rq->row, 0))
		return answer_names(rq);
	return rq->row->handle(rq);
}

/* --- trace --- */

static const char *verdict_text(enum verdict_kind kind)
{
	static const char *const text[] = {
		[VERDICT_NATIVE] = "native", [VERDICT_VALUE] = "value",
		[VERDICT_OBJECT] = "object", [VERDICT_REWRITTEN] = "rewritten",
	};

	return text[kind];
}

static const char *owner(const struct request *rq)
{
	const struct mount *m = rq->found[0].obj.mount ?: rq->found[0].dir.mount;

	return m && m->id ? m->pub.type : NULL;
}

static void trace(struct request *rq, const struct verdict *v,
		  unsigned long since)
{
	const struct operand *op = &rq->row->op[0];
	struct sys_trace line = {
		.tid = rq->call->tid, .call = rq->row->name,
		.verdict = verdict_text(v->kind), .module = owner(rq),
		.result = v->kind == VERDICT_VALUE ? v->value : 0,
		.usec = now_ns() / 1000 - since,
	};

	if (op->mode != OPERAND_NONE && !rq->path[0][0])
		guest_read_string(rq->call, rq->call->arg[(int)op->path],
				  rq->path[0], sizeof(rq->path[0]));
	rq->path[0][sizeof(rq->path[0]) - 1] = '\0';
	line.detail = rq->path[0][0] ? rq->path[0] : NULL;
	rq->sys->hooks.trace(rq->sys->hooks.ctx, &line);
}

/* --- the way in --- */

/* A mount of the kernel's own: other names below it. */
static bool mounts(const struct row *row)
{
	return row->handle == call_mount || row->handle == call_umount ||
	       row->handle == call_oldumount ||
	       row->handle == call_new_mount_api ||
	       !strcmp(row->name, "pivot_root");
}

/* Will there perhaps be a symlink where none was? */
static bool may_make_symlink(const struct request *rq, const struct verdict *v)
{
	const struct row *row = rq->row;

	if (v->kind == VERDICT_VALUE && v->value < 0)	/* nothing was done */
		return false;
	if (row->handle == call_symlink ||
	    (mounts(row) && v->kind == VERDICT_NATIVE))
		return true;
	if (row->handle != call_link && row->handle != call_rename)
		return false;
	if (!strcmp(row->name, "renameat2") && rq->call->arg[4])
		return true;
	return !operand_is_file(rq);
}

struct verdict sys_dispatch(void *ctx, const struct call *call)
{
	struct sys *s = ctx;
	const struct row *row = row_find(call->abi, call->nr);
	bool traced = s->hooks.trace && atomic_load(&s->tracers);
	unsigned long since = traced ? now_ns() / 1000 : 0;
	struct request rq;
	struct verdict v;

	if (!row)
		return verdict_native();
	if (!atomic_load(&s->awake) && !traced &&
	    !(row->traits & ROW_ALWAYS) && !may_begin_ids(s, row))
		return verdict_native();
	request_init(&rq, s, call, row);
	rq.guest = task_state(s->tasks, call->tid, NULL);
	if (!rq.guest)
		return verdict_native();
	rq.epoch = plain_epoch();
	rq.version = view_version(rq.guest->view);
	v = decide(&rq);
	if (may_make_symlink(&rq, &v)) {
		if (v.kind == VERDICT_VALUE)	/* it is done */
			plain_changed();
		else
			plain_forget();
	}
	watch_tell(&rq, &v);
	if (traced)
		trace(&rq, &v, since);
	request_end(&rq);
	return v;
}

void sys_sent(void *ctx, const struct call *call, void *note, int result)
{
	struct sys *s = ctx;
	struct minted *m = note;

	(void)call;
	if (result >= 0)
		descriptors_note(s->descriptors, result, m);
	minted_free(m);
}
