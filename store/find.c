/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The object of a name
 *
 * It is opened without a lock, since the target may be served by somebody
 * who takes his time. When something has changed meanwhile, what was found
 * may be of neither state, and it is looked for again; a few times so,
 * then with the lock.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/store_internal.h"

#define TRIES 8

void store_drop(struct store_object *o)
{
	if (o->fd >= 0)
		close(o->fd);
	if (o->merged >= 0)
		close(o->merged);
	o->fd = o->merged = -1;
}

int store_open_target(const struct store *s, const char *origin)
{
	return open_below(s->target, origin, O_PATH | O_NOFOLLOW);
}

static bool is_absent(int err)
{
	return err == -ENOENT || err == -ENOTDIR;
}

/* Open one of the two. Return: descriptor, -ENOENT: not here, -errno */
static int open_own(struct store *s, const char *path,
		    const struct store_where *w, struct stat *st)
{
	int fd;

	if (!w->store)
		return -ENOENT;
	fd = open_below(s->dir, path, O_PATH | O_NOFOLLOW);
	if (fd >= 0 && fstat(fd, st)) {
		close(fd);
		return -EIO;
	}
	return is_absent(fd) ? -ENOENT : fd;
}

static int open_targets(struct store *s, const struct store_where *w,
			struct stat *st)
{
	int fd;

	if (!w->target)
		return -ENOENT;
	fd = store_open_target(s, w->origin);
	if (fd >= 0 && fstat(fd, st)) {
		close(fd);
		return -EIO;
	}
	return fd;
}

/* The store has one: is it over a directory of the target? */
static int merge(struct store *s, const struct store_where *w,
		 struct store_object *o)
{
	struct stat st;
	int fd;

	if (!S_ISDIR(o->real.st_mode) || !w->target)
		return 0;
	fd = open_targets(s, w, &st);
	if (fd < 0)
		return is_absent(fd) ? 0 : fd;
	if (!S_ISDIR(st.st_mode)) {
		close(fd);
		return 0;
	}
	o->merged = o->fd;
	o->fd = fd;
	o->real = st;
	o->in_store = false;
	return 0;
}

/* A file that was copied by another of its names is seen as the copy. */
static int follow_link(struct store *s, struct store_object *o)
{
	struct shared *sh;
	char name[sizeof(sh->link)] = "";
	int fd;

	if (S_ISDIR(o->real.st_mode) || o->real.st_nlink < 2 || !s->unfound)
		return 0;
	pthread_rwlock_rdlock(&s->lock);
	sh = shared_find(s, &o->real);
	if (sh)
		strcpy(name, sh->link);
	pthread_rwlock_unlock(&s->lock);
	if (!name[0])
		return 0;
	fd = open_below(s->links, name, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	close(o->fd);
	o->fd = fd;
	o->in_store = true;
	return fstat(fd, &o->real) ? -errno : 0;
}

static int open_object(struct store *s, const char *path,
		       const struct store_where *w, struct store_object *o)
{
	int err;

	o->fd = open_own(s, path, w, &o->real);
	if (o->fd >= 0) {
		o->in_store = true;
		err = merge(s, w, o);
	} else if (o->fd == -ENOENT) {
		o->fd = open_targets(s, w, &o->real);
		err = o->fd < 0 ? o->fd : 0;
	} else {
		err = o->fd;
	}
	if (err)
		store_drop(o);
	return err;
}

/* --- what is to be told of it --- */

/* The copy of a file of the target is to be known by that one's number. */
static void tell_identity(struct store *s, const struct store_where *w,
			  const struct store_object *o, struct told *t)
{
	struct stat st;

	if (!o->in_store || S_ISDIR(o->real.st_mode) || !w->target ||
	    stat_below(s->target, w->origin, &st))
		return;
	if ((st.st_mode & S_IFMT) != (o->real.st_mode & S_IFMT) &&
	    !(w->attr.set & STORE_TYPE))
		return;
	t->as_dev = st.st_dev;
	t->as_ino = st.st_ino;
}

/* It is of the file, by whatever name. */
static void tell_shared_attr(struct store *s, const struct shared *sh,
			     struct told *t)
{
	char path[64];
	struct node *n;

	shared_attr_path(sh, path);
	n = known_find(s->tree, path);
	t->attr.set = 0;
	if (n)
		t->attr = n->attr;
}

static void tell_names(struct store *s, const struct store_object *o,
		       struct told *t)
{
	struct shared *sh;

	if (S_ISDIR(o->real.st_mode))
		return;
	pthread_rwlock_rdlock(&s->lock);
	sh = o->in_store ? shared_by_copy(s, &o->real)
			 : shared_find(s, &o->real);
	if (sh) {
		t->nlink = sh->nlink;
		if (o->in_store && sh->ino) {
			t->as_dev = sh->dev;
			t->as_ino = sh->ino;
		}
		if (o->in_store)
			tell_shared_attr(s, sh, t);
	}
	pthread_rwlock_unlock(&s->lock);
}

static bool later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec
				      : a->tv_nsec > b->tv_nsec;
}

/* The store's directory beneath has the times of what changed in it. */
static void tell_times(const struct store_object *o, struct told *t)
{
	struct stat st;

	if (o->merged < 0 || fstat(o->merged, &st))
		return;
	if (later(&st.st_mtim, &o->real.st_mtim) ||
	    (t->attr.set & STORE_MTIME)) {
		t->attr.set |= STORE_MTIME;
		t->attr.mtime = st.st_mtim;
	}
	if (!(t->attr.set & STORE_CTIME) ||
	    later(&st.st_mtim, &t->attr.ctime)) {
		t->attr.ctime = st.st_mtim;
		if (later(&st.st_mtim, &o->real.st_ctim))
			t->attr.set |= STORE_CTIME;
	}
}

static void tell(struct store *s, const struct store_where *w,
		 struct store_object *o)
{
	struct told t = { .dev = o->real.st_dev, .ino = o->real.st_ino }, old;

	t.attr = w->attr;
	if (o->in_store && told_get(s, &o->real, &old)) {
		t.as_dev = old.as_dev;
		t.as_ino = old.as_ino;
	} else {
		tell_identity(s, w, o, &t);
	}
	tell_names(s, o, &t);
	tell_times(o, &t);
	if (S_ISDIR(o->real.st_mode))
		t.subdirs = w->subdirs;
	told_put(s, &t);
	o->st = o->real;
	store_tell(s, &o->st);
}

static int find_once(struct store *s, const char *path,
		     const struct store_where *w, struct store_object *o)
{
	int err;

	*o = (struct store_object){ .fd = -1, .merged = -1 };
	err = open_object(s, path, w, o);
	if (!err)
		err = follow_link(s, o);
	if (err) {
		store_drop(o);
		return err;
	}
	tell(s, w, o);
	o->same = !o->in_store && o->merged < 0 && !w->attr.set &&
		  !w->subdirs && !strcmp(w->origin, path) &&
		  o->st.st_nlink == o->real.st_nlink;
	return 0;
}

int store_find(struct store *s, const char *path, struct store_object *o)
{
	struct store_where w;
	uint64_t before;
	int err;

	*o = (struct store_object){ .fd = -1, .merged = -1 };
	if (is_meta(path))
		return -ENOENT;
	for (int i = 0; i < TRIES; i++) {
		before = s->generation;
		err = store_resolve(s, path, &w);
		if (err)
			return err;
		err = find_once(s, path, &w, o);
		if (s->generation == before || i == TRIES - 1)
			return err;
		store_drop(o);
	}
	return -EIO;
}

void tell_again(struct store *s, const char *path)
{
	struct store_object o;

	if (!store_find(s, path, &o))
		store_drop(&o);
}

/* --- times of directories --- */

/*
 * In a directory of the store something happens as in any; the store's
 * directory beneath one of the target may have to be told, and when there is
 * none, the log.
 */
void store_touch(struct store *s, const char *path)
{
	struct store_attr a = { .set = STORE_MTIME | STORE_CTIME };
	const struct timespec now[2] = {
		{ .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_NOW },
	};
	struct store_object o;

	if (store_find(s, path, &o))
		return;
	if (o.merged >= 0) {
		char link[32];

		snprintf(link, sizeof(link), "/proc/self/fd/%d", o.merged);
		utimensat(AT_FDCWD, link, now, 0);
		tell_again(s, path);
	} else if (!o.in_store) {
		clock_gettime(CLOCK_REALTIME_COARSE, &a.mtime);
		a.ctime = a.mtime;
		store_set_attr(s, path, &a);
	}
	store_drop(&o);
}
