/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Copying before the first change
 *
 * A small file is copied with the change lock held; for a large one it is
 * given back, and afterwards the name is looked at again: if it leads
 * elsewhere now, the copy was in vain, and all begins anew. Two that copy the
 * same large file do it one after the other (copying), and the second finds
 * it done.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "lib/clock.h"
#include "mod/vufs/layer.h"
#include "store/copy.h"

#define LARGE (256 * 1024)
#define SAY_AFTER 3		/* seconds of copying until it is told */
#define SAY_EVERY 5

static struct {
	pthread_mutex_t lock;
	pthread_cond_t done;
	struct copying *first;
} copying = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.done = PTHREAD_COND_INITIALIZER,
};

struct copying {
	struct copying *next;
	dev_t dev;
	ino_t ino;
};

static bool is_copied(const struct stat *st)
{
	struct copying *c = copying.first;

	while (c && (c->ino != st->st_ino || c->dev != st->st_dev))
		c = c->next;
	return c;
}

/* Return: were we the first? Else it was waited until another had done. */
static bool enter(struct copying *c, const struct stat *st)
{
	bool first;

	pthread_mutex_lock(&copying.lock);
	first = !is_copied(st);
	if (first) {
		c->dev = st->st_dev;
		c->ino = st->st_ino;
		c->next = copying.first;
		copying.first = c;
	}
	while (!first && is_copied(st))
		pthread_cond_wait(&copying.done, &copying.lock);
	pthread_mutex_unlock(&copying.lock);
	return first;
}

static void leave(struct copying *c)
{
	struct copying **at = &copying.first;

	pthread_mutex_lock(&copying.lock);
	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	pthread_cond_broadcast(&copying.done);
	pthread_mutex_unlock(&copying.lock);
}

/* --- the copy --- */

struct one_copy {
	struct vu_ctx *ctx;
	struct layer *l;
	const char *path;
	time_t say;
};

static int progress(void *arg, uint64_t done, uint64_t total)
{
	struct one_copy *c = arg;

	if (total && coarse_seconds() >= c->say) {
		vu_log("vufs: copying %s before it is changed: %u%% of %llu MB",
		       c->path, (unsigned)(done * 100 / total),
		       (unsigned long long)(total >> 20));
		c->say = coarse_seconds() + SAY_EVERY;
	}
	return vu_gone(c->ctx) ? -EINTR : 0;
}

static bool can_be_given(const struct layer *l)
{
	return !(l->flags & LAYER_VSTAT) || !geteuid();
}

/* What the copy has not, and is to be told all the same. */
static void told_of_copy(const struct store_object *o, const struct stat *is,
			 struct store_attr *a)
{
	const struct stat *st = &o->under;

	*a = (struct store_attr){ .mode = st->st_mode, .uid = st->st_uid,
				  .gid = st->st_gid, .rdev = st->st_rdev };
	if ((is->st_mode ^ st->st_mode) & S_IFMT)
		a->set |= STORE_TYPE | STORE_RDEV;
	if (is->st_uid != st->st_uid)
		a->set |= STORE_UID;
	if (is->st_gid != st->st_gid)
		a->set |= STORE_GID;
	if (!S_ISLNK(st->st_mode) && ((is->st_mode ^ st->st_mode) & 07777))
		a->set |= STORE_MODE;
}

static int do_copy(struct vu_ctx *ctx, struct layer *l, const char *path,
		   unsigned flags, const struct store_object *o,
		   int wd, const char *work, struct store_attr *a)
{
	struct one_copy c = { ctx, l, path, coarse_seconds() + SAY_AFTER };
	const struct copy_plan plan = {
		.flags = flags | (can_be_given(l) ? 0 : COPY_NO_OWNER) |
			 (l->flags & LAYER_VSTAT ? COPY_STAND_IN : 0),
		.extra = l->flags & LAYER_VSTAT ? 0600 : 0,
		.progress = progress,
		.ctx = &c,
	};
	const struct timespec times[2] = {
		o->under.st_atim, o->under.st_mtim,
	};
	struct stat is;
	int err = copy_object(o->fd, wd, work, &plan, NULL);

	if (err)
		return err;
	/* a store below may tell other times than the object's own */
	if (o->under.st_mtim.tv_sec != o->real.st_mtim.tv_sec ||
	    o->under.st_mtim.tv_nsec != o->real.st_mtim.tv_nsec)
		utimensat(wd, work, times, AT_SYMLINK_NOFOLLOW);
	if (fstatat(wd, work, &is, AT_SYMLINK_NOFOLLOW))
		return -errno;
	told_of_copy(o, &is, a);
	return 0;
}

/* What was recorded for the name counts more than what the target had. */
static void keep_recorded(struct layer *l, const char *path, int wd,
			  const char *work, struct store_attr *a)
{
	struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT },
	};
	struct store_where w;

	if (store_resolve(l->s, path, &w) || !w.attr.set)
		return;
	a->set &= ~w.attr.set;
	if (w.attr.set & STORE_ATIME)
		times[0] = w.attr.atime;
	if (w.attr.set & STORE_MTIME)
		times[1] = w.attr.mtime;
	utimensat(wd, work, times, AT_SYMLINK_NOFOLLOW);
}

static int put(struct layer *l, const char *path,
	       const struct store_object *o, const char *work,
	       struct store_attr *a)
{
	struct store_where w;
	bool shared = o->under.st_nlink > 1;
	int err = store_resolve(l->s, path, &w);

	if (!err && shared)
		err = store_share_link(l->s, &o->under, w.origin, work, a);
	if (!err)
		err = store_place(l->s, work, path, true, shared ? NULL : a);
	/* the copy has them itself now */
	if (!err)
		err = store_clear_attr(l->s, path, NULL, STORE_ATIME | STORE_MTIME |
				       STORE_CTIME);
	return err;
}

/* Is it still what we have copied? */
static bool is_still(struct layer *l, const char *path,
		     const struct store_object *o)
{
	struct store_object again;
	bool still;

	if (store_find(l->s, path, &again))
		return false;
	still = !again.in_store && again.real.st_ino == o->real.st_ino &&
		again.real.st_dev == o->real.st_dev;
	store_drop(&again);
	return still;
}

/* Return: 0, -EAGAIN: look again, or -errno */
static int copy_one(struct vu_ctx *ctx, struct layer *l, const char *path,
		    unsigned flags, const struct store_object *o)
{
	bool large = S_ISREG(o->real.st_mode) && o->real.st_size > LARGE &&
		     !(flags & COPY_NO_CONTENT);
	struct store_attr a = { 0 };
	char work[32];
	int wd = store_work(l->s, work), err;

	if (wd < 0)
		return wd;
	if (large) {
		store_changed(l->s);
		vu_may_wait(ctx);
	}
	err = do_copy(ctx, l, path, flags, o, wd, work, &a);
	if (large)
		store_change(l->s);
	if (!err && large && !is_still(l, path, o))
		err = -EAGAIN;
	if (!err) {
		keep_recorded(l, path, wd, work, &a);
		err = put(l, path, o, work, &a);
	}
	if (err)
		unlinkat(wd, work, 0);
	return err;
}

static int try_copy(struct vu_ctx *ctx, struct layer *l, const char *path,
		    unsigned flags, const struct store_object *o)
{
	struct copying c;
	int err = -ENOENT;

	if (o->under.st_nlink > 1)
		err = store_join_link(l->s, &o->under, path);
	if (err != -ENOENT)
		return err;
	if (o->real.st_size <= LARGE)
		return copy_one(ctx, l, path, flags, o);
	store_changed(l->s);
	if (!enter(&c, &o->real)) {
		store_change(l->s);
		return -EAGAIN;
	}
	store_change(l->s);
	err = is_still(l, path, o) ? copy_one(ctx, l, path, flags, o)
				   : -EAGAIN;
	leave(&c);
	return err;
}

/* The copy of a file of several names that has not got this one yet. */
static int join(struct layer *l, const char *path, struct store_object *o)
{
	struct store_where w;
	struct stat st;
	int err = store_resolve(l->s, path, &w);

	if (err || w.store || !w.target)
		return err;
	err = store_stat_target(l->s, w.origin, &st) ?:
	      store_join_link(l->s, &st, path);
	if (err)
		return err;
	store_drop(o);
	return store_find(l->s, path, o);
}

static int may_copy(struct vu_ctx *ctx, struct layer *l, unsigned flags,
		    bool waived, const struct store_object *o)
{
	if ((!waived && !(l->flags & LAYER_VSTAT)) ||
	    !S_ISREG(o->real.st_mode) || !o->real.st_size ||
	    (flags & COPY_NO_CONTENT))
		return 0;
	return may_read_really(ctx, o);
}

int wait_unlocked(struct vu_ctx *ctx, struct layer *l)
{
	static const struct timespec moment = { .tv_nsec = 5000000 };

	store_changed(l->s);
	vu_may_wait(ctx);
	nanosleep(&moment, NULL);
	store_change(l->s);
	return vu_gone(ctx) ? -EINTR : 0;
}

int copy_up(struct vu_ctx *ctx, struct layer *l, const char *path,
	    unsigned flags, bool waived, struct store_object *o)
{
	int err = 0;

	while (!err && !o->in_store) {
		err = may_copy(ctx, l, flags, waived, o);
		if (!err)
			err = try_copy(ctx, l, path, flags, o);
		if (err == -EAGAIN)	/* or somebody has a lease on it */
			err = wait_unlocked(ctx, l);
		store_drop(o);
		if (!err)
			err = store_find(l->s, path, o);
	}
	return err ?: join(l, path, o);
}
