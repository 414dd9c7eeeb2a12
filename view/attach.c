/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A mount is made outside of any lock from the version that the asker
 * sees: target found, module asked, exceptions collected. Only then is it
 * published, under view->change, so a failure at any point leaves nothing.
 *
 * The target is named canonically first and walked again by that name:
 * whatever way led to it ("..", symlinks, a working directory), the point
 * is one name in one directory. The root of the real system has no such
 * name and is covered by identity instead.
 */
#include "lib/plain.h"
#include "view/attach.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "view/except.h"
#include "view/layered.h"
#include "view/registry.h"
#include "view/walk.h"

static atomic_uint mount_ids;

struct walker walker_of(struct vu_ctx *ctx)
{
	struct walker w = { .tid = getpid() };

	if (ctx->walker)
		w = *ctx->walker;
	w.version = ctx->version;
	w.root = ctx->root;
	w.ctx = ctx;
	return w;
}

static int say(struct vu_message *msg, const char *type, const char *what,
	       int err)
{
	if (!msg->text[0])
		vu_message_set(msg, "%s: %s: %s", type, what, strerror(-err));
	return err;
}

struct mount *attach_mount_new(void)
{
	struct mount *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->refs = 1;
	m->id = atomic_fetch_add(&mount_ids, 1) + 1;
	m->at = m->covers = m->root = NOWHERE;
	m->pub.root = -1;
	m->pub.seen_by = -1;
	return m;
}

int attach_strings(struct mount *m, const char *type, const char *source,
		   const char *target, const char *options)
{
	m->pub.type = strdup(type);
	m->pub.source = strdup(source);
	m->pub.target = strdup(target);
	m->pub.options = strdup(options);
	return m->pub.type && m->pub.source && m->pub.target &&
	       m->pub.options ? 0 : -ENOMEM;
}

/* --- the target --- */

/* The canonical name of a target that may be missing in its directory. */
static int target_name(struct vu_ctx *ctx, const char *target,
		       char *buf, size_t size)
{
	struct walker w = walker_of(ctx);
	struct found f;
	ssize_t n = walk(&w, ctx->cwd, true, target, WALK_PARENT, &f);

	if (!n && !f.error)
		n = place_name(&f.obj, NULL, buf, size);
	else if (!n)
		n = place_name(&f.dir, NULL, buf, size);
	if (n > 0 && f.error) {
		if (n == 1)
			n = 0;
		n = snprintf(buf + n, size - n, "/%s", f.name);
		n = strlen(buf) + 1 < size ? 1 : -ENAMETOOLONG;
	}
	found_drop(&f);
	return n < 0 ? n : 0;
}

void attach_last_name(const char *path, char *buf, size_t size)
{
	const char *slash = strrchr(path, '/');

	snprintf(buf, size, "%.255s", slash ? slash + 1 : path);
}

/* The point of a mount on the real root: found by identity. */
static int point_at_root(struct vu_ctx *ctx, struct mount *m)
{
	struct walker w = walker_of(ctx);
	struct found f;
	int err;

	w.root = &mount_base()->root;
	err = place_hold(&m->at, &mount_base()->root);
	if (!err)
		err = walk(&w, w.root, true, "/", 0, &f);
	if (err)
		return err;
	err = place_hold(&m->covers, &f.obj);
	found_drop(&f);
	return err;
}

/* Fill at, name and covers from the canonical target. */
static int find_point(struct vu_ctx *ctx, struct mount *m)
{
	struct walker w = walker_of(ctx);
	char where[PATH_MAX];
	struct found f;
	int err;

	if (!strcmp(m->pub.target, "/"))
		return point_at_root(ctx, m);
	w.root = &mount_base()->root;
	err = walk(&w, w.root, true, m->pub.target, WALK_PARENT, &f);
	if (!err)
		err = place_hold(&m->at, &f.dir);
	if (!err && !f.error)
		err = place_hold(&m->covers, &f.obj);
	snprintf(m->name, sizeof(m->name), "%s", f.name);
	if (!err && place_name(&m->at, NULL, where, sizeof(where)) > 0)
		attach_last_name(where, m->at_name, sizeof(m->at_name));
	found_drop(&f);
	return err;
}

/* --- the new mount --- */

/* What the mount shows: a real object, or what the module says of "". */
static int find_root(struct vu_ctx *ctx, struct mount *m)
{
	struct walker w = walker_of(ctx);

	if (mount_hides(m))
		return m->covers.mount ? 0 : -ENOENT;
	m->root = (struct place){ .mount = m, .fd = m->pub.root };
	if (mount_layered(m)) {
		m->root.same = !m->covers.mount || !m->covers.mount->id ||
			       m->covers.same;
		m->root.rel = strdup("");
		if (!m->root.rel)
			return -ENOMEM;
	}
	if (m->pub.root >= 0) {
		int err = place_identify(&m->root, m->pub.root, "");

		m->moves = !err && mount_moves(m) && !mount_rdonly(m);
		return err;
	}
	if (!module_fs(m->module)->lookup)
		return -EINVAL;
	return served_place(&w, m, strdup(""), &m->root);
}

/* A directory can only cover a directory, anything else anything else. */
static int check_kinds(const struct mount *m)
{
	if (mount_hides(m) || !m->covers.mount)
		return 0;
	if (S_ISDIR(m->root.mode) != S_ISDIR(m->covers.mode))
		return -ENOTDIR;
	return 0;
}

static int build(struct vu_ctx *ctx, const struct attach *a, struct mount *m,
		 struct vu_message *msg)
{
	char target[PATH_MAX];
	int err = target_name(ctx, a->target, target, sizeof(target));

	if (err)
		return say(msg, a->type, a->target, err);
	err = attach_strings(m, a->type, a->source, target, a->options);
	if (!err)
		err = find_point(ctx, m);
	if (err)
		return say(msg, a->type, a->target, err);
	m->pub.flags = (a->rdonly ? VU_MOUNT_RDONLY : 0) |
		       (a->nosuid ? VU_MOUNT_NOSUID : 0);
	ctx->exceptions->of = m;
	err = module_fs(m->module)->mount(ctx, &m->pub, false, msg);
	if (err) {		/* nothing was mounted, nothing to umount */
		module_release(m->module);
		m->module = NULL;
		return say(msg, a->type, a->source, err);
	}
	mount_live(m);
	if (mount_served(m) && !(m->pub.flags & VU_MOUNT_ALONE))
		m->world = version_get((struct version *)ctx->version);
	err = find_root(ctx, m);
	if (!err)
		err = check_kinds(m);
	return err ? say(msg, a->type, a->target, err) : 0;
}

static int publish(struct view *v, struct mount *m, struct exceptions *ex)
{
	struct mount *all[EXCEPTIONS_MAX + 1];
	int err;

	all[0] = m;
	memcpy(all + 1, ex->list, ex->n * sizeof(*all));
	pthread_mutex_lock(&v->change);
	err = view_add(v, all, ex->n + 1);
	pthread_mutex_unlock(&v->change);
	return err;
}

/* Ask the module, which may make exceptions, as if it were mounted anew. */
static int ask_again(struct view *v, struct vu_ctx *ctx, struct mount *m,
		     struct vu_mount *trial, struct vu_message *msg)
{
	struct exceptions ex = { .of = m };
	int err = exceptions_beneath(&ex, v);

	ctx->exceptions = &ex;
	if (!err)
		err = module_fs(m->module)->mount(ctx, trial, true, msg);
	ctx->exceptions = NULL;
	if (!err)
		err = exceptions_publish(&ex, v);
	exceptions_drop(&ex);
	return err;
}

static int remount(struct view *v, struct vu_ctx *ctx, const struct attach *a,
		   struct vu_message *msg)
{
	struct vu_mount trial;
	struct mount *m;
	int err = view_mounted_at(ctx, a->target, &m);

	if (err) {
		vu_message_set(msg, "%s: %s: not mounted in this view",
			       a->type, a->target);
		return -EINVAL;
	}
	if (atomic_load(&m->views) > 1) {
		vu_message_set(msg, "%s: %s: another view has this mount too; "
			       "unmount it and mount it again", a->type, a->target);
		mount_put(m);
		return -EBUSY;
	}
	trial = m->pub;
	trial.options = a->options;
	trial.flags = (m->pub.flags & ~VU_MOUNT_RDONLY) |
		      (a->rdonly ? VU_MOUNT_RDONLY : 0);
	err = m->module ? ask_again(v, ctx, m, &trial, msg) : -EINVAL;
	if (!err)
		m->pub.flags = (m->pub.flags & ~VU_MOUNT_RDONLY) |
			       (trial.flags & VU_MOUNT_RDONLY);
	if (!err && m->moves && mount_rdonly(m))	/* rare, and for good */
		plain_ask(PLAIN_DIRFD, 1);
	plain_changed();
	mount_put(m);
	return err ? say(msg, a->type, a->target, err) : 0;
}

int view_attach(struct view *v, struct vu_ctx *ctx, const struct attach *a,
		struct vu_message *msg)
{
	struct exceptions ex = { .n = 0 };
	struct module *module;
	struct mount *m;
	int err;

	msg->text[0] = '\0';
	if (a->remount)
		return remount(v, ctx, a, msg);
	err = module_for_type(a->type, &module, msg);
	if (err)
		return err;
	m = attach_mount_new();
	if (!m) {
		module_release(module);
		return say(msg, a->type, a->target, -ENOMEM);
	}
	m->module = module;
	m->loaded = a->loading;
	ctx->exceptions = &ex;
	err = build(ctx, a, m, msg);
	ctx->exceptions = NULL;
	if (!err)
		err = publish(v, m, &ex);
	exceptions_drop(&ex);
	mount_put(m);
	return err;
}

/* --- unmounting --- */

int view_mounted_at(const struct vu_ctx *ctx, const char *target,
		    struct mount **m)
{
	struct walker w = walker_of((struct vu_ctx *)ctx);
	struct found f;
	int err = walk(&w, ctx->cwd, true, target, WALK_PARENT, &f);

	*m = NULL;
	/* a hidden name is not found, but the point is */
	if (!err && f.point && f.error == -ENOENT && mount_hides(f.point))
		*m = mount_get(f.point);
	else if (!err && !f.error && f.obj.mount->id &&
		 file_id_equal(f.obj.id, f.obj.mount->root.id))
		*m = mount_get(f.obj.mount);
	if (!err)
		err = *m ? 0 : f.error ? f.error : -EINVAL;
	found_drop(&f);
	return err;
}

/* Is x mounted somewhere inside of m? */
static bool inside(const struct mount *x, const struct mount *m)
{
	for (; x->id; x = x->at.mount)
		if (x == m)
			return true;
	return false;
}

size_t attach_subtree(const struct version *v, const struct mount *m,
		      struct mount **list, bool *others)
{
	size_t n = 0;

	*others = false;
	for (size_t i = 0; i < v->nmount; i++) {
		struct mount *x = v->mount[i];

		if (!inside(x, m))
			continue;
		list[n++] = x;
		if (x != m && x->except_of != m)
			*others = true;
	}
	return n;
}

static int detach(struct view *v, struct mount *m, unsigned flags,
		  bool (*busy)(void *, const struct mount *), void *arg)
{
	const struct version *now = v->current;
	struct mount **list;
	bool others;
	size_t n;
	int err = 0;

	if (!version_has(now, m))
		return -EINVAL;
	if (m->except_of)
		return -EINVAL;
	list = calloc(now->nmount, sizeof(*list));
	if (!list)
		return -ENOMEM;
	n = attach_subtree(now, m, list, &others);
	if (others && !(flags & DETACH_LAZY))
		err = -EBUSY;
	for (size_t i = 0; i < n && !err; i++) {
		if (list[i]->pub.flags & VU_MOUNT_PERMANENT)
			err = -EPERM;
		else if (!(flags & DETACH_LAZY) && busy(arg, list[i]))
			err = -EBUSY;
	}
	if (!err)
		err = view_remove(v, list, n);
	free(list);
	return err;
}

static const char *why_not(const struct mount *m, int err)
{
	if (err == -EPERM)
		return "mounted permanently";
	if (err == -EINVAL && m && m->except_of)
		return "an exception of the mount above it";
	if (err == -EINVAL)
		return "not mounted in this view";
	if (err == -EBUSY)
		return "target is busy";
	return strerror(-err);
}

int view_detach(struct view *v, struct vu_ctx *ctx, const char *target,
		unsigned flags, bool (*busy)(void *arg, const struct mount *m),
		void *arg, struct vu_message *msg)
{
	struct mount *m;
	int err = view_mounted_at(ctx, target, &m);

	msg->text[0] = '\0';
	if (!err) {
		pthread_mutex_lock(&v->change);
		err = detach(v, m, flags, busy, arg);
		pthread_mutex_unlock(&v->change);
	}
	if (err)
		vu_message_set(msg, "%s: %s", target, why_not(m, err));
	if (m)
		mount_put(m);
	return err;
}

/* --- what loading made --- */

static bool loaded_by(const struct mount *m, const char *module)
{
	return m->loaded && m->module && !strcmp(module_name(m->module), module);
}

/* The mounts of a version that loading the module made. */
static size_t loaded_mounts(const struct version *v, const char *module,
			    struct mount **list)
{
	size_t n = 0;

	for (size_t i = 0; i < v->nmount; i++)
		if (loaded_by(v->mount[i], module))
			list[n++] = v->mount[i];
	return n;
}

size_t view_loaded(struct view *v, const char *module)
{
	struct version *now = view_version(v);
	size_t n = 0;

	for (size_t i = 0; i < now->nmount; i++)
		n += loaded_by(now->mount[i], module);
	version_put(now);
	return n;
}

/* Is there a mount, not of the module's loading, that would keep m alive? */
static bool bears_others(const struct version *v, const struct mount *m)
{
	const char *module = module_name(m->module);

	for (size_t i = 0; i < v->nmount; i++) {
		const struct mount *x = v->mount[i];

		if (loaded_by(x, module))
			continue;
		if (inside(x, m) || x->covers.mount == m ||
		    (x->world && version_has(x->world, m)))
			return true;
	}
	return false;
}

static const char *held_by(const struct version *v, const struct mount *m,
			   bool (*busy)(void *, const struct mount *), void *arg)
{
	if (atomic_load(&m->views) > 1)
		return "another view has this mount too";
	if (bears_others(v, m))
		return "something is mounted on it";
	return busy(arg, m) ? "target is busy" : NULL;
}

int view_unload(struct view *v, const char *module,
		bool (*busy)(void *arg, const struct mount *m), void *arg,
		struct vu_message *msg)
{
	const char *why = NULL;
	struct mount **list;
	size_t n = 0;
	int err = 0;

	pthread_mutex_lock(&v->change);
	list = calloc(v->current->nmount + 1, sizeof(*list));
	if (list)
		n = loaded_mounts(v->current, module, list);
	for (size_t i = 0; i < n && !why; i++) {
		why = held_by(v->current, list[i], busy, arg);
		if (why)
			vu_message_set(msg, "%s: %s: %s", module,
				       list[i]->pub.target, why);
	}
	if (n && !why)
		err = view_remove(v, list, n);
	pthread_mutex_unlock(&v->change);
	free(list);
	return why ? -EBUSY : list ? err : -ENOMEM;
}

/* --- what modules may open --- */

static int open_found(struct vu_ctx *ctx, const struct found *f, int flags)
{
	struct mount *m = f->obj.mount;
	char link[32];
	int fd;

	if (f->error)
		return f->error;
	if (f->obj.fd < 0)
		return module_fs(m->module)->open(ctx, &m->pub, f->obj.rel,
						  flags);
	if (flags & O_PATH) {
		fd = fcntl(f->obj.fd, F_DUPFD_CLOEXEC, 3);
		return fd < 0 ? -errno : fd;
	}
	fd = open(fd_link(f->obj.fd, link), (flags & ~O_NOFOLLOW) | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

const struct version *view_before(const struct vu_ctx *ctx,
				  const struct vu_mount *m)
{
	/* m is the first member of struct mount */
	return ctx->exceptions ? ctx->version : ((const struct mount *)m)->world;
}

int view_walk_before(struct vu_ctx *ctx, struct vu_mount *m,
		     const char *path, unsigned flags, struct found *f)
{
	struct walker w = walker_of(ctx);
	const struct place *start = ctx->cwd;

	w.version = view_before(ctx, m);
	if (!ctx->exceptions)
		w.root = start = &mount_base()->root;
	if (!ctx->exceptions && path[0] != '/') {
		*f = (struct found){ .dir = NOWHERE, .obj = NOWHERE };
		return -EINVAL;
	}
	return walk(&w, start, true, path, flags, f);
}

int vu_open(struct vu_ctx *ctx, struct vu_mount *m, const char *path, int flags)
{
	struct found f;
	int fd = view_walk_before(ctx, m, path, flags & O_NOFOLLOW ?
				  WALK_NOFOLLOW : 0, &f);

	/* as of a bind mount: what was read-only stays so by another name */
	if (!fd && !f.error && ctx->exceptions && mount_rdonly(f.obj.mount))
		m->flags |= VU_MOUNT_RDONLY;
	if (!fd)
		fd = open_found(ctx, &f, flags);
	found_drop(&f);
	return fd;
}

static int node_of(struct vu_ctx *ctx, const struct place *p,
		   struct vu_node *node)
{
	struct vu_mount *m = &p->mount->pub;
	int err;

	if (p->fd < 0) {
		err = module_fs(p->mount->module)->lookup(ctx, m, p->rel, node);
		/* numbers are of a mount; the asker's are others */
		node->attr.st_ino = node->attr.st_dev = 0;
		return err;
	}
	node->kind = VU_NODE_REAL;
	node->fd = fcntl(p->fd, F_DUPFD_CLOEXEC, 3);
	return node->fd < 0 ? -errno : 0;
}

int vu_lookup(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
	      struct vu_node *node)
{
	struct found f;
	int err = view_walk_before(ctx, m, path, WALK_NOFOLLOW, &f);

	if (!err)
		err = f.error ? f.error : node_of(ctx, &f.obj, node);
	found_drop(&f);
	return err;
}

ssize_t vu_readlink(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		    char *buf, size_t size)
{
	struct found f;
	const struct place *p = &f.obj;
	ssize_t n = view_walk_before(ctx, m, path, WALK_NOFOLLOW, &f);

	if (!n && f.error) {
		n = f.error;
	} else if (!n && p->fd < 0) {
		n = module_fs(p->mount->module)->readlink(ctx, &p->mount->pub,
							  p->rel, buf, size);
	} else if (!n) {
		n = readlinkat(p->fd, "", buf, size);
		if (n < 0)	/* ENOENT: it is no link */
			n = errno == ENOENT ? -EINVAL : -errno;
	}
	found_drop(&f);
	return n;
}
