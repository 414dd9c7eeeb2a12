/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vufs: other names for real files, and copy on write.
 *
 *	move		the target shows the source (the default)
 *	hide		the target is not there; the source is "none"
 *	merge		the target with what is in the source over it
 *	cow		changes go to the source, a store; the target's files
 *			remain what they are
 *	mincow		so only what may not be changed really
 *	vstat		owners, modes and types are recorded in the store
 *	wok		everything says that it may be written
 *	nochcopy	chmod and chown are recorded and do not copy
 *	cover		what is mounted inside of the target is not changed either
 *	renew		a layered mount that exists is newer than all others
 *	rdonly		what is seen through the mount cannot be changed
 *	except=/SUB	the tree at target/SUB stays what it was
 *	permanent	the mount cannot be unmounted
 *
 * Of the first two all is said to the monitor once, when mounting: the
 * source is a real object, so the monitor and the kernel do the rest. The
 * others are layered: layer.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "include/vu/module.h"
#include "mod/vufs/layer.h"

enum kind { ANY, PLAIN, HIDES, LAYERS };	/* what a word belongs to */

struct word {
	const char *name;
	enum kind kind;
	unsigned set;		/* flags of the mount */
	unsigned layer;		/* flags of the layer */
	enum layer_mode mode;
};

static const struct word words[] = {
	{ .name = "move", .kind = PLAIN },
	{ .name = "bind", .kind = PLAIN },
	{ .name = "remount" },
	{ .name = "debug" },
	{ .name = "rw" },
	{ .name = "ro", .set = VU_MOUNT_RDONLY, .layer = LAYER_RDONLY },
	{ .name = "rdonly", .set = VU_MOUNT_RDONLY, .layer = LAYER_RDONLY },
	{ .name = "hide", .kind = HIDES, .set = VU_MOUNT_HIDE },
	{ .name = "permanent", .set = VU_MOUNT_PERMANENT },
	{ .name = "perm", .set = VU_MOUNT_PERMANENT },
	{ .name = "merge", .kind = LAYERS, .mode = LAYER_MERGE },
	{ .name = "cow", .kind = LAYERS, .mode = LAYER_COW },
	{ .name = "mincow", .kind = LAYERS, .mode = LAYER_MINCOW },
	{ .name = "vstat", .layer = LAYER_VSTAT },
	{ .name = "wok", .layer = LAYER_WOK },
	{ .name = "nochcopy", .layer = LAYER_NOCHCOPY },
};

/* What the options say. */
struct options {
	unsigned flags;
	enum kind kind;
	const char *kind_name, *layered_only;
	bool excepts;
	struct layer_options layer;
};

static const struct word *find_word(const char *key)
{
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].name, key))
			return &words[i];
	return NULL;
}

static int bad_option(struct vu_message *msg, const char *key,
		      const char *value)
{
	vu_message_set(msg, "vufs: unknown option: %s%s%s", key,
		       *value ? "=" : "", value);
	return -EINVAL;
}

static int take_word(struct options *o, const struct word *w,
		     struct vu_message *msg)
{
	if (w->kind != ANY && o->kind_name && strcmp(o->kind_name, w->name) &&
	    !(w->kind == PLAIN && o->kind == PLAIN)) {
		vu_message_set(msg, "vufs: %s and %s: only one of them",
			       o->kind_name, w->name);
		return -EINVAL;
	}
	if (w->kind != ANY) {
		o->kind = w->kind;
		o->kind_name = w->name;
	}
	o->flags |= w->set;
	o->layer.flags |= w->layer;
	if (w->kind == LAYERS) {
		o->layer.layered = true;
		o->layer.mode = w->mode;
	}
	if (w->layer & ~LAYER_RDONLY)
		o->layered_only = w->name;
	return 0;
}

static int take_option(struct options *o, const char *key, const char *value,
		       struct vu_message *msg)
{
	const struct word *w = find_word(key);

	if (w && !*value)
		return take_word(o, w, msg);
	if (!strcmp(key, "renew") && !*value) {
		o->layer.renew = true;
		o->layered_only = "renew";
		return 0;
	}
	if (!strcmp(key, "cover") && !*value) {
		o->layer.covers = true;
		o->layered_only = "cover";
		return 0;
	}
	if (strcmp(key, "except"))
		return bad_option(msg, key, value);
	if (value[0] != '/' || !value[1]) {
		vu_message_set(msg, "vufs: except=%s: must begin with / "
			       "and name something below the target", value);
		return -EINVAL;
	}
	o->excepts = true;
	return 0;
}

/* Read the options; exceptions are only noticed (they need the root). */
static int parse(struct vu_mount *m, struct options *o, struct vu_message *msg)
{
	char key[64], value[PATH_MAX];
	const char *rest = m->options;
	int n, err;

	while ((n = vu_next_option(&rest, key, sizeof(key), value,
				   sizeof(value))) > 0) {
		err = take_option(o, key, value, msg);
		if (err)
			return err;
	}
	if (n < 0)
		vu_message_set(msg, "vufs: option too long");
	return n;
}

static int check(const struct options *o, struct vu_message *msg)
{
	if (o->kind == HIDES && o->excepts) {
		vu_message_set(msg, "vufs: except= has no meaning with hide");
		return -EINVAL;
	}
	if (o->layer.covers && o->layer.layered &&
	    o->layer.mode != LAYER_COW) {
		vu_message_set(msg, "vufs: cover: only with cow");
		return -EINVAL;
	}
	if (o->layered_only && !o->layer.layered) {
		vu_message_set(msg, "vufs: %s: only with cow, mincow or merge",
			       o->layered_only);
		return -EINVAL;
	}
	return 0;
}

/* A layer must know what is not its own. */
static int note_exception(struct vu_ctx *ctx, struct vu_mount *m,
			  const char *sub)
{
	char name[PATH_MAX];
	int fd, err;

	if (snprintf(name, sizeof(name), "%s%s", m->target[1] ? m->target : "",
		     sub) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	fd = vu_open(ctx, m, name, O_PATH);
	if (fd < 0)
		return fd == -ENXIO ? 0 : fd;
	err = layer_except(m->priv, fd);
	close(fd);
	return err;
}

static int add_exceptions(struct vu_ctx *ctx, struct vu_mount *m,
			  const struct options *o, struct vu_message *msg)
{
	char key[64], value[PATH_MAX];
	const char *rest = m->options;
	int err;

	while (vu_next_option(&rest, key, sizeof(key), value,
			      sizeof(value)) > 0) {
		if (strcmp(key, "except"))
			continue;
		err = vu_mount_except(ctx, m, value, msg);
		if (!err && o->layer.layered && !o->layer.renew)
			err = note_exception(ctx, m, value);
		if (err)
			return err;
	}
	return 0;
}

static int mount_plain(struct vu_ctx *ctx, struct vu_mount *m,
		       struct vu_message *msg)
{
	int err = layer_check_move(ctx, m, msg);

	if (err)
		return err;
	m->root = vu_open(ctx, m, m->source, O_PATH);
	if (m->root >= 0)
		return 0;
	err = m->root;
	m->root = -1;
	vu_message_set(msg, "vufs: %s: %s", m->source,
		       err == -ENXIO ? "no real file, but what another "
		       "module makes" : strerror(-err));
	return err;
}

static int vufs_mount(struct vu_ctx *ctx, struct vu_mount *m, bool remount,
		      struct vu_message *msg)
{
	struct options o = { .flags = m->flags };
	int err = parse(m, &o, msg) ?: check(&o, msg);

	if (err)
		return err;
	if (remount && (((o.flags ^ m->flags) & ~VU_MOUNT_RDONLY) ||
			o.layer.layered)) {
		vu_message_set(msg, "vufs: remount changes ro and rw only");
		return -EINVAL;
	}
	m->flags = o.flags;
	if (remount || o.kind == HIDES)
		return 0;
	if (m->flags & VU_MOUNT_RDONLY)
		o.layer.flags |= LAYER_RDONLY;
	err = o.layer.layered ? layer_mount(ctx, m, &o.layer, msg)
			      : mount_plain(ctx, m, msg);
	if (err)
		return err;
	err = add_exceptions(ctx, m, &o, msg);
	if (err)
		layer_umount(m);
	return err;
}

static const struct vu_fs_ops fs = {
	.mount = vufs_mount,
	.umount = layer_umount,
	.lookup = layer_lookup,
	.open = layer_open,
	.create = layer_create,
	.access = layer_access,
	.mknod = layer_mknod,
	.mkdir = layer_mkdir,
	.symlink = layer_symlink,
	.unlink = layer_unlink,
	.rmdir = layer_rmdir,
	.link = layer_link,
	.rename = layer_rename,
	.truncate = layer_truncate,
	.chmod = layer_chmod,
	.chown = layer_chown,
	.utimens = layer_utimens,
	.getxattr = layer_getxattr,
	.listxattr = layer_listxattr,
	.setxattr = layer_setxattr,
	.removexattr = layer_removexattr,
	.touches = layer_touches,
	.descend = layer_descend,
	.name_here = layer_name_here,
	.alone = layer_alone,
	.tell = layer_tell,
	.edits = layer_edits,
	.reserve = layer_reserve,
	.adopt = layer_adopt,
};

static const struct vu_claim claims[] = {
	{ .kind = VU_CLAIM_FSTYPE, .name = "vufs" },
	{ .kind = VU_CLAIM_FSTYPE, .name = "viewfs" },
	{ .kind = VU_CLAIM_END },
};

const struct vu_module vu_module = {
	.version = VU_MODULE_VERSION,
	.name = "vufs",
	.description = "other names for real files, copy on write",
	.claims = claims,
	.fs = &fs,
};
