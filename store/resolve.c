/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a name to what is seen there
 *
 * Going down a name, three things are known of where one is: whether the
 * store can have an object of the name (HAS_KNOWN: then those in it have
 * nodes; HAS_ON_DISK: it is to be looked for), and whether and by what name
 * the target can. A directory that is the store's alone needs no nodes for
 * what is in it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "store/store_internal.h"

bool is_meta(const char *path)
{
	size_t n = strcspn(path, "/");

	return (n == sizeof(META) - 1 && !memcmp(path, META, n)) ||
	       (n == 2 && !memcmp(path, ".-", 2));
}

void seen_start(const struct store *s, struct seen *at)
{
	at->node = s->tree->root;
	at->store = s->flags & STORE_BARE ? HAS_ON_DISK : HAS_KNOWN;
	at->target = true;
	at->origin[0] = '\0';
}

static enum has step_store(const struct seen *at, const struct node *n)
{
	/* a directory from elsewhere has brought nothing from the disk here */
	if (at->store == HAS_ON_DISK && !(n && n->from && !at->target))
		return HAS_ON_DISK;
	return n && (n->flags & NODE_STORE) ? HAS_KNOWN : HAS_NOT;
}

int seen_step(const struct store *s, struct seen *at, const char *name,
	      size_t len)
{
	struct node *n = at->node ? known_child(s->tree, at->node, name, len)
				  : NULL;
	int err = 0;

	at->store = step_store(at, n);
	if (n && n->from) {
		at->target = true;
		snprintf(at->origin, sizeof(at->origin), "%s", n->from);
	} else if (n && (n->flags & NODE_HIDE)) {
		at->target = false;
	} else if (at->target) {
		err = path_join(at->origin, sizeof(at->origin), at->origin,
				name, len);
	}
	if (at->store == HAS_KNOWN && !at->target)
		at->store = HAS_ON_DISK;
	at->node = n;
	return err;
}

int seen_at(const struct store *s, const char *path, struct seen *at)
{
	const char *name;
	size_t len;
	int err = 0;

	seen_start(s, at);
	while (!err && (len = path_step(&path, &name)))
		err = seen_step(s, at, name, len);
	return err;
}

static void where_of(const struct seen *at, struct store_where *w)
{
	w->store = at->store != HAS_NOT;
	w->target = at->target;
	w->hidden = at->node && (at->node->flags & NODE_HIDE);
	w->subdirs = at->node ? at->node->subdirs : 0;
	if (at->node)
		w->attr = at->node->attr;
	else
		w->attr.set = 0;
	if (at->target)
		strcpy(w->origin, at->origin);
	else
		w->origin[0] = '\0';
}

int store_resolve(struct store *s, const char *path, struct store_where *w)
{
	struct seen at;
	int err;

	pthread_rwlock_rdlock(&s->lock);
	err = seen_at(s, path, &at);
	if (!err)
		where_of(&at, w);
	pthread_rwlock_unlock(&s->lock);
	return err;
}

bool store_is_alone(struct store *s, const char *path)
{
	struct seen at;
	int err;

	pthread_rwlock_rdlock(&s->lock);
	err = seen_at(s, path, &at);
	pthread_rwlock_unlock(&s->lock);
	return !err && at.store == HAS_ON_DISK && !at.target &&
	       !(s->flags & STORE_BARE);
}

static bool touches_all(const struct store *s)
{
	return (s->flags & STORE_BARE) || s->unfound || store_restricts(s);
}

void tell_all(struct store *s)
{
	bool all = touches_all(s);

	if (!s->listener || all == s->told_all)
		return;
	s->listener->all(all - s->told_all);
	s->told_all = all;
}

static void tell_directory(const struct store *s, const struct node *n)
{
	char path[PATH_MAX];
	struct store_object o;
	struct seen at;
	struct stat st;

	if (node_path(n, path, sizeof(path)) >= 0 && !seen_at(s, path, &at) &&
	    at.target && !target_find(s, at.origin, &o)) {
		s->listener->number(o.real.st_ino);
		store_drop(&o);
	}
	if (!stat_own(s, path, &st))
		s->listener->number(st.st_ino);
}

void store_listen(struct store *s, const struct store_listener *l)
{
	l->name(META, sizeof(META) - 1);
	l->name(".-", 2);
	for (struct node *n = s->tree->root; n; n = known_next(n))
		if (n->len)
			l->name(n->name, n->len);
	s->tree->mark = l->name;
	s->listener = l;
	tell_all(s);
	for (struct node *n = s->tree->root; n; n = known_next(n))
		if (n->child)
			tell_directory(s, n);
	/* these are met without being looked for: by number */
	shared_tell(s);
	tell_again(s, "", NULL);
}

bool store_touches(const struct store *s, const char *name, size_t len)
{
	return touches_all(s) || names_may_have(s->tree, name, len) ||
	       target_touches(s, name, len) ||
	       (len == sizeof(META) - 1 && !memcmp(name, META, len)) ||
	       (len == 2 && !memcmp(name, ".-", 2));
}

bool store_restricts(const struct store *s)
{
	return (s->flags & STORE_LOOSE ? s->tree->shut
				       : s->tree->restricted) ||
	       target_restricts(s);
}

/* --- the other way: what is an object of the target called? --- */

/* Does a name lead to that object of the target? */
static bool leads_to(const struct store *s, const char *path,
		     const char *origin)
{
	struct seen at;

	return !seen_at(s, path, &at) && at.target &&
	       !strcmp(at.origin, origin);
}

static ssize_t name_of(struct store *s, const char *origin, char *buf,
		       size_t size)
{
	const char *rest;
	char name[PATH_MAX];
	ssize_t n;

	for (struct node *m = s->tree->moved; m; m = m->from_next) {
		if (!path_within(origin, m->from))
			continue;
		n = node_path(m, name, sizeof(name));
		rest = origin + strlen(m->from);
		rest += *rest == '/';
		if (n < 0 || path_join(name, sizeof(name), name, rest,
				       strlen(rest)) ||
		    !leads_to(s, name, origin))
			continue;
		n = strlen(name);
		if ((size_t)n >= size)
			return -ENAMETOOLONG;
		memcpy(buf, name, n + 1);
		return n;
	}
	if (!leads_to(s, origin, origin))
		return -ENOENT;
	n = strlen(origin);
	if ((size_t)n >= size)
		return -ENAMETOOLONG;
	memcpy(buf, origin, n + 1);
	return n;
}

ssize_t store_name_of(struct store *s, const char *origin, char *buf,
		      size_t size)
{
	ssize_t n;

	pthread_rwlock_rdlock(&s->lock);
	n = name_of(s, origin, buf, size);
	pthread_rwlock_unlock(&s->lock);
	return n;
}

static ssize_t name_of_link(struct store *s, const char *link, char *buf,
			    size_t size)
{
	struct shared *sh;
	ssize_t n = -ENOENT;

	pthread_rwlock_rdlock(&s->lock);
	for (sh = s->shared; sh && strcmp(sh->link, link); sh = sh->next)
		;
	if (sh && sh->origin)
		n = name_of(s, sh->origin, buf, size);
	pthread_rwlock_unlock(&s->lock);
	return n;
}

ssize_t store_name_of_own(struct store *s, const char *own, char *buf,
			  size_t size)
{
	static const char links[] = META "/links/";
	size_t n = strlen(own);

	if (!strncmp(own, links, sizeof(links) - 1))
		return name_of_link(s, own + sizeof(links) - 1, buf, size);
	if (is_meta(own))
		return -ENOENT;
	if (n >= size)
		return -ENAMETOOLONG;
	memcpy(buf, own, n + 1);
	return n;
}
