/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * An exception is a mount inside of another: of what was at that place before
 * that, on a name in a directory of that. It is made while the module of the
 * other reads its options, and comes and goes with it.
 *
 * A module whose nodes cannot be asked for as long as it mounts (a FUSE
 * program answers when mount(2) is over) makes its exceptions when it is
 * mounted again (remount). The mount is then part of the view, and what was
 * there before is looked for in a version that is the present one without it,
 * and without all that is mounted inside.
 */
#include "view/except.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "view/layered.h"
#include "view/registry.h"

int exceptions_beneath(struct exceptions *ex, struct view *v)
{
	struct version *now = view_version(v);
	struct mount **inside = calloc(now->nmount + 1, sizeof(*inside));
	struct mount **rest = calloc(now->nmount + 1, sizeof(*rest));
	size_t n, k = 0, at = 0;
	bool others;

	if (inside && rest) {
		/* in the order of the version */
		n = attach_subtree(now, ex->of, inside, &others);
		for (size_t i = 0; i < now->nmount; i++) {
			if (at < n && now->mount[i] == inside[at])
				at++;
			else
				rest[k++] = now->mount[i];
		}
		ex->beneath = version_new(rest, k);
	}
	free(inside);
	free(rest);
	version_put(now);
	return ex->beneath ? 0 : -ENOMEM;
}

int exceptions_publish(struct exceptions *ex, struct view *v)
{
	int err = 0;

	if (!ex->n)
		return 0;
	pthread_mutex_lock(&v->change);
	err = version_has(v->current, ex->of) ?
	      view_add(v, ex->list, ex->n) : -EINVAL;
	pthread_mutex_unlock(&v->change);
	return err;
}

void exceptions_drop(struct exceptions *ex)
{
	while (ex->n)
		mount_put(ex->list[--ex->n]);
	version_put(ex->beneath);
	ex->beneath = NULL;
}

/* --- making one ----------------------------------------------------------- */

static int exception_dir(struct vu_ctx *ctx, struct mount *m,
			 const char *path, struct place *dir)
{
	struct walker w = walker_of(ctx);
	int fd, err;

	path += strspn(path, "/");
	/* the kernel may not have it so, or not at all */
	if (mount_served(m)) {
		err = served_place(&w, m, layered_join("", path), dir);
		if (err || S_ISDIR(dir->mode))
			return err;
		place_drop(dir);
		return -ENOTDIR;
	}
	if (m->pub.flags & VU_MOUNT_APART)
		vu_may_wait(ctx);
	fd = openat(m->pub.root, *path ? path : ".",
		    O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : place_of_fd(dir, m, fd);
}

/* Does the mount itself have that name in the directory? */
static bool has_name(struct vu_ctx *ctx, struct mount *m,
		     const struct place *dir, const char *name)
{
	struct walker w = walker_of(ctx);
	struct place p;

	/* a layered mount does not lack what its target had */
	if (mount_layered(m))
		return true;
	if (!mount_served(m))
		return !faccessat(dir->fd, name, F_OK, AT_SYMLINK_NOFOLLOW);
	if (served_place(&w, m, layered_join(dir->rel, name), &p))
		return false;
	place_drop(&p);
	return true;
}

/* The directory of the new mount that has the exception's last name. */
static int exception_point(struct vu_ctx *ctx, struct mount *m,
			   const char *sub, struct mount *e)
{
	struct place dir;
	char path[PATH_MAX];
	const char *name = strrchr(sub, '/') + 1;
	int err;

	if ((m->pub.root < 0 && !mount_served(m)) || strlen(name) > NAME_MAX ||
	    !*name)
		return -EINVAL;
	snprintf(path, sizeof(path), "%.*s", (int)(name - sub - 1), sub);
	err = exception_dir(ctx, m, path, &dir);
	if (err)
		return err;
	strcpy(e->name, name);
	attach_last_name(path, e->at_name, sizeof(e->at_name));
	if (has_name(ctx, m, &dir, name)) {
		e->covers = place_borrow(&dir);	/* marks: the name exists */
		e->covers.fd = -1;
		e->covers.id = (struct file_id){ 0, 0, ~0ull };
		mount_get(m);
	}
	e->at = dir;
	mount_get(m);
	return 0;
}

static int exception_root(struct vu_ctx *ctx, struct mount *e)
{
	const struct exceptions *ex = ctx->exceptions;
	struct walker w = walker_of(ctx);
	struct found f;
	int err;

	if (ex->beneath)
		w.version = ex->beneath;
	w.root = &mount_base()->root;
	err = walk(&w, w.root, true, e->pub.target, 0, &f);
	if (!err)
		err = f.error;
	if (!err && f.obj.fd < 0)
		err = -EINVAL;
	if (!err) {
		/* of its own: what is there may be another mount's root */
		e->pub.root = fcntl(f.obj.fd, F_DUPFD_CLOEXEC, 3);
		err = e->pub.root < 0 ? -errno : 0;
		e->root = (struct place){ .mount = e, .fd = e->pub.root,
					  .id = f.obj.id, .mode = f.obj.mode };
	}
	/* of a layered mount: back to the very place (view/layered.c) */
	if (!err && (mount_layered(ex->of) || mount_layered(f.obj.mount))) {
		e->root.mount = mount_get(f.obj.mount);
		e->root.same = f.obj.same;
		e->root.rel = f.obj.rel;
		f.obj.rel = NULL;
	}
	found_drop(&f);
	return err;
}

/* To remount with all options is to ask for what is there. */
static bool is_there(struct vu_ctx *ctx, const char *name)
{
	const struct version *v = ctx->version;
	const struct exceptions *ex = ctx->exceptions;

	for (size_t i = 0; ex->beneath && i < v->nmount; i++)
		if (v->mount[i]->except_of == ex->of &&
		    !strcmp(v->mount[i]->pub.target, name))
			return true;
	return false;
}

int vu_mount_except(struct vu_ctx *ctx, struct vu_mount *pub, const char *sub,
		    struct vu_message *msg)
{
	struct exceptions *ex = ctx->exceptions;
	char name[PATH_MAX * 2];
	const char *target;
	struct mount *e;
	int err;

	if (!ex || ex->n == EXCEPTIONS_MAX || strlen(sub) >= PATH_MAX)
		return -E2BIG;
	target = ex->of->pub.target;
	snprintf(name, sizeof(name), "%s%s", strcmp(target, "/") ? target : "",
		 sub);
	while (name[1] && name[strlen(name) - 1] == '/')
		name[strlen(name) - 1] = '\0';
	if (is_there(ctx, name))
		return 0;
	e = attach_mount_new();
	if (!e)
		return -ENOMEM;
	err = attach_strings(e, pub->type, name, name, "except");
	if (!err)
		err = exception_root(ctx, e);
	if (!err)
		err = exception_point(ctx, ex->of, sub, e);
	if (err) {
		vu_message_set(msg, "%s: except=%s: %s", pub->type, sub,
			       strerror(-err));
		mount_put(e);
		return err;
	}
	e->except_of = mount_get(ex->of);
	ex->list[ex->n++] = e;
	return 0;
}
