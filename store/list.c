/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known in a directory, and of the whole.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "lib/strbuf.h"
#include "store/store_internal.h"

int store_children(struct store *s, const char *path,
		   int (*each)(void *arg, const struct store_child *c),
		   void *arg)
{
	struct store_child c;
	struct node *n;
	int err = 0;

	pthread_rwlock_rdlock(&s->lock);
	n = known_find(s->tree, path);
	for (n = n ? n->child : NULL; n && !err; n = n->next) {
		c = (struct store_child){
			.name = n->name, .attr = n->attr, .moved = n->from,
			.store = n->flags & NODE_STORE,
			.hidden = n->flags & NODE_HIDE,
		};
		if (!*path && is_meta(n->name))
			continue;
		err = each(arg, &c);
	}
	pthread_rwlock_unlock(&s->lock);
	return err;
}

int store_each(struct store *s,
	       int (*each)(void *arg, const struct store_known *k), void *arg)
{
	char path[PATH_MAX];
	struct store_known k = { .path = path };
	int err = 0;

	pthread_rwlock_rdlock(&s->lock);
	for (struct node *n = s->tree->root; n && !err; n = known_next(n)) {
		if (node_path(n, path, sizeof(path)) < 0 || is_meta(path))
			continue;
		k.store = n->flags & NODE_STORE;
		k.hidden = n->flags & NODE_HIDE;
		k.origin = n->from;
		k.attr = n->attr;
		if (k.store || k.hidden || k.origin || k.attr.set)
			err = each(arg, &k);
	}
	pthread_rwlock_unlock(&s->lock);
	return err;
}

/* --- is it empty? --- */

/* Is a name seen? 1, 0, -errno */
static int name_is_seen(struct store *s, const char *path, const char *name)
{
	char child[PATH_MAX];
	struct store_object o;
	struct store_where w;
	int err = path_join(child, sizeof(child), path, name, strlen(name));

	if (!err && !s->nparts)
		return store_resolve(s, child, &w) ?: w.store || w.target;
	/* what the target has there a store below may hide */
	if (!err)
		err = store_find(s, child, &o);
	if (!err)
		store_drop(&o);
	return !err ? 1 : err == -ENOENT || err == -ENOTDIR ? 0 : err;
}

typedef int each_name(void *arg, const char *name);

/* Names of a real directory, until each() does not return 0. */
static int names_on_disk(int dir, bool top, each_name *each, void *arg)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;
	/* looking should leave no trace; O_NOATIME is for owners only */
	int fd = openat(dir, ".", flags | O_NOATIME), err = 0;
	struct dirent *e;
	DIR *d;

	if (fd < 0 && errno == EPERM)
		fd = openat(dir, ".", flags);
	d = fd < 0 ? NULL : fdopendir(fd);
	if (!d) {
		err = -errno;
		if (fd >= 0)
			close(fd);
		return err;
	}
	while (!err && (e = readdir(d)))
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, "..") &&
		    !(top && is_meta(e->d_name)))
			err = each(arg, e->d_name);
	closedir(d);
	return err;
}

/* --- names that the store makes a difference to --- */

struct naming {
	each_name *each;
	void *arg;
};

static int name_child(void *arg, const struct store_child *c)
{
	const struct naming *n = arg;

	return n->each(n->arg, c->name);
}

int store_names(struct store *s, const char *path, each_name *each, void *arg)
{
	struct naming naming = { each, arg };
	struct store_object o;
	struct store_where w;
	int err = store_children(s, path, name_child, &naming);

	/* in a merge, what the store has only the disk knows */
	if (!err && (s->flags & STORE_BARE) && !store_find(s, path, &o)) {
		if (o.merged >= 0)
			err = names_on_disk(o.merged, !*path, each, arg);
		store_drop(&o);
		if (err == -EACCES)
			err = 0;
	}
	if (!err && s->nparts)
		err = store_resolve(s, path, &w);
	if (!err && s->nparts && w.target)
		err = target_names(s, w.origin, each, arg);
	return err;
}

/* --- is it empty? --- */

/* What has come from elsewhere is in no directory on the disk. */
static int is_moved(void *arg, const struct store_child *c)
{
	(void)arg;
	return c->moved;
}

struct search {
	struct store *s;
	const char *path;
};

static int is_seen(void *arg, const char *name)
{
	const struct search *q = arg;

	return name_is_seen(q->s, q->path, name);
}

static int note(void *arg, const char *name)
{
	strbuf_puts(arg, name);
	strbuf_putc(arg, '/');
	return ((struct strbuf *)arg)->failed ? -ENOMEM : 0;
}

/*
 * Is one of those seen that a store below makes a difference to? They are
 * told under its lock, so what they lead to is asked afterwards.
 */
static int names_below(struct store *s, const char *path)
{
	struct strbuf list = { 0 };
	struct store_where w;
	char *rest, *name;
	int err = store_resolve(s, path, &w);

	if (!err && w.target)
		err = target_names(s, w.origin, note, &list);
	rest = list.data;
	while (!err && rest && (name = strsep(&rest, "/")) && *name)
		err = name_is_seen(s, path, name);
	strbuf_free(&list);
	return err;
}

int store_is_empty(struct store *s, const char *path)
{
	struct search q = { s, path };
	struct store_object o;
	int seen = store_find(s, path, &o);

	if (seen)
		return seen;
	if (!S_ISDIR(o.real.st_mode))
		seen = -ENOTDIR;
	else
		seen = store_children(s, path, is_moved, NULL);
	if (!seen && !(o.in_store && o.merged < 0))
		seen = names_on_disk(o.fd, !*path, is_seen, &q);
	/* what nobody may look into has nothing in it (find.c) */
	if (seen == -EACCES && (s->flags & STORE_LOOSE) && geteuid())
		seen = 0;
	if (!seen && o.merged >= 0)
		seen = names_on_disk(o.merged, !*path, is_seen, &q);
	if (!seen && s->nparts && !o.in_store)
		seen = names_below(s, path);
	store_drop(&o);
	return seen < 0 ? seen : !seen;
}
