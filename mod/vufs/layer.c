/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Making layered mounts.
 */
#include "mod/vufs/layer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t all_lock = PTHREAD_MUTEX_INITIALIZER;
static struct layer *all;

static void layer_free(struct layer *l)
{
	store_close(l->s);
	layer_drop_parts(l);
	if (l->flags & LAYER_WOK)
		vu_mark_all(-1);
	free(l->store_name);
	free(l->target_name);
	free(l->source);
	free(l->target);
	free(l);
}

struct layer *layer_get(struct layer *l)
{
	pthread_mutex_lock(&all_lock);
	l->refs++;
	pthread_mutex_unlock(&all_lock);
	return l;
}

void layer_put(struct layer *l)
{
	struct layer **at = &all;
	bool last;

	pthread_mutex_lock(&all_lock);
	last = !--l->refs;
	while (last && *at && *at != l)
		at = &(*at)->next;
	if (last && *at)
		*at = l->next;
	pthread_mutex_unlock(&all_lock);
	if (last)
		layer_free(l);
}

void layer_umount(struct vu_mount *m)
{
	if (m->priv)
		layer_put(m->priv);
	m->priv = NULL;
}

/* A mount that is there already, of the same things: for renew. */
static struct layer *find_same(const struct vu_mount *m,
			       const struct layer_options *o)
{
	struct layer *l;

	pthread_mutex_lock(&all_lock);
	for (l = all; l; l = l->next)
		if (l->mode == o->mode && l->asked == o->flags &&
		    !strcmp(l->source, m->source) &&
		    !strcmp(l->target, m->target))
			break;
	if (l)
		l->refs++;
	pthread_mutex_unlock(&all_lock);
	return l;
}

char *layer_kernel_name(int fd)
{
	char link[32], name[PATH_MAX];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name) - 1);
	if (n < 0)
		return NULL;
	name[n] = '\0';
	return strdup(name);
}

static int set_names(struct layer *l, const struct vu_mount *m, int store)
{
	struct stat st;

	l->store_name = layer_kernel_name(store);
	l->target_name = layer_kernel_name(m->root);
	l->source = strdup(m->source);
	l->target = strdup(m->target);
	if (!l->store_name || !l->target_name || !l->source || !l->target)
		return -ENOMEM;
	if (fstat(store, &st))
		return -errno;
	l->store_dev = st.st_dev;
	vu_mark_number(st.st_ino);
	if (fstat(m->root, &st))
		return -errno;
	l->target_dev = st.st_dev;
	vu_mark_number(st.st_ino);	/* its listing is without .vufs */
	return 0;
}

static unsigned store_flags(const struct layer *l)
{
	unsigned flags = 0;

	if (l->mode == LAYER_MERGE)
		flags |= STORE_RDONLY | STORE_BARE;
	if (l->flags & LAYER_RDONLY)
		flags |= STORE_RDONLY;
	if (l->flags & LAYER_VSTAT)
		flags |= STORE_LOOSE;
	return flags;
}

static const struct store_listener listener = {
	.name = vu_mark_name, .all = vu_mark_all, .number = vu_mark_number,
};

/* The store is opened as the monitor, but it must be the caller's. */
static int open_store(struct vu_ctx *ctx, struct layer *l,
		      const struct vu_mount *m, int dir,
		      struct vu_message *msg)
{
	unsigned flags = store_flags(l);
	struct store_part *part = calloc(l->nparts + 1, sizeof(*part));
	struct store_message why = { "" };
	int err = part ? 0 : -ENOMEM;

	if (!err && !(flags & STORE_RDONLY) &&
	    faccessat(dir, ".", W_OK | X_OK, AT_EACCESS))
		err = -errno;
	vu_as_self(ctx);
	if (!err)
		err = store_open_over(dir, m->root, part, layer_parts(l, part),
				      m->target, flags, &l->s, &why);
	if (!err)
		store_listen(l->s, &listener);
	vu_as_caller(ctx);
	free(part);
	if (err)
		vu_message_set(msg, "vufs: %s: %s", m->source,
			       l->s || err == -EACCES || !why.text[0] ?
			       strerror(-err) : why.text);
	return err;
}

static int fail(struct vu_message *msg, const char *name, int err)
{
	vu_message_set(msg, "vufs: %s: %s", name, strerror(-err));
	return err;
}

static int layer_new(struct vu_ctx *ctx, struct vu_mount *m,
		     const struct layer_options *o, struct layer **out,
		     struct vu_message *msg)
{
	struct layer *l;
	int dir = vu_open(ctx, m, m->source, O_RDONLY | O_DIRECTORY), err;

	if (dir < 0)
		return fail(msg, m->source, dir);
	l = calloc(1, sizeof(*l));
	if (!l) {
		close(dir);
		return -ENOMEM;
	}
	l->refs = 1;
	l->mode = o->mode;
	l->flags = l->asked = o->flags;
	err = layer_collect(ctx, m, l, o->covers, msg);
	if (l->flags & LAYER_WOK)	/* of all there is something to tell */
		vu_mark_all(1);
	if (!err && !(store_flags(l) & STORE_RDONLY))
		err = layer_check_source(ctx, m, msg);
	if (!err)
		err = set_names(l, m, dir);
	if (!err)
		err = open_store(ctx, l, m, dir, msg);
	close(dir);
	if (err) {
		layer_free(l);
		return err;
	}
	pthread_mutex_lock(&all_lock);
	l->next = all;
	all = l;
	pthread_mutex_unlock(&all_lock);
	*out = l;
	return 0;
}

int layer_mount(struct vu_ctx *ctx, struct vu_mount *m,
		const struct layer_options *o, struct vu_message *msg)
{
	struct layer *l = NULL;
	int err;

	m->root = vu_open(ctx, m, m->target, O_PATH | O_DIRECTORY);
	if (m->root < 0) {
		err = m->root;
		m->root = -1;
		return fail(msg, m->target, err);
	}
	if (o->renew) {
		l = find_same(m, o);
		err = l ? 0 : fail(msg, "no such mount to renew", -ENOENT);
	} else {
		err = layer_new(ctx, m, o, &l, msg);
	}
	if (err) {
		close(m->root);
		m->root = -1;
		return err;
	}
	m->flags |= VU_MOUNT_LAYERED | (o->covers ? VU_MOUNT_COVERS : 0);
	if (l->waives || l->flags & (LAYER_VSTAT | LAYER_WOK))
		m->flags |= VU_MOUNT_OWN_ACCESS;
	if (l->flags & LAYER_VSTAT)
		m->flags |= VU_MOUNT_OWN_XATTR;
	m->priv = l;
	return 0;
}
