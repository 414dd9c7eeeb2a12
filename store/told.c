/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>

#include "store/store_internal.h"

static struct told **bucket(struct store *s, dev_t dev, ino_t ino)
{
	uint64_t h = (ino ^ dev * 0x9e3779b1u) * 0x9e3779b97f4a7c15ull;

	return &s->told[h >> 52];
}

static struct told **find(struct store *s, dev_t dev, ino_t ino)
{
	struct told **at = bucket(s, dev, ino);

	while (*at && ((*at)->ino != ino || (*at)->dev != dev))
		at = &(*at)->next;
	return at;
}

static void forget(struct told **at)
{
	struct told *t = *at;

	if (t) {
		*at = t->next;
		free(t);
	}
}

void told_forget(struct store *s, const struct stat *real)
{
	pthread_mutex_lock(&s->telling);
	forget(find(s, real->st_dev, real->st_ino));
	pthread_mutex_unlock(&s->telling);
	target_forget(s, real);
}

bool told_get(struct store *s, const struct stat *real, struct told *t)
{
	struct told *found;

	pthread_mutex_lock(&s->telling);
	found = *find(s, real->st_dev, real->st_ino);
	if (found)
		*t = *found;
	pthread_mutex_unlock(&s->telling);
	return found;
}

static bool says_nothing(const struct told *t)
{
	return !t->as_ino && !t->nlink && !t->subdirs && !t->attr.set &&
	       !t->gone && !t->kept;
}

/* Without memory less is told. */
void told_put(struct store *s, const struct told *t)
{
	struct told **at, *next;

	pthread_mutex_lock(&s->telling);
	at = find(s, t->dev, t->ino);
	if (says_nothing(t)) {
		forget(at);
	} else {
		if (s->listener)
			s->listener->number(t->ino);
		next = *at ? (*at)->next : NULL;
		if (!*at)
			*at = calloc(1, sizeof(**at));
		if (*at) {
			**at = *t;
			(*at)->next = next;
		}
	}
	pthread_mutex_unlock(&s->telling);
}

void told_gone(struct store *s, const struct stat *real)
{
	struct told t = { .dev = real->st_dev, .ino = real->st_ino };

	told_get(s, real, &t);
	t.gone = true;
	told_put(s, &t);
}

void told_free(struct store *s)
{
	for (size_t i = 0; i < sizeof(s->told) / sizeof(*s->told); i++)
		while (s->told[i])
			forget(&s->told[i]);
}

void store_attr_tell(const struct store_attr *a, struct stat *st)
{
	if (a->set & STORE_TYPE)
		st->st_mode = (st->st_mode & 07777) | (a->mode & S_IFMT);
	if (a->set & STORE_MODE)
		st->st_mode = (st->st_mode & S_IFMT) | (a->mode & 07777);
	if (a->set & STORE_UID)
		st->st_uid = a->uid;
	if (a->set & STORE_GID)
		st->st_gid = a->gid;
	if (a->set & STORE_RDEV)
		st->st_rdev = a->rdev;
	if (a->set & STORE_ATIME)
		st->st_atim = a->atime;
	if (a->set & STORE_MTIME)
		st->st_mtim = a->mtime;
	if (a->set & STORE_CTIME)
		st->st_ctim = a->ctime;
}

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool told_tell(struct store *s, const struct stat *real, struct stat *st)
{
	struct told t;

	if (!told_get(s, real, &t))
		return false;
	if (t.kept && same_time(&t.kept_ctime, &real->st_ctim) &&
	    same_time(&t.kept_mtime, &real->st_mtim))
		st->st_ctim = t.ctime;
	store_attr_tell(&t.attr, st);
	if (t.as_ino) {
		st->st_dev = t.as_dev;
		st->st_ino = t.as_ino;
	}
	if (t.nlink)
		st->st_nlink = t.nlink;
	/* some file systems do not count: 1 */
	if (t.subdirs && st->st_nlink > 1)
		st->st_nlink += t.subdirs;
	if (t.gone)
		st->st_nlink = 0;
	return true;
}

void store_keep_ctime(struct store *s, const struct store_object *o,
		      const struct timespec *ctime)
{
	struct told t = { .dev = o->real.st_dev, .ino = o->real.st_ino };

	if (!told_get(s, &o->real, &t) && !ctime)
		return;
	t.kept = ctime;
	t.kept_ctime = o->real.st_ctim;
	t.kept_mtime = o->real.st_mtim;
	if (ctime)
		t.ctime = *ctime;
	told_put(s, &t);
}

static void tell_as(struct store *s, const struct stat *real,
		    const struct stat *st)
{
	struct told t = { .dev = real->st_dev, .ino = real->st_ino };

	target_attr(st, &t.attr);
	t.attr.set |= STORE_CTIME;
	t.attr.ctime = st->st_ctim;
	if (st->st_ino != real->st_ino || st->st_dev != real->st_dev) {
		t.as_dev = st->st_dev;
		t.as_ino = st->st_ino;
	}
	told_put(s, &t);
}

void store_tell_opened(struct store *s, const char *path)
{
	struct store_object opened, copy;
	struct store_where w;

	if (store_resolve(s, path, &w) || !w.target ||
	    target_find(s, w.origin, &opened))
		return;
	if (!store_find(s, path, &copy)) {
		tell_as(s, &opened.real, &copy.st);
		store_drop(&copy);
	}
	store_drop(&opened);
}

void store_tell_nameless(struct store *s, const struct stat *real,
			 const struct store_attr *a)
{
	told_put(s, &(struct told){ .dev = real->st_dev, .ino = real->st_ino,
				    .attr = *a });
}

bool store_tell(struct store *s, struct stat *st)
{
	const struct stat real = *st;
	bool below = target_tell(s, st);

	return told_tell(s, &real, st) || below;
}
