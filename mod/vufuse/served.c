/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is asked about names: the operations that change nothing. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "mod/vufuse/fs.h"

/*
 * The root before the server has said anything: it mounts before it reads,
 * so mount(2) cannot wait for it.
 */
static void fresh_root(const struct fs *fs, struct vu_node *node)
{
	node->kind = VU_NODE_MADE;
	node->attr.st_mode = fs->opt.rootmode;
	node->attr.st_uid = fs->opt.uid;
	node->attr.st_gid = fs->opt.gid;
	node->attr.st_ino = FUSE_ROOT_ID;
	node->number = FUSE_ROOT_ID;
}

int served_find(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		struct vu_node *node)
{
	struct fs *fs = fs_of(m);
	struct node *n;
	int err;

	if (!*path && atomic_exchange(&fs->fresh, false)) {
		fresh_root(fs, node);
		return 0;
	}
	err = fs_walk(fs, ctx, path, &n);
	if (err)
		return err;
	node->kind = VU_NODE_MADE;
	node->number = n->id;
	node->attr.st_mode = n->type;
	node->attr.st_ino = tree_ino(fs->tree, n) ?: n->id;
	tree_put(fs->tree, n);
	return 0;
}

int served_lookup(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  struct vu_node *node)
{
	struct fs *fs = fs_of(m);
	uint64_t since;
	struct node *n;
	int err;

	since = tree_now(fs->tree);
	err = fs_walk(fs, ctx, path, &n);
	if (err)
		return err;
	node->kind = VU_NODE_MADE;
	node->number = n->id;
	err = fs_stat(fs, ctx, n, since, &node->attr);
	tree_put(fs->tree, n);
	return err;
}

ssize_t served_readlink(struct vu_ctx *ctx, struct vu_mount *m,
			const char *path, char *buf, size_t size)
{
	struct fs *fs = fs_of(m);
	struct node *n;
	ssize_t len = fs_walk(fs, ctx, path, &n);

	if (len)
		return len;
	len = S_ISLNK(n->type) ?
	      ask_readlink(fs->conn, ctx, n->id, buf, size) : -EINVAL;
	tree_put(fs->tree, n);
	return len;
}

/* --- listings --- */

struct lister {
	struct fs *fs;
	struct node *node;
	struct vu_dir *dir;
	uint64_t since;
};

static int take_name(void *arg, const char *name, uint64_t ino, mode_t type,
		     const struct fuse_entry_out *e)
{
	struct lister *l = arg;

	if (e && e->nodeid)
		tree_listed(l->fs->tree, l->since, l->node, name, e, NULL);
	return vu_dir_add(l->dir, name, ino, type);
}

int served_readdir(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		   struct vu_dir *dir)
{
	struct lister l = { .fs = fs_of(m), .dir = dir };
	int err = fs_walk(l.fs, ctx, path, &l.node);

	if (err)
		return err;
	err = fs_permitted(l.fs, ctx, l.node, R_OK);
	l.since = tree_now(l.fs->tree);
	if (!err)
		err = ask_list(l.fs->conn, ctx, l.node->id, true, take_name, &l);
	tree_put(l.fs->tree, l.node);
	return err;
}

/* --- permissions --- */

/* A program that nobody may execute is none, whoever asks. */
static int executable(struct fs *fs, struct vu_ctx *ctx, struct node *n)
{
	struct fuse_attr a;
	int err;

	if (!S_ISREG(n->type))
		return 0;
	err = tree_attr(fs->tree, ctx, n, &a);
	if (err)
		return err;
	return a.mode & 0111 ? 0 : -EACCES;
}

int served_access(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  int want)
{
	struct fs *fs = fs_of(m);
	struct node *n;
	int err = fs_walk(fs, ctx, path, &n);

	if (err)
		return err;
	if (want & X_OK)
		err = executable(fs, ctx, n);
	if (!err)
		err = fs_permitted(fs, ctx, n, want);
	if (!err && !fs->opt.default_permissions) {
		err = ask_access(fs->conn, ctx, n->id, want);
		if (err == -ENOSYS)
			err = 0;
	}
	tree_put(fs->tree, n);
	return err;
}

/* --- what is open --- */

ssize_t served_name_of(struct vu_ctx *ctx, struct vu_mount *m, uint64_t number,
		       char *buf, size_t size)
{
	struct fs *fs = fs_of(m);
	struct node *n = tree_node(fs->tree, number);
	ssize_t len;

	(void)ctx;
	/* forgotten, as nobody has asked for long: by its old name, then */
	if (!n)
		return -ENOSYS;
	len = tree_name(fs->tree, n, buf, size);
	tree_put(fs->tree, n);
	return len;
}

int served_attr_of(struct vu_ctx *ctx, struct vu_mount *m, uint64_t number,
		   struct stat *attr)
{
	struct fs *fs = fs_of(m);
	struct node *n = tree_node(fs->tree, number);
	int err;

	if (!n)
		return -ENOENT;
	err = fs_stat(fs, ctx, n, tree_now(fs->tree), attr);
	tree_put(fs->tree, n);
	return err;
}

/* --- the file system, and extended attributes --- */

int served_statfs(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  struct statfs *buf)
{
	struct fs *fs = fs_of(m);
	struct node *n;
	int err = fs_walk(fs, ctx, path, &n);

	if (err)
		return err;
	err = ask_statfs(fs->conn, ctx, n->id, buf);
	if (!err && (m->flags & VU_MOUNT_RDONLY))
		buf->f_flags |= 1;		/* ST_RDONLY */
	tree_put(fs->tree, n);
	return err;
}

ssize_t served_getxattr(struct vu_ctx *ctx, struct vu_mount *m,
			const char *path, const char *name,
			void *value, size_t size)
{
	struct fs *fs = fs_of(m);
	struct node *n;
	ssize_t len = fs_walk(fs, ctx, path, &n);

	if (len)
		return len;
	len = fs_xattr_permitted(ctx, n, name, false);
	if (!len)
		len = ask_getxattr(fs->conn, ctx, n->id, name, value, size);
	tree_put(fs->tree, n);
	return len;
}

ssize_t served_listxattr(struct vu_ctx *ctx, struct vu_mount *m,
			 const char *path, char *list, size_t size)
{
	struct fs *fs = fs_of(m);
	struct node *n;
	ssize_t len = fs_walk(fs, ctx, path, &n);

	if (len)
		return len;
	len = ask_listxattr(fs->conn, ctx, n->id, list, size);
	tree_put(fs->tree, n);
	return len;
}
