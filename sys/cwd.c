/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a process stands: chdir, fchdir, getcwd, chroot.
 *
 * Processes made with CLONE_FS stand together, until one says
 * unshare(CLONE_FS). Who still does, the kernel knows (kcmp): it is asked
 * when one of them moves. Where it may not be asked (in the cage), each
 * moves by itself. Of the threads of one process all stand together.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/memory.h"
#include "engine/rewrite.h"
#include "lib/proc.h"
#include "sys/creds.h"
#include "sys/handlers.h"
#include "sys/real.h"
#include "sys/state.h"
#include "view/layered.h"

/* May the caller stand there? As the kernel checks it. */
static int may_enter(struct request *rq, const struct place *p)
{
	if (!S_ISDIR(p->mode))
		return -ENOTDIR;
	if (p->fd < 0)
		return 0;
	return place_access(rq, p, X_OK);
}

typedef void setter(struct guest *g, struct place *to);

/* A state that differs from another in one place (or NOWHERE), or NULL. */
static struct guest *moved(const struct guest *from, setter *set,
			   const struct place *to)
{
	struct guest *g = guest_copy(from);
	struct place held = NOWHERE;

	if (g && to && place_hold(&held, to)) {
		guest_put(g);
		return NULL;
	}
	if (g)
		set(g, &held);
	return g;
}

static void move_sharer(struct request *rq, pid_t pid, setter *set,
			const struct place *to)
{
	struct guest *from, *g;

	if (syscall(SYS_kcmp, rq->call->tid, pid, KCMP_FS, 0, 0))
		return;
	from = task_state(rq->sys->tasks, pid, NULL);
	g = from ? moved(from, set, to) : NULL;
	if (g)
		task_set_state(rq->sys->tasks, pid, g);
	guest_put(g);
	guest_put(from);
}

static void move_sharers(struct request *rq, setter *set,
			 const struct place *to)
{
	pid_t *all;
	size_t n;

	if (!atomic_load(&rq->sys->sharers))
		return;
	n = proc_descendants(getpid(), &all);
	for (size_t i = 0; i < n; i++)
		if (all[i] != request_tgid(rq))
			move_sharer(rq, all[i], set, to);
	free(all);
}

/*
 * The caller moves, and whoever shares the place: one after the other, or
 * two who move each other would change places. 0 or -errno
 */
static int move(struct request *rq, setter *set, const struct place *to)
{
	struct guest *now, *g;
	int err;

	pthread_mutex_lock(&rq->sys->moving);
	/* another thread may have changed it since: see ids.c */
	now = task_state(rq->sys->tasks, rq->call->tid, NULL);
	g = now ? moved(now, set, to) : NULL;
	guest_put(now);
	err = g ? sys_become(rq, g) : -ENOMEM;
	if (!err)
		move_sharers(rq, set, to);
	pthread_mutex_unlock(&rq->sys->moving);
	return err;
}

/* The kernel does the move by itself; what we knew better is over. */
static struct verdict move_natively(struct request *rq)
{
	int err = rq->guest->cwd.mount ? move(rq, guest_set_cwd, NULL) : 0;

	return err ? verdict_value(err) : verdict_native();
}

/* Does the kernel let the caller go there by that name, and do we know it then? */
static bool leads_there(const struct request *rq, const char *name,
			const struct place *p)
{
	int fd = open(name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct place q = NOWHERE;
	bool does;

	if (fd < 0 || place_of_fd(&q, mount_base(), fd))
		return false;
	does = !syscall(SYS_faccessat2, fd, "", X_OK,
			AT_EMPTY_PATH | AT_EACCESS) &&
	       !layered_home(rq->version, &q) && q.mount == p->mount &&
	       q.rel && p->rel && !strcmp(q.rel, p->rel) &&
	       file_id_equal(q.id, p->id);
	place_drop(&q);
	return does;
}

/*
 * Into a directory that a layered mount's store has, or adds to: from where
 * one stands the kernel finds most names by itself, if it knows where that is.
 * NULL: it cannot
 */
static struct rewrite *by_kernel_name(struct request *rq, const struct place *p)
{
	struct rewrite *rw;
	char name[PATH_MAX];

	if (!mount_layered(p->mount) || p->fd < 0 || p->unnamed ||
	    rq->guest->root.mount || atomic_load(&rq->sys->chroots) ||
	    !engine_can_rewrite(rq->call) ||
	    kernel_name_for(rq, p, name, sizeof(name)) <= 0 ||
	    !leads_there(rq, name, p))
		return NULL;
	rw = rewrite_new(rq->call);
	if (rw && rewrite_string(rw, rq->row->op[0].path, name)) {
		rewrite_free(rw);
		return NULL;
	}
	return rw;
}

static struct verdict move_by_kernel_name(struct request *rq,
					  struct rewrite *rw)
{
	struct verdict v = move_natively(rq);

	if (v.kind != VERDICT_NATIVE) {
		rewrite_free(rw);
		return v;
	}
	v = verdict_rewritten(rw);
	v.value = -EPERM;
	return v;
}

struct verdict call_chdir(struct request *rq)
{
	struct rewrite *rw;
	const struct found *f = &rq->found[0];
	int err = f->error;

	if (f->native && !rq->guest->cwd.mount)
		return verdict_native();
	if (!err)
		err = may_enter(rq, &f->obj);
	if (err)
		return verdict_value(err);
	if (f->native)
		return move_natively(rq);
	rw = by_kernel_name(rq, &f->obj);
	return rw ? move_by_kernel_name(rq, rw)
		  : verdict_value(move(rq, guest_set_cwd, &f->obj));
}

struct verdict call_fchdir(struct request *rq)
{
	struct place p = NOWHERE;
	struct verdict v;
	int err = request_fd(rq, (int)rq->call->arg[0], &p);

	if (err)
		return verdict_native();
	err = may_enter(rq, &p);
	if (err)
		v = verdict_value(err);
	else if (p.mount->id && !mount_layered(p.mount))
		v = verdict_value(move(rq, guest_set_cwd, &p));
	else
		v = move_natively(rq);
	place_drop(&p);
	return v;
}

struct verdict call_getcwd(struct request *rq)
{
	static const char unreachable[] = "(unreachable)";
	uint64_t addr = rq->call->arg[0], size = rq->call->arg[1];
	char buf[PATH_MAX + sizeof(unreachable)];
	struct place p = NOWHERE;
	bool agrees;
	ssize_t n;

	if (!rq->guest->cwd.mount && rq->root_agrees && !rq->version->nlayered)
		return verdict_native();
	n = request_start(rq, AT_FDCWD, &p, &agrees);
	if (!n && agrees && rq->root_agrees && !p.mount->id) {
		place_drop(&p);
		return verdict_native();
	}
	if (!n)
		n = request_name(rq, &p, buf, PATH_MAX);
	if (n == -ENOENT && place_name(&p, NULL, buf, PATH_MAX) > 0) {
		memmove(buf + strlen(unreachable), buf, strlen(buf) + 1);
		memcpy(buf, unreachable, strlen(unreachable));
		n = strlen(buf);
	}
	place_drop(&p);
	if (n < 0)
		return verdict_value(n);
	if ((uint64_t)n + 1 > size)
		return verdict_value(-ERANGE);
	return verdict_value(guest_write(rq->call, addr, buf, n + 1) ?: n + 1);
}

/*
 * Those who may do it natively do, where the kernel finds the directory.
 * For everybody else it is a change of the view: "/" is there from now on.
 */
struct verdict call_chroot(struct request *rq)
{
	const struct found *f = &rq->found[0];
	int err = request_ids(rq);

	if (err)
		return verdict_native();
	if (f->native && (rq->ids.cap_effective & (1ull << CAP_SYS_CHROOT)) &&
	    !rq->guest->root.mount) {
		sys_note_root(rq->sys);
		return verdict_native();
	}
	err = f->error;
	if (!err)
		err = may_enter(rq, &f->obj);
	if (!err && !ids_allow(rq, CAP_SYS_CHROOT))
		err = -EPERM;
	/* below a privileged monitor setuid programs would believe in it */
	if (!err)
		err = creds_may(rq, CAP_SYS_CHROOT);
	if (!err)
		err = move(rq, guest_set_root, &f->obj);
	return verdict_value(err);
}
