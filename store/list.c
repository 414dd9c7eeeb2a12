/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is known in a directory, and of the whole.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

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

/* What has come from elsewhere is in no directory on the disk. */
static int is_moved(void *arg, const struct store_child *c)
{
	(void)arg;
	return c->moved;
}

/* Does a real directory have a name that is seen? 1, 0, -errno */
static int names_are_seen(struct store *s, const char *path, int dir)
{
	char child[PATH_MAX];
	struct store_where w;
	struct dirent *e;
	int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	int seen = 0;

	if (!d) {
		seen = -errno;
		if (fd >= 0)
			close(fd);
		return seen;
	}
	while (!seen && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..") ||
		    (!*path && is_meta(e->d_name)))
			continue;
		seen = path_join(child, sizeof(child), path, e->d_name,
				 strlen(e->d_name)) ?:
		       store_resolve(s, child, &w);
		if (!seen)
			seen = w.store || w.target;
	}
	closedir(d);
	return seen;
}

int store_is_empty(struct store *s, const char *path)
{
	struct store_object o;
	int seen = store_find(s, path, &o);

	if (seen)
		return seen;
	if (!S_ISDIR(o.real.st_mode))
		seen = -ENOTDIR;
	else
		seen = store_children(s, path, is_moved, NULL);
	if (!seen && !(o.in_store && o.merged < 0))
		seen = names_are_seen(s, path, o.fd);
	if (!seen && o.merged >= 0)
		seen = names_are_seen(s, path, o.merged);
	store_drop(&o);
	return seen < 0 ? seen : !seen;
}
