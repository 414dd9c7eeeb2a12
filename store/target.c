/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The target
 *
 * Mostly it is a directory, and all that is in it. But a store may lie over
 * what others show already: then parts of its target are seen through a store
 * below, which has a target itself, and so on. What is asked of the target
 * goes to the part that has the name; what a store below has to tell of an
 * object is what "the target tells" (under), and the rest of the library does
 * not know the difference. Nothing is ever changed in a store below, and none
 * of its locks is held while one of ours is waited for.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_internal.h"

/* --- the parts --- */

static bool is_longer(const char *a, const struct store_part *b)
{
	return !b || strlen(a) > strlen(b->at);
}

/* The part that has the name, and the name there. NULL: our own directory */
static const struct store_part *part_of(const struct store *s,
					const char *origin, const char **rest)
{
	const struct store_part *found = NULL;

	for (size_t i = 0; i < s->nparts; i++)
		if (path_within(origin, s->part[i].at) &&
		    is_longer(s->part[i].at, found))
			found = &s->part[i];
	*rest = origin;
	if (found && *found->at)
		*rest += strlen(found->at);
	*rest += **rest == '/';
	return found;
}

static int name_below(const struct store_part *p, const char *rest,
		      char name[PATH_MAX])
{
	return path_join(name, PATH_MAX, p->name, rest, strlen(rest));
}

int parts_copy(struct store *s, const struct store_part *part, size_t n)
{
	s->part = calloc(n + 1, sizeof(*s->part));
	if (!s->part)
		return -ENOMEM;
	for (; s->nparts < n; s->nparts++) {
		struct store_part *p = &s->part[s->nparts];

		*p = part[s->nparts];
		p->at = strdup(p->at);
		p->name = strdup(p->name ? p->name : "");
		p->fd = p->s ? -1 : fcntl(p->fd, F_DUPFD_CLOEXEC, 3);
		if (!p->at || !p->name || (!p->s && p->fd < 0)) {
			s->nparts++;
			return -ENOMEM;
		}
	}
	return 0;
}

void parts_free(struct store *s)
{
	for (size_t i = 0; i < s->nparts; i++) {
		if (s->part[i].fd >= 0)
			close(s->part[i].fd);
		free((char *)s->part[i].at);
		free((char *)s->part[i].name);
	}
	free(s->part);
}

/* --- objects --- */

static int find_plain(int dir, const char *path, struct store_object *o)
{
	/* a part can be a file: then there is nothing to be looked up in it */
	o->fd = *path ? open_below(dir, path, O_PATH | O_NOFOLLOW)
		      : fcntl(dir, F_DUPFD_CLOEXEC, 3);
	if (o->fd < 0)
		return *path ? o->fd : -errno;
	if (fstat(o->fd, &o->real)) {
		store_drop(o);
		return -EIO;
	}
	o->under = o->st = o->real;
	o->same = true;
	return 0;
}

static int find_through(const struct store_part *p, const char *rest,
			struct store_object *o)
{
	char name[PATH_MAX];
	int err = name_below(p, rest, name);

	if (!err)
		err = store_find(p->s, name, o);
	if (err)
		return err;
	o->under = o->st;
	o->beneath |= o->in_store;
	o->in_store = false;
	if (o->merged >= 0) {
		if (o->below >= 0)
			close(o->below);
		o->below = o->merged;
		o->merged = -1;
	}
	return 0;
}

int target_find(const struct store *s, const char *origin,
		struct store_object *o)
{
	const char *rest;
	const struct store_part *p = part_of(s, origin, &rest);
	int err;

	*o = STORE_NOTHING;
	if (!p)
		return find_plain(s->target, origin, o);
	err = p->s ? find_through(p, rest, o) : find_plain(p->fd, rest, o);
	o->same = o->same && p->same;
	return err;
}

int store_open_target(const struct store *s, const char *origin)
{
	struct store_object o;
	int err = target_find(s, origin, &o), fd = o.fd;

	if (err)
		return err;
	o.fd = -1;
	store_drop(&o);
	return fd;
}

int store_stat_target(const struct store *s, const char *origin,
		      struct stat *st)
{
	struct store_object o;
	int err = target_find(s, origin, &o);

	if (err)
		return err;
	*st = o.under;
	store_drop(&o);
	return 0;
}

/* --- what is told --- */

void target_attr(const struct stat *under, struct store_attr *a)
{
	*a = (struct store_attr){
		.set = STORE_MODE | STORE_UID | STORE_GID | STORE_ATIME |
		       STORE_MTIME,
		.mode = under->st_mode, .uid = under->st_uid,
		.gid = under->st_gid, .atime = under->st_atim,
		.mtime = under->st_mtim,
	};
}

bool target_tell(struct store *s, struct stat *st)
{
	for (size_t i = 0; i < s->nparts; i++)
		if (s->part[i].s && store_tell(s->part[i].s, st))
			return true;
	return false;
}

bool target_touches(const struct store *s, const char *name, size_t len)
{
	for (size_t i = 0; i < s->nparts; i++)
		if (s->part[i].s && store_touches(s->part[i].s, name, len))
			return true;
	return false;
}

bool target_restricts(const struct store *s)
{
	for (size_t i = 0; i < s->nparts; i++)
		if (s->part[i].s && store_restricts(s->part[i].s))
			return true;
	return false;
}

void target_forget(struct store *s, const struct stat *real)
{
	for (size_t i = 0; i < s->nparts; i++)
		if (s->part[i].s)
			told_forget(s->part[i].s, real);
}

/* Is the part itself a name in that directory? */
static const char *child_name(const struct store_part *p, const char *origin)
{
	size_t n;
	const char *name = path_last(p->at, &n);

	return *p->at && n == strlen(origin) && !memcmp(p->at, origin, n) ?
	       name : NULL;
}

int target_names(struct store *s, const char *origin,
		 int (*each)(void *arg, const char *name), void *arg)
{
	const char *rest, *name;
	const struct store_part *p = part_of(s, origin, &rest);
	char below[PATH_MAX];
	int err = 0;

	if (p && p->s)
		err = name_below(p, rest, below) ?:
		      store_names(p->s, below, each, arg);
	for (size_t i = 0; i < s->nparts && !err; i++) {
		name = child_name(&s->part[i], origin);
		if (name)
			err = each(arg, name);
	}
	return err;
}
