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
#include "mod/vufuse/telling.h"

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

/*
 * O_TRUNC. The server never sees that flag: many do not know it. The content
 * comes first, for it may refuse (a program that runs), and it knows what
 * the server had.
 */
static int cut_off(struct fs *fs, struct vu_ctx *ctx, struct opened *o,
		   uint64_t since)
{
	struct fuse_attr a;
	int err = tree_attr_since(fs->tree, ctx, o->node, since, &a);

	/* else what it knows of the server's file is not true any more */
	if (!err && !opened_up_to_date(o, &a))
		content_forget(o->content);
	if (!err)
		err = content_truncate(o->content, 0);
	if (!err)
		err = opened_store(fs, ctx, o);
	if (!err && !tree_attr(fs->tree, ctx, o->node, &a))
		content_mode(o->content, a.mode & 0777);
	return err;
}

/* As long as nobody changes it, it has the times of the server's file. */
static void take_times(struct opened *o, const struct fuse_attr *a)
{
	const struct timespec times[2] = {
		{ a->atime, a->atimensec }, { a->mtime, a->mtimensec },
	};
	struct stat st;

	content_times(o->content, times);
	if (!content_stat(o->content, &st))
		opened_note_times(o, &st);
}

static int fill(struct fs *fs, struct vu_ctx *ctx, struct opened *o,
		const struct file *f, uint64_t since)
{
	struct at_server s = { fs, o->node, f };
	struct fuse_attr a;
	int err;

	err = tree_attr_since(fs->tree, ctx, o->node, since, &a);
	if (err || opened_up_to_date(o, &a))
		return err;
	if (!a.size && !(f->answer & FOPEN_DIRECT_IO))
		content_empty(o->content);
	else
		err = telling_fill(o->content, ctx, &s,
				   f->answer & FOPEN_DIRECT_IO ? -1 :
				   (off_t)a.size);
	if (err)
		return err;
	content_mode(o->content, a.mode & 0777);
	take_times(o, &a);
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
	int fd = c ? telling_fill(c, ctx, &s, -1) : -ENOMEM;

	if (!fd)
		fd = content_open(c, flags);
	if (c)
		content_free(c);
	return fd;
}

/* o->lock is held. f is kept to store with, or closed. */
static int open_content(struct fs *fs, struct vu_ctx *ctx, struct opened *o,
			struct file *f, int flags, uint64_t since)
{
	bool keeps = for_writing(flags) && !o->has_file;
	int fd = 0;

	if (keeps)
		opened_keep_file(fs, o, f);
	if ((f->answer & FOPEN_DIRECT_IO) && !for_writing(flags))
		fd = open_generated(fs, ctx, o->node, f, flags);
	else if (flags & O_TRUNC)
		fd = cut_off(fs, ctx, o, since);
	else
		fd = fill(fs, ctx, o, f, since);
	if (!fd)
		fd = content_open(o->content, flags & ~O_TRUNC);
	if (!keeps)
		file_close(fs->conn, ctx, f);
	return fd;
}

static int open_node(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		     int flags, uint64_t since)
{
	struct fuse_attr a;
	struct opened *o;
	struct file f;
	int fd;

	if (!tree_attr_since(fs->tree, ctx, n, since, &a) && a.nlink > 1) {
		opened_settle_links(fs, ctx, n);
		opened_share_open(fs, n, &a);
	}
	o = opened_make(fs, n);
	if (!o)
		return -ENOMEM;
	fd = fs_lock(&o->lock, ctx);
	if (!fd) {
		fd = opened_open_file(fs, ctx, n, flags, &f);
		if (!fd)
			fd = open_content(fs, ctx, o, &f, flags, since);
		pthread_mutex_unlock(&o->lock);
	}
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
	uint64_t since = tree_now(fs->tree);
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
		fd = open_node(fs, ctx, n, flags, since);
	tree_put(fs->tree, n);
	return fd;
}

/* --- making --- */

/* What was just made is open at the server as f. */
static int open_created(struct fs *fs, struct vu_ctx *ctx, struct node *n,
			struct file *f, int flags, uint64_t since)
{
	struct opened *o = opened_make(fs, n);
	int fd = o ? fs_lock(&o->lock, ctx) : -ENOMEM;

	if (fd) {
		file_close(fs->conn, ctx, f);
	} else {
		/* whoever made it may write it, whatever he asked for */
		fd = open_content(fs, ctx, o, f,
				  (flags & ~O_ACCMODE) | O_RDWR, since);
		pthread_mutex_unlock(&o->lock);
	}
	if (fd >= 0 && (flags & O_ACCMODE) != O_RDWR) {
		close(fd);
		fd = content_open(o->content, flags & ~O_TRUNC);
	}
	if (o)
		opened_put(fs, o);
	return fd;
}

/*
 * The name is not there, and nobody makes it meanwhile. Return: 0, and the
 * node, with f open at the server unless that has no CREATE (f->none)
 */
static int create(struct fs *fs, struct vu_ctx *ctx, struct node *dir,
		  const char *name, int flags, mode_t mode, struct file *f,
		  struct node **n)
{
	struct fuse_entry_out e;
	int err = file_create(fs->conn, ctx, dir->id, name,
			      O_RDWR | O_CREAT | (flags & O_EXCL),
			      S_IFREG | mode, f, &e);
	bool opened = !err;

	if (err == -ENOSYS)
		err = ask_mknod(fs->conn, ctx, dir->id, name, S_IFREG | mode,
				0, &e);
	if (err)
		return err;
	tree_stale(fs->tree, dir);
	err = tree_entered(fs->tree, dir, name, &e, n);
	if (err && opened)
		file_close(fs->conn, ctx, f);
	return err ?: opened;
}

/*
 * Make it or find it. Return: 1 it was made and f is open, 0 it is there, or
 * -errno
 */
static int make(struct fs *fs, struct vu_ctx *ctx, struct node *dir,
		const char *path, const char *name, int flags, mode_t mode,
		struct file *f, struct node **n)
{
	pthread_mutex_t *names = fs_names(fs, dir);
	int r = fs_lock(names, ctx);

	if (r)
		return r;
	/* servers need not know O_EXCL, and somebody may have been quicker */
	r = tree_walk(fs->tree, ctx, path, n);
	if (!r && (flags & O_EXCL)) {
		tree_put(fs->tree, *n);
		r = -EEXIST;
	} else if (r == -ENOENT) {
		r = room_left(fs, ctx) ?:
		    create(fs, ctx, dir, name, flags, mode, f, n);
	}
	pthread_mutex_unlock(names);
	return r;
}

int opened_create(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  int flags, mode_t mode)
{
	struct fs *fs = fs_of(m);
	uint64_t since = tree_now(fs->tree);
	struct node *dir, *n;
	const char *name;
	struct file f;
	int r = fs_walk_to_change(fs, ctx, path, &dir, &name);

	if (r)
		return r;
	r = make(fs, ctx, dir, path, name, flags, mode, &f, &n);
	tree_put(fs->tree, dir);
	flags &= ~O_EXCL;
	if (r < 0)
		return r;
	if (!r) {
		tree_put(fs->tree, n);
		return opened_open(ctx, m, path, flags);
	}
	r = open_created(fs, ctx, n, &f, flags & ~O_TRUNC, since);
	tree_put(fs->tree, n);
	opened_trim(fs);
	opened_hurry(fs, ctx);
	return r;
}
