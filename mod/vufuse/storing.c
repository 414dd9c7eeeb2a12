/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Storing: what guests have done to a content is done to the server's file.
 * When nobody can write it any more the server may close its file, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "mod/vufuse/opened.h"

/* Files at the server that are to be stored: see opened_hurry(). */
enum { SOME = 16, MANY = 128 };

/* --- what the server has --- */

static ssize_t server_read(void *arg, struct vu_ctx *ctx, off_t off, size_t len,
			   content_sink *sink, void *sink_arg)
{
	const struct at_server *s = arg;

	return file_read(s->fs->conn, ctx, s->file, off, len, sink, sink_arg);
}

static int server_write(void *arg, struct vu_ctx *ctx, off_t off,
			const void *buf, size_t len)
{
	const struct at_server *s = arg;

	return file_write(s->fs->conn, ctx, s->file, off, buf, len);
}

int opened_set_attr(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		    const struct file *file, struct fuse_setattr_in *in,
		    struct fuse_attr *got)
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
	if (!err && got)
		*got = a.attr;
	return err;
}

static int server_resize(void *arg, struct vu_ctx *ctx, off_t size)
{
	const struct at_server *s = arg;
	struct fuse_setattr_in in = { .valid = FATTR_SIZE, .size = size };

	return opened_set_attr(s->fs, ctx, s->node, s->file, &in, NULL);
}

const struct content_server opened_server = {
	.read = server_read, .write = server_write, .resize = server_resize,
};

/* Will it not answer anything else either? */
static bool server_is_gone(int err)
{
	return err == -ENOTCONN || err == -EINTR || err == -ETIMEDOUT;
}

/* --- stamps --- */

void opened_stamp(struct fs *fs, struct vu_ctx *ctx, struct opened *o,
		  uint64_t since)
{
	o->stamped = !tree_attr_since(fs->tree, ctx, o->node, since, &o->stamp);
}

bool opened_up_to_date(const struct opened *o, const struct fuse_attr *a)
{
	if (!content_filled(o->content))
		return false;
	if (content_used(o->content) || content_maybe_changed(o->content))
		return true;
	return o->stamped && o->stamp.size == a->size &&
	       o->stamp.mtime == a->mtime && o->stamp.mtimensec == a->mtimensec;
}

/* --- storing --- */

/* Is the server's time ours, as far as it can tell it? */
static bool same_time(uint64_t sec, uint32_t nsec, const struct timespec *t)
{
	return sec == (uint64_t)t->tv_sec && nsec <= (uint32_t)t->tv_nsec;
}

/*
 * Guests have seen the times of the content, and shall not see them move: not
 * the time of the status, which nobody can set, nor one that the server keeps
 * in whole seconds. So as long as the server tells those that it has now, its
 * node tells the content's.
 */
static void tell_times(struct fs *fs, struct opened *o, const struct stat *st)
{
	const struct fuse_attr *a = &o->stamp;
	struct node *n = o->node;
	struct told t = {
		a->mtime, a->ctime, a->mtimensec, a->ctimensec,
		{ a->mtime, a->mtimensec }, st->st_ctim,
	};

	if (same_time(a->mtime, a->mtimensec, &st->st_mtim))
		t.mtim = st->st_mtim;
	pthread_mutex_lock(&fs->lock);
	if (!n->more)
		n->more = malloc(sizeof(t));
	if (n->more)
		*(struct told *)n->more = t;
	pthread_mutex_unlock(&fs->lock);
}

void opened_note_times(struct opened *o, const struct stat *st)
{
	o->stored = opened_ns(&st->st_mtim);
	o->stored_status = opened_ns(&st->st_ctim);
}

/*
 * The server's file has the time of the store now, and guests have seen the
 * time of their change. (A change through a mapping has none: it is now.)
 * What was stored is stored, also where the server sets no times.
 */
static int store_times(struct fs *fs, struct vu_ctx *ctx, struct opened *o)
{
	static const struct timespec now[2] = {
		{ .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_NOW },
	};
	struct fuse_setattr_in in = { .valid = FATTR_ATIME | FATTR_MTIME };
	struct stat st;
	int err = content_stat(o->content, &st);

	if (!err && opened_ns(&st.st_mtim) == o->stored &&
	    opened_ns(&st.st_ctim) == o->stored_status) {
		content_times(o->content, now);
		err = content_stat(o->content, &st);
	}
	if (err)
		return err;
	opened_note_times(o, &st);
	in.mtime = st.st_mtim.tv_sec;
	in.mtimensec = st.st_mtim.tv_nsec;
	in.atime = st.st_atim.tv_sec;
	in.atimensec = st.st_atim.tv_nsec;
	err = opened_set_attr(fs, ctx, o->node, &o->file, &in, &o->stamp);
	if (server_is_gone(err))
		return err;
	o->stamped = !err || !tree_attr(fs->tree, ctx, o->node, &o->stamp);
	if (o->stamped)
		tell_times(fs, o, &st);
	return 0;
}

static int store_with(struct fs *fs, struct vu_ctx *ctx, struct opened *o)
{
	struct at_server s = { fs, o->node, &o->file };
	bool changed = false;
	int err;

	atomic_store(&o->storing, true);
	err = content_store(o->content, ctx, &opened_server, &s, &changed);
	if (changed)
		opened_stale(fs, o);
	if (!err && changed)
		err = store_times(fs, ctx, o);
	atomic_store(&o->storing, false);
	return err;
}

/* o->lock is held. */
int opened_store(struct fs *fs, struct vu_ctx *ctx, struct opened *o)
{
	struct file f;
	int err = 0;

	if (o->orphan || !content_filled(o->content) ||
	    !content_maybe_changed(o->content))
		return 0;
	if (!o->has_file) {
		err = opened_open_file(fs, ctx, o->node, O_RDWR, &f);
		if (!err)
			opened_keep_file(fs, o, &f);
	}
	if (!err)
		err = store_with(fs, ctx, o);
	o->unstored = err;
	room_note(fs, err);
	return err;
}

void opened_keep_file(struct fs *fs, struct opened *o, const struct file *f)
{
	o->file = *f;
	o->has_file = true;
	atomic_fetch_add(&fs->files->nfile, 1);
}

/* Nobody can write it any more: the server may close it. o->lock is held. */
int opened_finish(struct fs *fs, struct vu_ctx *ctx, struct opened *o)
{
	if (!o->has_file || content_written(o->content) ||
	    (!o->orphan && content_maybe_changed(o->content)))
		return 0;
	o->has_file = false;
	atomic_fetch_sub(&fs->files->nfile, 1);
	return file_close(fs->conn, ctx, &o->file);
}

static int store_one(struct fs *fs, struct vu_ctx *ctx, struct opened *o,
		     bool sync)
{
	int err = fs_lock(&o->lock, ctx);

	if (err)
		return err;
	err = opened_store(fs, ctx, o);
	if (!err && sync && o->has_file)
		err = file_sync(fs->conn, ctx, &o->file, false);
	if (!err)
		err = opened_finish(fs, ctx, o);
	pthread_mutex_unlock(&o->lock);
	return err;
}

int opened_store_all(struct fs *fs, struct vu_ctx *ctx)
{
	size_t n;
	struct opened **all = opened_take_all(fs, &n);
	int err = all ? 0 : -ENOMEM;

	for (size_t i = 0; i < n && !server_is_gone(err); i++) {
		int one = store_one(fs, ctx, all[i], true);

		if (!err || server_is_gone(one))
			err = one;
	}
	opened_drop_all(fs, all, n);
	return err;
}

/*
 * Would it be lost now? The keeper may be trying to store it, then it does not
 * look changed. Of what somebody can write the times tell whether he has.
 */
static bool is_unstored(struct opened *o)
{
	if (o->orphan || !content_filled(o->content))
		return false;
	return o->unstored || (content_written(o->content) ?
			       content_touched(o->content) :
			       content_maybe_changed(o->content));
}

/* Return: how many files; *err: out, why, if that is known */
static size_t count_unstored(struct fs *fs, int *err)
{
	size_t n, unstored = 0;
	struct opened **all = opened_take_all(fs, &n);

	for (size_t i = 0; i < n; i++) {
		unstored += is_unstored(all[i]);
		if (all[i]->unstored && !*err)
			*err = all[i]->unstored;
	}
	opened_drop_all(fs, all, n);
	return unstored;
}

/* What people are shown of the mount: one of these, for it is not copied. */
static const char *how_it_is(size_t unstored, int err)
{
	if (!unstored)
		return "via=cache";
	switch (err) {
	case -ENOSPC: return "via=cache,unstored=ENOSPC";
	case -EDQUOT: return "via=cache,unstored=EDQUOT";
	case -ENOTCONN: return "via=cache,unstored=ENOTCONN";
	case -EIO: return "via=cache,unstored=EIO";
	default: return "via=cache,unstored";
	}
}

void opened_show(struct fs *fs)
{
	bool dead = conn_state(fs->conn) == CONN_DEAD;
	size_t n, unstored = 0;
	struct opened **all = opened_take_all(fs, &n);
	int err = dead ? -ENOTCONN : 0;

	for (size_t i = 0; i < n; i++) {
		int why = all[i]->unstored;

		unstored += dead ? is_unstored(all[i]) :
				   why && why != -EAGAIN && !all[i]->orphan;
		err = err ?: why;
	}
	opened_drop_all(fs, all, n);
	pthread_mutex_lock(&fs->lock);
	if (fs->shown)
		__atomic_store_n(&fs->shown->how, how_it_is(unstored, err),
				 __ATOMIC_RELEASE);
	pthread_mutex_unlock(&fs->lock);
}

void opened_store_last(struct fs *fs, const char *target)
{
	int err = opened_store_all(fs, NULL);
	size_t lost = count_unstored(fs, &err);

	if (err && lost && !atomic_exchange(&fs->told, true))
		vu_log("%s: %zu file(s) could not be stored: %s", target, lost,
		       strerror(-err));
}

void opened_store_due(struct fs *fs, struct vu_ctx *ctx, bool all_of_it)
{
	size_t n;
	struct opened **all = opened_take_all(fs, &n);
	int err = 0;

	for (size_t i = 0; i < n && !server_is_gone(err); i++)
		if ((all[i]->has_file || all[i]->unstored) &&
		    (all_of_it || !content_written(all[i]->content)))
			err = store_one(fs, ctx, all[i], false);
	opened_drop_all(fs, all, n);
}

void opened_tick(struct fs *fs, unsigned second)
{
	opened_store_due(fs, NULL, second % 5 == 0);
}

/*
 * Each file that is not stored yet is open at the server, which may not have
 * many descriptors. The keeper is told when there are some; and who opens
 * more than it can keep up with, stores them himself.
 */
void opened_hurry(struct fs *fs, struct vu_ctx *ctx)
{
	size_t n = fs->files->nfile;

	if (n >= MANY)
		opened_store_due(fs, ctx, false);
	else if (n >= SOME)
		keeper_wake(fs);
}

int opened_sync(struct vu_ctx *ctx, struct vu_mount *m, const char *path)
{
	struct fs *fs = fs_of(m);
	struct opened *o;
	struct node *n;
	int err = 0;

	/* nobody is there whom it could be given to */
	if (conn_state(fs->conn) == CONN_DEAD)
		return path || count_unstored(fs, &err) ? -ENOTCONN : 0;
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

int opened_settle(struct fs *fs, struct vu_ctx *ctx, struct node *n)
{
	struct opened *o = opened_find(fs, n);
	int err;

	if (!o)
		return 0;
	err = fs_lock(&o->lock, ctx);
	if (!err) {
		err = opened_store(fs, ctx, o);
		pthread_mutex_unlock(&o->lock);
	}
	opened_put(fs, o);
	return err;
}

/* What has one name only is about to be lost: it is not stored before. */
static void close_it(struct fs *fs, struct vu_ctx *ctx, struct opened *o,
		     uint64_t since)
{
	struct fuse_attr a;

	if (!o->has_file || content_written(o->content))
		return;
	if (tree_attr_since(fs->tree, ctx, o->node, since, &a) ||
	    a.nlink != 1) {
		if (!opened_store(fs, ctx, o))
			opened_finish(fs, ctx, o);
		return;
	}
	o->unstored = -EAGAIN;
	o->has_file = false;
	atomic_fetch_sub(&fs->files->nfile, 1);
	file_close(fs->conn, ctx, &o->file);
}

void opened_close(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		  uint64_t since)
{
	struct opened *o = opened_find(fs, n);

	if (!o)
		return;
	if (!fs_lock(&o->lock, ctx)) {
		close_it(fs, ctx, o, since);
		pthread_mutex_unlock(&o->lock);
	}
	opened_put(fs, o);
}

void opened_settle_links(struct fs *fs, struct vu_ctx *ctx, struct node *n)
{
	struct opened **all;
	struct fuse_attr a;
	size_t count;

	if (!fs->files->nfile)		/* as nearly always */
		return;
	all = opened_take_all(fs, &count);

	for (size_t i = 0; i < count; i++) {
		struct opened *o = all[i];

		if (n->data == o || !o->has_file ||
		    !content_maybe_changed(o->content) ||
		    fs_lock(&o->lock, ctx))
			continue;
		if (o->has_file && content_maybe_changed(o->content) &&
		    !tree_attr(fs->tree, ctx, o->node, &a) && a.nlink > 1 &&
		    !opened_store(fs, ctx, o))
			tree_stale(fs->tree, n);
		pthread_mutex_unlock(&o->lock);
	}
	opened_drop_all(fs, all, count);
}

