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
	if (o->held)
		dirs_put(o->held);
	else if (o->fd >= 0)
		close(o->fd);
	o->held = NULL;
	if (o->merged >= 0)
		close(o->merged);
	if (o->below >= 0)
		close(o->below);
	o->fd = o->merged = o->below = -1;
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

/*
 * Attributes are told of everything (STORE_LOOSE), and the kernel lets nobody
 * here look into that directory of the target: then nothing is in it but what
 * the store has. Root's monitor is not kept out, whoever it works for.
 */
static bool is_shut(const struct store *s, const struct store_object *over)
{
	const struct stat *st = &over->real;
	int fd;

	if (!(s->flags & STORE_LOOSE) || !geteuid() ||
	    st->st_uid == geteuid() || (st->st_mode & 05) == 05)
		return false;
	fd = openat(over->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd < 0 && errno == EACCES;
}

/* The store has one: is it over a directory of the target? */
static int merge(struct store *s, const struct store_where *w,
		 struct store_object *o)
{
	struct store_object over;
	int err;

	if (!S_ISDIR(o->real.st_mode) || !w->target)
		return 0;
	err = target_find(s, w->origin, &over);
	if (err)
		return is_absent(err) ? 0 : err;
	if (!S_ISDIR(over.under.st_mode)) {
		store_drop(&over);
		return 0;
	}
	if (is_shut(s, &over)) {	/* tell_shut() */
		o->under = over.under;
		store_drop(&over);
		return 0;
	}
	over.merged = o->fd;
	*o = over;
	return 0;
}

/* A file that was copied by another of its names is seen as the copy. */
static int follow_link(struct store *s, struct store_object *o)
{
	struct shared *sh;
	char name[sizeof(sh->link)] = "";
	int fd;

	if (S_ISDIR(o->real.st_mode) || o->under.st_nlink < 2 || !s->unfound)
		return 0;
	pthread_rwlock_rdlock(&s->lock);
	sh = o->in_store ? NULL : shared_find(s, &o->under);
	if (sh)
		strcpy(name, sh->link);
	pthread_rwlock_unlock(&s->lock);
	if (!name[0])
		return 0;
	fd = open_below(s->links, name, O_PATH | O_NOFOLLOW);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	store_drop(o);
	o->fd = fd;
	o->in_store = true;
	o->beneath = false;
	if (fstat(fd, &o->real))
		return -errno;
	o->under = o->real;
	return 0;
}

static int open_object(struct store *s, const char *path,
		       const struct store_where *w, struct store_object *o)
{
	int err;

	o->fd = open_own(s, path, w, &o->real);
	if (o->fd >= 0) {
		o->in_store = true;
		o->under = o->real;
		err = merge(s, w, o);
	} else if (o->fd == -ENOENT) {
		err = w->target ? target_find(s, w->origin, o) : -ENOENT;
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
	    store_stat_target(s, w->origin, &st))
		return;
	if ((st.st_mode & S_IFMT) != (o->real.st_mode & S_IFMT) &&
	    !(w->attr.set & STORE_TYPE))
		return;
	t->as_dev = st.st_dev;
	t->as_ino = st.st_ino;
}

static void tell_names(struct store *s, const struct store_object *o,
		       struct told *t)
{
	struct shared *sh;

	if (S_ISDIR(o->real.st_mode))
		return;
	pthread_rwlock_rdlock(&s->lock);
	sh = o->in_store ? shared_by_copy(s, &o->real)
			 : shared_find(s, &o->under);
	if (sh) {
		t->nlink = sh->nlink;
		if (o->in_store && sh->ino) {
			t->as_dev = sh->dev;
			t->as_ino = sh->ino;
		}
		if (o->in_store)
			shared_attr(s, sh, &t->attr);
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
	/* the target's may have changed since, where it may */
	if ((later(&st.st_mtim, &o->under.st_mtim) &&
	     later(&st.st_mtim, &o->under.st_ctim)) ||
	    (t->attr.set & STORE_MTIME)) {
		t->attr.set |= STORE_MTIME;
		t->attr.mtime = st.st_mtim;
	}
	if (!(t->attr.set & STORE_CTIME) ||
	    later(&st.st_mtim, &t->attr.ctime)) {
		t->attr.ctime = st.st_mtim;
		if (later(&st.st_mtim, &o->under.st_ctim))
			t->attr.set |= STORE_CTIME;
	}
}

static bool is_stand_in(const struct store_object *o)
{
	return o->in_store && S_ISDIR(o->real.st_mode) &&
	       (o->under.st_ino != o->real.st_ino ||
		o->under.st_dev != o->real.st_dev);
}

/* The store's directory is in the place of one of the target's. */
static void tell_shut(struct store_object *o, const struct store_attr *known,
		      struct told *t)
{
	struct stat st = o->under;

	store_attr_tell(known, &st);
	t->attr.set |= STORE_MODE | STORE_UID | STORE_GID;
	t->attr.mode = st.st_mode;
	t->attr.uid = st.st_uid;
	t->attr.gid = st.st_gid;
	t->as_dev = st.st_dev;
	t->as_ino = st.st_ino;
	t->subdirs = 0;
	o->under = o->real;
}

static void tell(struct store *s, const struct store_where *w,
		 struct store_object *o)
{
	struct told t = { .dev = o->real.st_dev, .ino = o->real.st_ino }, old;

	t.attr = w->attr;
	if (o->in_store && told_get(s, &o->real, &old)) {
		t.as_dev = old.as_dev;
		t.as_ino = old.as_ino;
		t.kept = old.kept;
		t.kept_ctime = old.kept_ctime;
		t.kept_mtime = old.kept_mtime;
		t.ctime = old.ctime;
	} else {
		tell_identity(s, w, o, &t);
	}
	tell_names(s, o, &t);
	tell_times(o, &t);
	if (S_ISDIR(o->real.st_mode))
		t.subdirs = w->subdirs;
	if (is_stand_in(o))
		tell_shut(o, &w->attr, &t);
	told_put(s, &t);
	o->st = o->under;
	told_tell(s, &o->real, &o->st);
}

static int find_once(struct store *s, const char *path,
		     const struct store_where *w, struct store_object *o)
{
	int err;

	*o = STORE_NOTHING;
	err = open_object(s, path, w, o);
	if (!err)
		err = follow_link(s, o);
	if (err) {
		store_drop(o);
		return err;
	}
	tell(s, w, o);
	o->same = o->same && !o->in_store && o->merged < 0 && !w->attr.set &&
		  !w->subdirs && !strcmp(w->origin, path) &&
		  o->st.st_nlink == o->under.st_nlink;
	return 0;
}

int store_find(struct store *s, const char *path, struct store_object *o)
{
	struct store_where w;
	uint64_t before;
	int err;

	*o = STORE_NOTHING;
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

int store_find_dir(struct store *s, const char *path, struct store_object *o)
{
	struct store_where w;
	int fd;

	*o = STORE_NOTHING;
	if (is_meta(path) || (s->flags & STORE_BARE) ||
	    store_resolve(s, path, &w) || !w.store || w.target)
		return store_find(s, path, o);
	o->held = dirs_get(s, path, &fd);
	if (!o->held)
		return store_find(s, path, o);
	o->fd = fd;
	o->in_store = true;
	if (fstat(fd, &o->real)) {
		store_drop(o);
		return -EIO;
	}
	o->under = o->real;
	tell(s, &w, o);
	return 0;
}

void tell_again(struct store *s, const char *path,
		const struct store_object *o)
{
	struct store_object found;
	struct store_where w;

	if (!o) {
		if (!store_find(s, path, &found))
			store_drop(&found);
	} else if (!store_resolve(s, path, &w)) {
		found = *o;
		tell(s, &w, &found);
	}
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
		tell_again(s, path, &o);
	} else if (!o.in_store) {
		clock_gettime(CLOCK_REALTIME_COARSE, &a.mtime);
		a.ctime = a.mtime;
		store_set_attr(s, path, &o, &a);
	}
	store_drop(&o);
}
