/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * What guests open is the content (content.h), a memfd that all openers of a
 * file share; the server's file is opened beside it, to fill the content, and
 * to store what guests write. We are not told of close: a file that was
 * opened for writing stays open at the server until the content has no
 * writers any more, which the keeper finds out each second.
 *
 * struct opened is what node->data points to. It lives from the first open on
 * until it is clean, unused and too many are kept. fs->lock guards the
 * pointer, the list and the count of users (threads that are at work with
 * it); opened->lock is held while the server is asked for or given content,
 * and is never taken while fs->lock is held. Contents have locks of their
 * own: to look at one (stat) a user needs none.
 *
 * A content is as new as the server's file when size and time of change are
 * those it was filled or stored with (the stamp). While guests have it open
 * it is not filled again, whatever happens on the other side: it is the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mod/vufuse/fs.h"
#include "mod/vufuse/opened.h"

enum { KEPT = 256 };	/* of those that nobody uses; each has descriptors */

/* --- users --- */

static struct opened *opened_new(struct fs *fs, struct node *n)
{
	struct opened *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->content = content_new(fs->pool, "vufuse");
	if (!o->content) {
		free(o);
		return NULL;
	}
	pthread_mutex_init(&o->lock, NULL);
	o->node = n;
	n->data = o;
	TAILQ_INSERT_TAIL(&fs->files->list, o, link);
	fs->files->n++;
	return o;
}

/* The newest are at the end: the others are given up first. */
static struct opened *opened_make(struct fs *fs, struct node *n)
{
	struct opened *o;

	pthread_mutex_lock(&fs->lock);
	o = n->data;
	if (o) {
		TAILQ_REMOVE(&fs->files->list, o, link);
		TAILQ_INSERT_TAIL(&fs->files->list, o, link);
	} else {
		o = opened_new(fs, n);
	}
	if (o)
		o->users++;
	pthread_mutex_unlock(&fs->lock);
	return o;
}

static struct opened *opened_find(struct fs *fs, struct node *n)
{
	struct opened *o;

	pthread_mutex_lock(&fs->lock);
	o = n->data;
	if (o)
		o->users++;
	pthread_mutex_unlock(&fs->lock);
	return o;
}

static void opened_put(struct fs *fs, struct opened *o)
{
	pthread_mutex_lock(&fs->lock);
	o->users--;
	pthread_mutex_unlock(&fs->lock);
}

/*
 * fs->lock is held. Return: its node, with a reference: the tree may drop it
 * when that is put, for which it may not be held
 */
static struct node *opened_free(struct fs *fs, struct opened *o)
{
	struct node *n = tree_get(fs->tree, o->node);

	TAILQ_REMOVE(&fs->files->list, o, link);
	fs->files->n--;
	n->data = NULL;
	content_free(o->content);
	pthread_mutex_destroy(&o->lock);
	free(o);
	return n;
}

static bool needless(const struct opened *o)
{
	return !o->users && !o->has_file && !content_used(o->content) &&
	       (o->orphan || !content_maybe_changed(o->content));
}

bool opened_evict(struct fs *fs)
{
	struct node *n = NULL;
	struct opened *o;

	pthread_mutex_lock(&fs->lock);
	TAILQ_FOREACH(o, &fs->files->list, link)
		if (needless(o))
			break;
	if (o)
		n = opened_free(fs, o);
	pthread_mutex_unlock(&fs->lock);
	if (n)
		tree_put(fs->tree, n);
	return n;
}

/* --- what the server has --- */

static ssize_t server_read(void *arg, struct vu_ctx *ctx, off_t off,
			   void *buf, size_t len)
{
	const struct at_server *s = arg;

	return file_read(s->fs->conn, ctx, s->file, off, buf, len);
}

static int server_write(void *arg, struct vu_ctx *ctx, off_t off,
			const void *buf, size_t len)
{
	const struct at_server *s = arg;

	return file_write(s->fs->conn, ctx, s->file, off, buf, len);
}

static int set_attr(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		    const struct file *file, struct fuse_setattr_in *in)
{
	struct fuse_attr_out a;
	int err;

	if (file && !file->none) {
		in->valid |= FATTR_FH;
		in->fh = file->fh;
	}
	err = ask_setattr(fs->conn, ctx, n->id, in, &a);
	if (!err)
		tree_learn(fs->tree, n, &a);
	return err;
}

static int server_resize(void *arg, struct vu_ctx *ctx, off_t size)
{
	const struct at_server *s = arg;
	struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = size };

	return set_attr(s->fs, ctx, s->node, s->file, &in);
}

static const struct content_server at_server = {
	.read = server_read, .write = server_write, .resize = server_resize,
};

/* --- stamps --- */

static void stamp(struct fs *fs, struct vu_ctx *ctx, struct opened *o)
{
	o->stamped = !tree_attr(fs->tree, ctx, o->node, &o->stamp);
}

static bool up_to_date(const struct opened *o, const struct fuse_attr *a)
{
	if (!content_filled(o->content))
		return false;
	if (content_used(o->content) || content_maybe_changed(o->content))
		return true;
	return o->stamped && o->stamp.size == a->size &&
	       o->stamp.mtime == a->mtime && o->stamp.mtimensec == a->mtimensec;
}

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
static int open_at_server(struct fs *fs, struct vu_ctx *ctx, struct node *n,
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
	int err = set_attr(fs, ctx, o->node, f, &in);

	if (err)
		return err;
	if (content_filled(o->content) && content_used(o->content))
		return content_truncate(o->content, 0);
	content_empty(o->content);
	stamp(fs, ctx, o);
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
	if (err || up_to_date(o, &a))
		return err;
	if (!a.size && !(f->answer & FOPEN_DIRECT_IO))
		content_empty(o->content);
	else
		err = content_fill(o->content, ctx, &at_server, &s,
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
	int fd = c ? content_fill(c, ctx, &at_server, &s, -1) : -ENOMEM;

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
	o->file = *f;
	o->has_file = true;
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
	fd = open_at_server(fs, ctx, n, flags, &f);
	if (!fd)
		fd = open_content(fs, ctx, o, &f, flags);
	pthread_mutex_unlock(&o->lock);
	opened_put(fs, o);
	if (fs->files->n > KEPT)
		opened_evict(fs);
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
	if (!S_ISREG(n->type))
		fd = -ENXIO;
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
	if (fs->files->n > KEPT)
		opened_evict(fs);
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

/* --- storing --- */

/*
 * The server's file has the time of the store now, and guests have seen the
 * time of their change. (A change through a mapping has none: it is now.)
 */
static int store_times(struct fs *fs, struct vu_ctx *ctx, struct opened *o)
{
	static const struct timespec now[2] = {
		{ .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_NOW },
	};
	struct fuse_setattr_in in = { .valid = FATTR_ATIME | FATTR_MTIME };
	struct stat st;
	int err = content_stat(o->content, &st);

	if (!err && st.st_mtim.tv_sec == o->stored.tv_sec &&
	    st.st_mtim.tv_nsec == o->stored.tv_nsec) {
		content_times(o->content, now);
		err = content_stat(o->content, &st);
	}
	if (err)
		return err;
	o->stored = st.st_mtim;
	in.mtime = st.st_mtim.tv_sec;
	in.mtimensec = st.st_mtim.tv_nsec;
	in.atime = st.st_atim.tv_sec;
	in.atimensec = st.st_atim.tv_nsec;
	err = set_attr(fs, ctx, o->node, &o->file, &in);
	/* whoever writes need not own it, and then the time stays what it is */
	return err == -EPERM || err == -EACCES ? 0 : err;
}

static int store_with(struct fs *fs, struct vu_ctx *ctx, struct opened *o)
{
	struct at_server s = { fs, o->node, &o->file };
	bool changed = false;
	int err = content_store(o->content, ctx, &at_server, &s, &changed);

	if (changed)
		tree_stale(fs->tree, o->node);
	if (!err && changed)
		err = store_times(fs, ctx, o);
	if (changed)
		stamp(fs, ctx, o);
	return err;
}

/* o->lock is held. */
static int store(struct fs *fs, struct vu_ctx *ctx, struct opened *o)
{
	int err = 0;

	if (o->orphan || !content_filled(o->content) ||
	    !content_maybe_changed(o->content))
		return 0;
	if (!o->has_file) {
		err = open_at_server(fs, ctx, o->node, O_RDWR, &o->file);
		o->has_file = !err;
	}
	if (!err)
		err = store_with(fs, ctx, o);
	if (err && err != -EINTR)
		atomic_store(&fs->trouble, err);
	return err;
}

/* Nobody can write it any more: the server may close it. o->lock is held. */
static int finish(struct fs *fs, struct vu_ctx *ctx, struct opened *o)
{
	int err;

	if (!o->has_file || content_written(o->content) ||
	    (!o->orphan && content_maybe_changed(o->content)))
		return 0;
	o->has_file = false;
	err = file_close(fs->conn, ctx, &o->file);
	tree_stale(fs->tree, o->node);
	stamp(fs, ctx, o);
	return err;
}

/* --- all of them --- */

/* Everything that is there now, each with a user: undo with drop_all(). */
static struct opened **take_all(struct fs *fs, size_t *n)
{
	struct opened *o, **all;

	*n = 0;
	pthread_mutex_lock(&fs->lock);
	all = calloc(fs->files->n + 1, sizeof(*all));
	if (all)
		TAILQ_FOREACH(o, &fs->files->list, link) {
			o->users++;
			all[(*n)++] = o;
		}
	pthread_mutex_unlock(&fs->lock);
	return all;
}

static void drop_all(struct fs *fs, struct opened **all, size_t n)
{
	pthread_mutex_lock(&fs->lock);
	while (n)
		all[--n]->users--;
	pthread_mutex_unlock(&fs->lock);
	free(all);
}

static int store_one(struct fs *fs, struct vu_ctx *ctx, struct opened *o,
		     bool sync)
{
	int err;

	pthread_mutex_lock(&o->lock);
	err = store(fs, ctx, o);
	if (!err && sync && o->has_file)
		err = file_sync(fs->conn, ctx, &o->file, false);
	if (!err)
		err = finish(fs, ctx, o);
	pthread_mutex_unlock(&o->lock);
	return err;
}

int opened_store_all(struct fs *fs, struct vu_ctx *ctx)
{
	size_t n;
	struct opened **all = take_all(fs, &n);
	int err = all ? 0 : -ENOMEM;

	for (size_t i = 0; i < n; i++) {
		int one = store_one(fs, ctx, all[i], true);

		err = err ?: one;
	}
	drop_all(fs, all, n);
	return err;
}

/* Each second what nobody writes any more, each fifth all. */
void opened_tick(struct fs *fs)
{
	bool all_of_it = ++fs->files->ticks % 5 == 0;
	size_t n;
	struct opened **all = take_all(fs, &n);

	for (size_t i = 0; i < n; i++)
		if (all[i]->has_file &&
		    (all_of_it || !content_written(all[i]->content)))
			store_one(fs, NULL, all[i], false);
	drop_all(fs, all, n);
	while (fs->files->n > KEPT && opened_evict(fs))
		;
}

void opened_free_all(struct fs *fs)
{
	struct opened *o;

	while ((o = TAILQ_FIRST(&fs->files->list))) {
		if (o->has_file)
			file_close(fs->conn, NULL, &o->file);
		tree_put(fs->tree, opened_free(fs, o));
	}
}

bool opened_busy(struct vu_mount *m)
{
	struct fs *fs = fs_of(m);
	struct opened *o;
	bool busy = false;

	pthread_mutex_lock(&fs->lock);
	TAILQ_FOREACH(o, &fs->files->list, link)
		if (content_used(o->content))
			busy = true;
	pthread_mutex_unlock(&fs->lock);
	return busy && conn_state(fs->conn) != CONN_DEAD;
}

/* --- what others ask --- */

int opened_sync(struct vu_ctx *ctx, struct vu_mount *m, const char *path)
{
	struct fs *fs = fs_of(m);
	struct opened *o;
	struct node *n;
	int err;

	/* nobody is there whom it could be given to */
	if (conn_state(fs->conn) != CONN_READY)
		return 0;
	if (!path)
		return opened_store_all(fs, ctx);
	err = fs_walk(fs, ctx, path, &n);
	if (err)
		return err;
	o = opened_find(fs, n);
	if (o) {
		err = store_one(fs, ctx, o, true);
		opened_put(fs, o);
	} else if (S_ISDIR(n->type)) {
		err = ask_syncdir(fs->conn, ctx, n->id);
	}
	tree_put(fs->tree, n);
	return err;
}

void opened_stat(struct fs *fs, struct node *n, struct stat *st)
{
	struct opened *o = opened_find(fs, n);
	struct stat now;

	if (!o)
		return;
	if (content_filled(o->content) &&
	    (content_maybe_changed(o->content) || content_written(o->content)) &&
	    !content_stat(o->content, &now)) {
		st->st_size = now.st_size;
		st->st_blocks = now.st_blocks;
		st->st_mtim = now.st_mtim;
		st->st_ctim = now.st_ctim;
	}
	opened_put(fs, o);
}

void opened_orphan(struct fs *fs, struct node *n)
{
	struct opened *o = opened_find(fs, n);

	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	o->orphan = true;
	pthread_mutex_unlock(&o->lock);
	opened_put(fs, o);
}

int opened_truncate(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		    off_t size)
{
	struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = size };
	struct opened *o = opened_find(fs, n);
	int err;

	if (!o)
		return set_attr(fs, ctx, n, NULL, &in);
	pthread_mutex_lock(&o->lock);
	err = set_attr(fs, ctx, n, o->has_file ? &o->file : NULL, &in);
	if (!err && content_filled(o->content))
		err = content_truncate(o->content, size);
	pthread_mutex_unlock(&o->lock);
	opened_put(fs, o);
	return err;
}

int opened_settle(struct fs *fs, struct vu_ctx *ctx, struct node *n)
{
	struct opened *o = opened_find(fs, n);
	int err;

	if (!o)
		return 0;
	pthread_mutex_lock(&o->lock);
	err = store(fs, ctx, o);
	pthread_mutex_unlock(&o->lock);
	opened_put(fs, o);
	return err;
}

void opened_close(struct fs *fs, struct vu_ctx *ctx, struct node *n)
{
	struct opened *o = opened_find(fs, n);

	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	if (o->has_file && !content_written(o->content) &&
	    !store(fs, ctx, o))
		finish(fs, ctx, o);
	pthread_mutex_unlock(&o->lock);
	opened_put(fs, o);
}

void opened_settle_links(struct fs *fs, struct vu_ctx *ctx, struct node *n)
{
	size_t count;
	struct opened **all = take_all(fs, &count);
	struct fuse_attr a;

	for (size_t i = 0; i < count; i++) {
		struct opened *o = all[i];

		if (o->node == n)
			continue;
		pthread_mutex_lock(&o->lock);
		if (o->has_file && content_maybe_changed(o->content) &&
		    !tree_attr(fs->tree, ctx, o->node, &a) && a.nlink > 1 &&
		    !store(fs, ctx, o))
			tree_stale(fs->tree, n);
		pthread_mutex_unlock(&o->lock);
	}
	drop_all(fs, all, count);
}

void opened_times(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		  const struct timespec times[2])
{
	struct opened *o = opened_find(fs, n);

	if (!o)
		return;
	pthread_mutex_lock(&o->lock);
	if (content_filled(o->content)) {
		content_times(o->content, times);
		stamp(fs, ctx, o);
	}
	pthread_mutex_unlock(&o->lock);
	opened_put(fs, o);
}

void opened_mode(struct fs *fs, struct node *n, mode_t mode)
{
	struct opened *o = opened_find(fs, n);

	if (!o)
		return;
	/* what a set-user-id bit gives, a server may not give away */
	content_mode(o->content, mode & 0777);
	opened_put(fs, o);
}
