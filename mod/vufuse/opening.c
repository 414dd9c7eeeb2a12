/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening a file: the server's file is opened, as it may refuse; the content
 * is filled from it unless that is as new; and the guest gets a descriptor of
 * the content.
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "mod/vufuse/opened.h"

/* --- opening --- */

static bool for_writing(int flags)
{
	return (flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC);
}

/*
 * The server's file. To write, it must be readable too: what is stored are
 * parts of what was read. A server that lets the caller only write it gets
 * what it wants, and what is not read then must not be needed.
 */
int opened_open_file(struct fs *fs, struct vu_ctx *ctx, struct node *n,
			  int flags, struct file *f)
{
	int err;

	if (!for_writing(flags))
		return file_open(fs->conn, ctx, n->id, O_RDONLY, f);
	err = file_open(fs->conn, ctx, n->id, O_RDWR, f);
	if (err == -EACCES && (flags & O_ACCMODE) == O_WRONLY)
		err = file_open(fs->conn, ctx, n->id, O_WRONLY, f);
	return err;
}

/* O_TRUNC. The server never sees that flag: many do not know it. */
static int cut_off(struct fs *fs, struct vu_ctx *ctx, struct opened *o,
		   const struct file *f)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE };
	int err = opened_set_attr(fs, ctx, o->node, f, &in);

	if (err)
		return err;
	if (content_filled(o->content) && content_used(o->content))
		return content_truncate(o->content, 0);
	content_empty(o->content);
	opened_stamp(fs, ctx, o);
	content_mode(o->content, o->stamp.mode & 0777);
	return 0;
}

static int fill(struct fs *fs, struct vu_ctx *ctx, struct opened *o,
		const struct file *f, int flags)
{
	struct at_server s = { fs, o->node, f };
	struct fuse_attr a;
	int err;

	if (flags & O_TRUNC)
		return cut_off(fs, ctx, o, f);
	err = tree_attr(fs->tree, ctx, o->node, &a);
	if (err || opened_up_to_date(o, &a))
		return err;
	if (!a.size && !(f->answer & FOPEN_DIRECT_IO))
		content_empty(o->content);
	else
		err = content_fill(o->content, ctx, &opened_server, &s,
				   f->answer & FOPEN_DIRECT_IO ? -1 :
				   (off_t)a.size);
	if (err)
		return err;
	content_mode(o->content, a.mode & 0777);
	o->stamp = a;
	o->stamped = true;
	return 0;
}

/*
 * What is generated as it is read (FOPEN_DIRECT_IO) is read for each opener
 * anew, and his alone.
 */
static int open_generated(struct fs *fs, struct vu_ctx *ctx, struct node *n,
			  const struct file *f, int flags)
{
	struct at_server s = { fs, n, f };
	struct content *c = content_new(fs->pool, "vufuse");
	int fd = c ? content_fill(c, ctx, &opened_server, &s, -1) : -ENOMEM;

	if (!fd)
		fd = content_open(c, flags);
	if (c)
		content_free(c);
	return fd;
}

/* Keep the server's file to store with, or let go of it. */
static void keep_file(struct fs *fs, struct vu_ctx *ctx, struct opened *o,
		      struct file *f, bool writes)
{
	if (!writes || o->has_file) {
		file_close(fs->conn, ctx, f);
		return;
	}
	opened_keep_file(fs, o, f);
}

/* o->lock is held. */
static int open_content(struct fs *fs, struct vu_ctx *ctx, struct opened *o,
			struct file *f, int flags)
{
	bool writes = for_writing(flags);
	int fd;

	if ((f->answer & FOPEN_DIRECT_IO) && !writes)
		fd = open_generated(fs, ctx, o->node, f, flags);
	else
		fd = fill(fs, ctx, o, f, flags) ?:
		     content_open(o->content, flags & ~O_TRUNC);
	keep_file(fs, ctx, o, f, writes && fd >= 0);
	return fd;
}

static int open_node(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		     int flags)
{
	struct opened *o = opened_make(fs, n);
	struct fuse_attr a;
	struct file f;
	int fd;

	if (!o)
		return -ENOMEM;
	if (!tree_attr(fs->tree, ctx, n, &a) && a.nlink > 1)
		opened_settle_links(fs, ctx, n);
	pthread_mutex_lock(&o->lock);
	fd = opened_open_file(fs, ctx, n, flags, &f);
	if (!fd)
		fd = open_content(fs, ctx, o, &f, flags);
	pthread_mutex_unlock(&o->lock);
	opened_put(fs, o);
	opened_trim(fs);
	opened_hurry(fs, ctx);
	return fd;
}

int opened_open(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		int flags)
{
	static const int want[] = { R_OK, W_OK, R_OK | W_OK, R_OK | W_OK };
	struct fs *fs = fs_of(m);
	struct node *n;
	int fd = fs_walk(fs, ctx, path, &n);

	if (fd)
		return fd;
	/* devices of such mounts are none, as the kernel's are "nodev" */
	if (!S_ISREG(n->type))
		fd = S_ISCHR(n->type) || S_ISBLK(n->type) ? -EACCES : -ENXIO;
	if (!fd)
		fd = fs_permitted(fs, ctx, n, want[flags & O_ACCMODE] |
				  (flags & O_TRUNC ? W_OK : 0));
	if (!fd)
		fd = open_node(fs, ctx, n, flags);
	tree_put(fs->tree, n);
	return fd;
}

/* --- making --- */

/* What was just made is open at the server as f. */
static int open_created(struct fs *fs, struct vu_ctx *ctx, struct node *n,
			struct file *f, int flags)
{
	struct opened *o = opened_make(fs, n);
	int fd;

	if (!o) {
		file_close(fs->conn, ctx, f);
		return -ENOMEM;
	}
	pthread_mutex_lock(&o->lock);
	fd = open_content(fs, ctx, o, f, (flags & ~O_ACCMODE) |
			  ((flags & O_ACCMODE) ?: O_RDWR));
	pthread_mutex_unlock(&o->lock);
	if (fd >= 0 && (flags & O_ACCMODE) == O_RDONLY) {
		close(fd);
		fd = content_open(o->content, flags & ~O_TRUNC);
	}
	opened_put(fs, o);
	opened_trim(fs);
	opened_hurry(fs, ctx);
	return fd;
}

/* For servers that have no CREATE. */
static int make_and_open(struct vu_ctx *ctx, struct vu_mount *m,
			 const char *path, int flags, mode_t mode)
{
	int err = change_mknod(ctx, m, path, S_IFREG | mode, 0);

	return err ?: opened_open(ctx, m, path, flags & ~O_TRUNC);
}

int opened_create(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  int flags, mode_t mode)
{
	struct fs *fs = fs_of(m);
	struct fuse_entry_out e;
	struct node *dir, *n;
	const char *name;
	struct file f;
	int fd = fs_walk_to_change(fs, ctx, path, &dir, &name);

	if (fd)
		return fd;
	fd = file_create(fs->conn, ctx, dir->id, name, O_RDWR | O_CREAT,
			 S_IFREG | mode, &f, &e);
	if (!fd) {
		tree_stale(fs->tree, dir);
		fd = tree_entered(fs->tree, dir, name, &e, &n);
		if (fd)
			file_close(fs->conn, ctx, &f);
	}
	tree_put(fs->tree, dir);
	if (fd == -ENOSYS)
		return make_and_open(ctx, m, path, flags, mode);
	if (fd)
		return fd;
	fd = open_created(fs, ctx, n, &f, flags & ~O_TRUNC);
	tree_put(fs->tree, n);
	return fd;
}

