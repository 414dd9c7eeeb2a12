/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * unreal: the whole file system once more, and a sample to copy.
 *
 *	vu_insmod unreal
 *
 * Under /unreal is then everything that was there when it was mounted, a
 * file .now whose content is computed when it is opened, and a directory
 * .made that exists nowhere. Loading mounts it twice over the same name;
 * the second mount shows what the first had made as well: /unreal/unreal.
 * There is no third level, for the first mount knows nothing of itself.
 *
 * Changes would go through: what is removed below /unreal/etc is removed
 * from /etc. So loading mounts it read-only. To write, mount it yourself:
 *
 *	vumount -t unreal none /elsewhere
 *
 * doc/adding-a-module.md explains it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <vu/module.h>

/* One more byte than the longest path and its NUL: for the slash. */
typedef char name[PATH_MAX + 1];

/* What a mount remembers. */
struct unreal {
	uid_t uid;
	gid_t gid;
	struct timespec since;
};

/* --- what is made here; everything else was there before --- */

static const struct made {
	const char *path;
	mode_t mode;
} made[] = {
	{ "", S_IFDIR | 0555 },
	{ ".now", S_IFREG | 0444 },
	{ ".made", S_IFDIR | 0555 },
};
#define NMADE (sizeof(made) / sizeof(made[0]))

static const struct made *find_made(const char *path)
{
	for (size_t i = 0; i < NMADE; i++)
		if (!strcmp(path, made[i].path))
			return &made[i];
	return NULL;
}

/* A directory of ours has nothing but ours in it. */
static bool in_made_directory(const char *path)
{
	return !strncmp(path, ".made/", strlen(".made/"));
}

/* Paths come without the slash; the view has names that begin with it. */
static const char *before(const char *path, name buf)
{
	snprintf(buf, sizeof(name), "/%s", path);
	return buf;
}

/* The content of .now. Return: its length */
static size_t now_text(char *buf, size_t size)
{
	time_t now = time(NULL);
	struct tm tm;

	return strftime(buf, size, "%F %T\n", gmtime_r(&now, &tm));
}

/* --- operations --- */

static int unreal_mount(struct vu_ctx *ctx, struct vu_mount *m, bool remount,
			struct vu_message *msg)
{
	struct unreal *u;

	if (*m->options) {
		vu_message_set(msg, "unreal: unknown option: %s", m->options);
		return -EINVAL;
	}
	if (remount)
		return 0;
	u = malloc(sizeof(*u));
	if (!u)
		return -ENOMEM;
	u->uid = vu_who(ctx)->uid;
	u->gid = vu_who(ctx)->gid;
	clock_gettime(CLOCK_REALTIME, &u->since);
	m->priv = u;
	return 0;
}

static void unreal_umount(struct vu_mount *m)
{
	free(m->priv);
}

static int unreal_lookup(struct vu_ctx *ctx, struct vu_mount *m,
			 const char *path, struct vu_node *node)
{
	const struct unreal *u = m->priv;
	const struct made *it = find_made(path);
	char text[64];
	name buf;

	if (in_made_directory(path))
		return -ENOENT;
	if (!it)
		return vu_lookup(ctx, m, before(path, buf), node);
	*node = (struct vu_node){
		.kind = VU_NODE_MADE, .fd = -1,
		.attr = { .st_mode = it->mode, .st_uid = u->uid,
			  .st_gid = u->gid, .st_atim = u->since,
			  .st_mtim = u->since, .st_ctim = u->since },
	};
	if (S_ISREG(it->mode)) {
		node->attr.st_size = now_text(text, sizeof(text));
		clock_gettime(CLOCK_REALTIME, &node->attr.st_mtim);
	}
	return 0;
}

static int unreal_open(struct vu_ctx *ctx, struct vu_mount *m,
		       const char *path, int flags)
{
	char text[64];
	name buf;

	if (!find_made(path))	/* somebody made it before us */
		return vu_open(ctx, m, before(path, buf), flags);
	if ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC))
		return -EROFS;
	return vu_bytes_file(".now", text, now_text(text, sizeof(text)));
}

static ssize_t unreal_readlink(struct vu_ctx *ctx, struct vu_mount *m,
			       const char *path, char *buf, size_t size)
{
	name whole;

	return vu_readlink(ctx, m, before(path, whole), buf, size);
}

static int unreal_readdir(struct vu_ctx *ctx, struct vu_mount *m,
			  const char *path, struct vu_dir *dir)
{
	name buf;
	int err = 0;

	if (!find_made(path) || !*path)
		err = vu_readdir(ctx, m, before(path, buf), dir);
	for (size_t i = 1; i < NMADE && !*path && !err; i++)
		err = vu_dir_add(dir, made[i].path, 0, made[i].mode);
	return err;
}

/* --- the module --- */

static const struct vu_fs_ops fs = {
	.mount = unreal_mount,
	.umount = unreal_umount,
	.lookup = unreal_lookup,
	.open = unreal_open,
	.readlink = unreal_readlink,
	.readdir = unreal_readdir,
};

static const struct vu_claim claims[] = {
	{ .kind = VU_CLAIM_FSTYPE, .name = "unreal" },
	{ .kind = VU_CLAIM_END },
};

/* Twice: the second shows what the first has made. */
static const struct vu_loaded_mount mounts[] = {
	{ .type = "unreal", .target = "/unreal", .rdonly = true },
	{ .type = "unreal", .target = "/unreal", .rdonly = true },
	{ .type = NULL },
};

const struct vu_module vu_module = {
	.version = VU_MODULE_VERSION,
	.name = "unreal",
	.description = "the whole file system once more (a sample)",
	.claims = claims,
	.fs = &fs,
	.mounts = mounts,
};
