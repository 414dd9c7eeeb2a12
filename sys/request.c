/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sys/request.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fanotify.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "engine/engine.h"
#include "engine/memory.h"
#include "lib/proc.h"
#include "lib/procfd.h"
#include "sys/creds.h"
#include "sys/moved.h"
#include "sys/operand.h"
#include "sys/real.h"
#include "sys/state.h"
#include "view/layered.h"
#include "view/registry.h"

enum { PATIENCE = 20 };	/* seconds */

/* --- what modules may ask of the one who asks --- */

static int tell_who(void *arg, struct vu_who *who)
{
	struct request *rq = arg;
	const struct ids *ids = ids_of_user(rq);
	enum id_kind k = rq->as_real ? ID_REAL : ID_FILES;
	int err = request_ids(rq);

	if (!err)
		*who = (struct vu_who){
			.uid = ids ? ids->uid[k] : rq->ids.uid[k],
			.gid = ids ? ids->gid[k] : rq->ids.gid[k],
			.umask = rq->ids.umask,
			.caps = ids ? ids_access_caps(ids, rq->as_real)
				    : creds_caps(rq, rq->as_real),
		};
	return err;
}

bool request_in_group(struct request *rq, gid_t gid)
{
	const struct ids *virtual = ids_of_user(rq);
	const struct task_ids *ids = &rq->ids;
	enum id_kind k = rq->as_real ? ID_REAL : ID_FILES;

	if (virtual)
		return ids_in_group(virtual, k, gid);
	if (request_ids(rq))
		return false;
	if (ids->gid[k] == gid)
		return true;
	for (int i = 0; i < ids->ngroup && i < 64; i++)
		if (ids->group[i] == gid)
			return true;
	return false;
}

static bool in_group(void *arg, gid_t gid)
{
	return request_in_group(arg, gid);
}

static time_t seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return now.tv_sec;
}

/* Of those who speak for a process (no call) we do not know: not too long. */
static bool is_gone(void *arg)
{
	const struct request *rq = arg;

	if (!rq->call->engine)
		return seconds() - rq->began > PATIENCE;
	return !engine_call_alive(rq->call);
}

static void may_wait(void *arg)
{
	const struct request *rq = arg;

	if (rq->call->engine)
		engine_may_wait(rq->call);
}

static int tell_fd(void *arg, int fd, struct stat *st)
{
	const struct request *rq = arg;

	return procfd_stat(rq->call->tid, fd, st) ? -EBADF : 0;
}

static int replace_fd(void *arg, int fd, int by)
{
	const struct request *rq = arg;

	if (!rq->call->engine)
		return -EOPNOTSUPP;
	return engine_put_fd(rq->call, by, fd,
			     descriptor_flags(rq->call->tid, fd));
}

static int tell_env(void *arg, const char *name, char *buf, size_t size)
{
	const struct request *rq = arg;
	size_t len = strlen(name);
	char path[64], *text, *at;
	int err = -ENOENT;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/environ", rq->call->tid);
	n = proc_read(path, &text);
	for (at = text; n > 0 && at < text + n; at += strlen(at) + 1) {
		if (strncmp(at, name, len) || at[len] != '=')
			continue;
		err = (size_t)snprintf(buf, size, "%s", at + len + 1) < size ?
		      0 : -ENAMETOOLONG;
		break;
	}
	if (n >= 0)
		free(text);
	return err;
}

static void act_as(void *arg, bool caller)
{
	struct request *rq = arg;

	if (caller)
		creds_assume(rq);
	else
		creds_resume(rq);
}

static bool is_executed(void *arg, const struct stat *st)
{
	const struct request *rq = arg;

	return guests_execute(rq->version, st);
}

static const struct asker request_asker = {
	.who = tell_who, .in_group = in_group, .gone = is_gone,
	.may_wait = may_wait, .fd = tell_fd, .replace_fd = replace_fd,
	.env = tell_env, .act_as = act_as, .executed = is_executed,
};

/* --- begin and end --- */

/* Not by one assignment: the two paths are 8 KiB that need no clearing. */
static void found_init(struct found *f)
{
	*f = (struct found){ .dir = NOWHERE, .obj = NOWHERE };
}

void request_init(struct request *rq, struct sys *s, const struct call *call,
		  const struct row *row)
{
	rq->sys = s;
	rq->call = call;
	rq->row = row;
	rq->guest = rq->began_as = NULL;
	rq->version = NULL;
	rq->tgid = 0;
	rq->unseen = rq->how_error = 0;
	rq->began = call->engine ? 0 : seconds();
	rq->root = rq->cwd = rq->start = NOWHERE;
	rq->has_ids = rq->assumed = rq->has_how = rq->as_real = false;
	rq->kept = NULL;
	rq->nkept = 0;
	rq->ctx = (struct vu_ctx){
		.asker = &request_asker, .arg = rq, .cwd = &rq->cwd,
	};
	rq->walker = (struct walker){ .ctx = &rq->ctx };
	for (int i = 0; i < 2; i++) {
		found_init(&rq->found[i]);
		rq->path[i][0] = '\0';
		rq->error[i] = 0;
	}
}

void request_end(struct request *rq)
{
	creds_resume(rq);
	found_drop(&rq->found[0]);
	found_drop(&rq->found[1]);
	place_drop(&rq->root);
	place_drop(&rq->cwd);
	place_drop(&rq->start);
	while (rq->nkept)
		mount_put(rq->kept[--rq->nkept]);
	free(rq->kept);
	version_put(rq->version);
	guest_put(rq->guest);
	guest_put(rq->began_as);
}

void request_take_guest(struct request *rq, struct guest *g)
{
	if (rq->began_as)
		guest_put(rq->guest);
	else
		rq->began_as = rq->guest;
	rq->guest = g;
}

void request_keep(struct request *rq, struct mount *m)
{
	struct mount **more;

	if (!m->id)
		return;
	more = reallocarray(rq->kept, rq->nkept + 1, sizeof(*more));
	if (!more)
		return;
	rq->kept = more;
	rq->kept[rq->nkept++] = m;
}

pid_t request_tgid(struct request *rq)
{
	if (!rq->tgid)
		guest_put(task_state(rq->sys->tasks, rq->call->tid, &rq->tgid));
	return rq->tgid;
}

int request_ids(struct request *rq)
{
	int err;

	if (rq->has_ids)
		return 0;
	err = creds_read(rq->sys, rq->call->tid, &rq->ids);
	rq->has_ids = !err;
	return err;
}

/* --- where names start --- */

static int open_proc(const struct request *rq, const char *what,
		     struct place *p)
{
	char link[64];
	int fd;

	snprintf(link, sizeof(link), "/proc/%d/%s", rq->call->tid, what);
	fd = open(link, O_PATH | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	return place_of_fd(p, mount_base(), fd);
}

/*
 * Is a real object still what its name in a served mount leads to? A
 * directory is renamed, and numbers of removed ones come back.
 */
static bool still_there(struct request *rq, const struct place *p)
{
	struct place now = NOWHERE;
	char *rel = strdup(p->rel);
	bool same = !served_place(&rq->walker, p->mount, rel, &now) &&
		    now.fd >= 0 && now.id.dev == p->id.dev &&
		    now.id.ino == p->id.ino;

	place_drop(&now);
	return same;
}

int request_rename(struct request *rq, struct place *p)
{
	struct mount *m = p->mount;
	struct vu_node node = { .kind = VU_NODE_MADE, .fd = -1 };
	char name[PATH_MAX], *rel;
	ssize_t n;

	/* of a real one the kernel knows the name */
	if (p->mount->id && mount_layered(p->mount))
		return layered_home(rq->version, p);
	if (!made(p) || !p->number)
		return 0;
	n = module_fs(m->module)->name_of(&rq->ctx, &m->pub, p->number, name,
					  sizeof(name));
	if (n == -ENOSYS)
		n = module_fs(m->module)->find(&rq->ctx, &m->pub, p->rel,
					       &node) == -ENOENT ? -ENOENT : n;
	if (node.kind == VU_NODE_REAL && node.fd >= 0)
		close(node.fd);
	p->unnamed = n == -ENOENT;
	if (n < 0 || !strcmp(name, p->rel))
		return 0;
	rel = strdup(name);
	if (!rel)
		return -ENOMEM;
	free(p->rel);
	p->rel = rel;
	return 0;
}

int request_fd(struct request *rq, int fd, struct place *p)
{
	int o, err;

	if (fd < 0)
		return -EBADF;
	o = procfd_open(rq->call->tid, fd);
	if (o < 0)
		return errno == ENOENT ? -EBADF : -errno;
	err = place_of_fd(p, mount_base(), o);
	if (err)
		return err;
	p->mount = mount_base();
	if (descriptors_empty(rq->sys->descriptors) && !moved_any(rq))
		return layered_home(rq->version, p);
	descriptors_find(rq->sys->descriptors, request_tgid(rq), fd, p);
	request_keep(rq, p->mount);
	moved_find(rq, request_tgid(rq), fd, p);
	if (!p->mount->id || mount_layered(p->mount))
		return layered_home(rq->version, p);
	if (p->rel && p->fd >= 0 && !still_there(rq, p)) {
		free(p->rel);
		p->rel = NULL;
		p->mount = mount_base();
	}
	return request_rename(rq, p);
}

int request_start(struct request *rq, int dirfd, struct place *start,
		  bool *agrees)
{
	int err;

	if (rq->start.mount && rq->start_dirfd == dirfd) {
		*start = rq->start;
		*agrees = rq->start_agrees;
		rq->start = NOWHERE;
		return 0;
	}
	*agrees = true;
	if (dirfd != AT_FDCWD)
		return request_fd(rq, dirfd, start);
	if (!rq->guest->cwd.mount) {
		err = open_proc(rq, "cwd", start);
		return err ?: layered_home(rq->version, start);
	}
	*agrees = false;
	err = place_copy(start, &rq->guest->cwd);
	return err ?: request_rename(rq, start);
}

void request_give_back(struct request *rq, int dirfd, struct place *start,
		       bool agrees)
{
	place_drop(&rq->start);
	rq->start = *start;
	rq->start_dirfd = dirfd;
	rq->start_agrees = agrees;
	*start = NOWHERE;
}

int request_root(struct request *rq)
{
	int err;

	rq->root_agrees = true;
	if (rq->guest->root.mount) {
		rq->root_agrees = false;
		rq->root = place_borrow(&rq->guest->root);
		rq->root.rel = rq->guest->root.rel ?
			       strdup(rq->guest->root.rel) : NULL;
	} else if (atomic_load(&rq->sys->chroots)) {
		err = open_proc(rq, "root", &rq->root) ?:
		      layered_home(rq->version, &rq->root);
		if (err)
			return err;
	} else {
		rq->root = place_borrow(&mount_base()->root);
	}
	rq->ctx.version = rq->version;
	rq->ctx.root = &rq->root;
	rq->ctx.walker = &rq->walker;
	rq->walker = (struct walker){
		.version = rq->version, .root = &rq->root,
		.root_agrees = rq->root_agrees, .ctx = &rq->ctx,
		.tid = rq->call->tid,
		.magic = operand_magic, .magic_arg = rq,
		.by_module = rq->version->own_access && ids_dropped(rq),
	};
	return 0;
}

int request_walk(struct request *rq, int dirfd, const char *path,
		 unsigned flags, struct found *found)
{
	struct place start = NOWHERE;
	const char *last;
	bool agrees = true;
	int err;

	*found = (struct found){ .dir = NOWHERE, .obj = NOWHERE };
	if (path[0] == '/' && !(flags & (WALK_IN_ROOT | WALK_BENEATH |
					 WALK_NO_XDEV | WALK_NO_LINKS)) &&
	    moved_start(rq, path, &start, &last)) {
		agrees = false;
		path = last;
		flags |= WALK_TAKES;
	} else if (path[0] != '/' || (flags & WALK_IN_ROOT)) {
		err = request_start(rq, dirfd, &start, &agrees);
		if (err)
			return err;
	}
	err = walk(&rq->walker, &start, agrees, path, flags, found);
	if (!(flags & WALK_TAKES))
		place_drop(&start);
	return err;
}

ssize_t request_name(struct request *rq, const struct place *p,
		     char *buf, size_t size)
{
	const struct place *root = &rq->root;

	/* what was taken out of the view has no name in it */
	if (p->mount->id && !version_has(rq->version, p->mount))
		return -ENOENT;
	if (root->mount == mount_base() &&
	    file_id_equal(root->id, mount_base()->root.id))
		root = NULL;
	return place_name(p, root, buf, size);
}
