/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * FIFOs and sockets that modules make: what calls mean to their shadows (see
 * shadow.c). Whether somebody may is asked of the module before, as of any
 * other node. A device has no shadow: that would be a real device, which guests
 * have no right to make. Its module opens it, as a regular file; one whose
 * mounts are like those with nodev answers -EACCES, which is the default.
 */
#include "sys/special.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "engine/rewrite.h"
#include "sys/creds.h"
#include "sys/operand.h"
#include "sys/real.h"
#include "sys/shadow.h"
#include "sys/state.h"
#include "sys/table.h"
#include "sys/watch.h"
#include "view/registry.h"

static struct shadow_key key_of(const struct place *p)
{
	return (struct shadow_key){
		.mount = p->mount->id, .number = p->number, .rel = p->rel,
		.type = p->mode & S_IFMT,
	};
}

/* The caller again, after creds_resume(). Return: what was got, or -errno */
static int become_caller(struct request *rq, int got)
{
	int err = creds_assume(rq);

	if (err && got >= 0)
		close(got);
	return err ?: got;
}

/*
 * A module that has forgotten the node by its old number has given it
 * another one now: what has the name is what had it.
 */
static void recognise(struct request *rq, const struct shadow_key *k,
		      struct mount *m)
{
	struct shadows *s = rq->sys->shadows;
	char name[PATH_MAX];
	uint64_t was = shadow_called(s, k);

	if (was && module_fs(m->module)->name_of(&rq->ctx, &m->pub, was, name,
						 sizeof(name)) == -ENOSYS)
		shadow_renumber(s, k, was);
}

typedef int get_shadow(struct shadows *s, const struct shadow_key *k,
		       const struct stat *st);

/* Descriptor or -errno */
static int shadow_of(struct request *rq, const struct place *obj,
		     get_shadow *get)
{
	struct shadow_key k = key_of(obj);
	struct stat st;
	int err = made_attr(rq, obj, &st), fd;

	if (err)
		return err;
	if (k.number && !shadows_empty(rq->sys->shadows))
		recognise(rq, &k, obj->mount);
	creds_resume(rq);
	fd = get(rq->sys->shadows, &k, &st);
	return become_caller(rq, fd);
}

/* --- FIFOs --- */

/* The caller's call, with the real name: it is the caller who waits. */
static struct rewrite *open_call(struct request *rq, const struct open_how *how,
				 const char *name)
{
	struct rewrite *rw = rewrite_new(rq->call);
	uint64_t not = O_CREAT | O_EXCL | O_NOFOLLOW | O_TRUNC;

	if (!rw)
		return NULL;
	rewrite_nr(rw, row_number("openat", rq->call->abi));
	rewrite_arg(rw, 0, AT_FDCWD);
	rewrite_arg(rw, 2, how->flags & OPEN_FLAGS & ~not);
	rewrite_arg(rw, 3, 0);
	if (rewrite_string(rw, 1, name)) {
		rewrite_free(rw);
		return NULL;
	}
	return rw;
}

/* Whatever number the descriptor gets: it stands for obj. */
static void note_fifo(struct request *rq, struct place *real,
		      const struct place *obj)
{
	struct place p = place_borrow(real);

	p.mount = obj->mount;
	p.rel = obj->rel;
	p.number = obj->number;
	note_number(rq, &p, obj->id, -1);
}

static struct verdict open_fifo(struct request *rq, const struct open_how *how,
				const struct place *obj)
{
	struct place real = NOWHERE;
	struct verdict v = verdict_value(-EPERM);
	struct rewrite *rw;
	char name[PATH_MAX];
	int err = shadow_of(rq, obj, shadow_fifo);

	if (err >= 0)
		err = place_of_fd(&real, mount_base(), err);
	if (!err)
		err = kernel_name_for(rq, &real, name, sizeof(name));
	if (err < 0) {
		place_drop(&real);
		return verdict_value(err);
	}
	rw = open_call(rq, how, name);
	if (rw) {
		note_fifo(rq, &real, obj);
		v = verdict_rewritten(rw);
		v.value = -EPERM;
	} else {
		v = verdict_value(-ENOMEM);
	}
	place_drop(&real);
	return v;
}

struct verdict special_open(struct request *rq, const struct open_how *how,
			    const struct place *obj)
{
	return S_ISFIFO(obj->mode) ? open_fifo(rq, how, obj)
				   : verdict_value(-ENXIO);
}

/* --- sockets --- */

static char *name_in(const struct found *f)
{
	char *rel;

	if (asprintf(&rel, "%s%s%s", f->dir.rel, *f->dir.rel ? "/" : "",
		     f->name) < 0)
		return NULL;
	return rel;
}

/* The new node's place is f->obj then. 0 or -errno */
static int make_node(struct request *rq, struct found *f, mode_t mode)
{
	struct mount *m = f->dir.mount;
	char *rel = name_in(f);
	int err = rel ? 0 : -ENOMEM;

	if (!err && strlen(rel) >= PATH_MAX)
		err = -ENAMETOOLONG;
	if (!err)
		err = module_fs(m->module)->mknod(&rq->ctx, &m->pub, rel,
						  S_IFSOCK | mode, 0);
	if (err) {
		free(rel);
		return err == -EEXIST ? -EADDRINUSE : err;
	}
	err = served_place(&rq->walker, m, rel, &f->obj);
	if (!err)
		f->error = 0;
	return err;
}

int special_bind(struct request *rq, struct found *f, mode_t mode,
		 const char *file)
{
	struct stat caller = { 0 };
	struct shadow_key k;
	int err = make_node(rq, f, mode), fd;

	if (!err && (!made(&f->obj) || !S_ISSOCK(f->obj.mode)))
		err = -EACCES;	/* a module that makes something else of it */
	if (!err)
		err = request_ids(rq);
	if (err) {
		special_unbind(rq, f);
		return err;
	}
	caller.st_uid = rq->ids.uid[3];
	caller.st_gid = rq->ids.gid[3];
	k = key_of(&f->obj);
	creds_resume(rq);
	fd = shadow_bind(rq->sys->shadows, &k, &caller, file);
	if (fd >= 0)
		watch_made(rq, &f->obj);
	fd = become_caller(rq, fd);
	if (fd < 0)
		special_unbind(rq, f);
	return fd;
}

void special_unbind(struct request *rq, struct found *f)
{
	struct mount *m = f->dir.mount;

	if (f->error)
		return;
	module_fs(m->module)->unlink(&rq->ctx, &m->pub, f->obj.rel);
	special_gone(rq, &f->obj);
	creds_resume(rq);
	watch_gone(rq, &f->obj);
	become_caller(rq, 0);
}

int special_socket(struct request *rq, const struct place *obj)
{
	int err = made_access(rq, obj, W_OK);

	if (err)
		return err;
	if (!S_ISSOCK(obj->mode) || shadows_empty(rq->sys->shadows))
		return -ECONNREFUSED;
	return shadow_of(rq, obj, shadow_socket);
}

/* --- what becomes of them --- */

static int follow(struct shadows *s, const struct shadow_key *k,
		  const struct stat *st)
{
	shadow_follow(s, k, st);
	return -ENOENT;
}

void special_changed(struct request *rq, const struct place *obj)
{
	if (special(obj->mode) && !shadows_empty(rq->sys->shadows))
		shadow_of(rq, obj, follow);
}

bool special_last(struct request *rq, const struct found *f)
{
	struct stat st;

	return !f->error && made(&f->obj) && special(f->obj.mode) &&
	       !shadows_empty(rq->sys->shadows) &&
	       !made_attr(rq, &f->obj, &st) && st.st_nlink <= 1;
}

void special_gone(struct request *rq, const struct place *obj)
{
	struct shadow_key k = key_of(obj);

	if (!special(obj->mode))
		return;
	creds_resume(rq);
	shadow_drop(rq->sys->shadows, &k);
	become_caller(rq, 0);
}

void special_moved(struct request *rq, const struct found *from,
		   const struct found *to, const char *a, const char *b,
		   bool exchange)
{
	/* two names of one node: nothing is renamed */
	if (from->obj.number && !to->error &&
	    from->obj.number == to->obj.number)
		return;
	if (!shadows_empty(rq->sys->shadows))
		shadow_renamed(rq->sys->shadows, to->dir.mount->id, a, b,
			       exchange);
}

/* --- mounts that have gone --- */

struct search {
	struct sys *sys;
	unsigned mount;
	bool found;
};

static void look_in_view(void *arg, struct view *v)
{
	struct search *s = arg;
	struct version *now = view_version(v);

	for (size_t i = 0; i < now->nmount; i++)
		s->found |= now->mount[i]->id == s->mount;
	version_put(now);
}

static bool in_a_view(void *arg, unsigned mount)
{
	struct search s = { .sys = arg, .mount = mount };

	sys_each(s.sys, look_in_view, &s);
	return s.found;
}

void special_sweep(struct sys *s)
{
	shadow_sweep(s->shadows, in_a_view, s);
	watch_sweep(s, in_a_view, s);
}
