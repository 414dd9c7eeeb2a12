/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Files of several names
 *
 * All names of a file of the target that were not changed are names of one
 * file still after it has been changed by one of them. Its copy has a name in
 * links/, and the log says of which file it is the copy: by a name of it in
 * the target, since device and number may be others at the next opening.
 * Which names there are besides nobody knows: as long as some have not been
 * met, store_touches() says yes to all.
 *
 * Files that only the store has are kept so when attributes of theirs are
 * told, which belong to the file and not to a name.
 *
 * How many names are told is counted in the log (record "link").
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/orig.h"
#include "store/store_internal.h"

struct shared *shared_find(const struct store *s, const struct stat *target)
{
	struct shared *sh = s->shared;

	while (sh && (sh->ino != target->st_ino || sh->dev != target->st_dev ||
		      !sh->ino))
		sh = sh->next;
	return sh;
}

struct shared *shared_by_copy(const struct store *s, const struct stat *own)
{
	struct shared *sh = s->shared;

	while (sh && (sh->own_ino != own->st_ino ||
		      sh->own_dev != own->st_dev || !sh->link[0]))
		sh = sh->next;
	return sh;
}

void shared_attr_path(const struct shared *sh, char buf[64])
{
	snprintf(buf, 64, META "/links/%.31s", sh->link);
}

void shared_attr(struct store *s, const struct shared *sh,
		 struct store_attr *a)
{
	char path[64];
	struct node *n;

	shared_attr_path(sh, path);
	n = known_find(s->tree, path);
	if (n)
		*a = n->attr;
	else
		a->set = 0;
}

/*
 * In a directory that is the store's alone the kernel finds them, and nobody
 * asks for their names.
 */
void shared_tell(struct store *s)
{
	for (struct shared *sh = s->shared; sh; sh = sh->next) {
		struct told t = { .dev = sh->own_dev, .ino = sh->own_ino,
				  .nlink = sh->nlink };

		if (!sh->link[0])
			continue;
		if (sh->ino) {
			t.as_dev = sh->dev;
			t.as_ino = sh->ino;
		}
		shared_attr(s, sh, &t.attr);
		told_put(s, &t);
	}
}

static void drop(struct store *s, struct shared *sh)
{
	struct shared **at = &s->shared;

	while (*at != sh)
		at = &(*at)->next;
	*at = sh->next;
	s->unfound -= sh->unseen > 0;
	free(sh->origin);
	free(sh);
}

void shared_free(struct store *s)
{
	while (s->shared)
		drop(s, s->shared);
}

/* --- the record --- */

static struct shared *known(const struct store *s, const struct record *r)
{
	const char *link = r->link ? r->link : "";
	const char *origin = r->origin ? r->origin : "";
	struct shared *sh = s->shared;

	while (sh && (*link && sh->link[0] ? strcmp(sh->link, link)
					   : !sh->origin ||
					     strcmp(sh->origin, origin)))
		sh = sh->next;
	return sh;
}

static struct shared *add(struct store *s, const struct record *r)
{
	struct shared *sh = calloc(1, sizeof(*sh));
	struct stat st;

	if (sh && r->origin)
		sh->origin = strdup(r->origin);
	if (!sh || (r->origin && !sh->origin)) {
		free(sh);
		return NULL;
	}
	if (r->origin && !store_stat_target(s, r->origin, &st)) {
		sh->dev = st.st_dev;
		sh->ino = st.st_ino;
		sh->several = st.st_nlink > 1;
		/* not counted further: when in doubt, all names are asked for */
		sh->unseen = r->link && st.st_nlink > 1 ? st.st_nlink - 1 : 0;
	}
	s->unfound += sh->unseen > 0;
	sh->next = s->shared;
	s->shared = sh;
	return sh;
}

static void set_copy(struct store *s, struct shared *sh, const char *link)
{
	struct stat st;

	if (!link || sh->link[0] || strlen(link) >= sizeof(sh->link))
		return;
	if (fstatat(s->links, link, &st, AT_SYMLINK_NOFOLLOW))
		return;
	strcpy(sh->link, link);
	sh->own_dev = st.st_dev;
	sh->own_ino = st.st_ino;
	/* it had lost a name before it was copied: of the others none is met */
	if (!sh->unseen && sh->several && sh->nlink > 1) {
		sh->unseen = sh->nlink - 1;
		s->unfound++;
	}
}

int shared_load(struct store *s, const struct record *r)
{
	struct shared *sh = known(s, r);

	if (!sh && !r->nlink)
		return 0;
	if (!sh)
		sh = add(s, r);
	if (!sh)
		return -ENOMEM;
	sh->nlink = r->nlink;
	set_copy(s, sh, r->link);
	/*
	 * The kernel may give the number of its copy to another file now. (A
	 * file of the store alone has lost its last name further down.)
	 */
	if (!sh->nlink || (!sh->link[0] && !sh->origin))
		drop(s, sh);
	return 0;
}

void shared_records(struct store *s, struct strbuf *text)
{
	struct record r = { .op = RECORD_LINK };

	for (struct shared *sh = s->shared; sh; sh = sh->next) {
		r.link = sh->link[0] ? sh->link : NULL;
		r.origin = sh->origin;
		r.nlink = sh->nlink;
		record_print(text, &r);
		strbuf_putc(text, '\n');
	}
}

/* --- counting --- */

static int run(struct store *s, const struct record *r)
{
	int err;

	change_begin(s);
	err = log_one(s, *r);
	change_end(s);
	return err;
}

/* Who has it open, or finds it without asking us, is told so too. */
static void tell_count(struct store *s, const struct shared *sh)
{
	struct stat st = { .st_dev = sh->link[0] ? sh->own_dev : sh->dev,
			   .st_ino = sh->link[0] ? sh->own_ino : sh->ino };
	struct told t = { .dev = st.st_dev, .ino = st.st_ino };

	told_get(s, &st, &t);
	t.nlink = sh->nlink;
	t.gone = !sh->nlink;
	told_put(s, &t);
}

int shared_change(struct store *s, struct shared *sh, int by)
{
	char link[sizeof(sh->link)], path[64];
	struct record r[2] = {
		{ .op = RECORD_LINK, .origin = sh->origin,
		  .nlink = sh->nlink + by },
		{ .op = RECORD_PLAIN, .path = path },
	};
	int err;

	strcpy(link, sh->link);
	shared_attr_path(sh, path);
	r[0].link = link[0] ? link : NULL;
	change_begin(s);
	/* with the last name it is forgotten */
	sh->nlink += by;
	tell_count(s, sh);
	err = log_run(s, r, r[0].nlink || !link[0] ? 1 : 2);
	if (err)
		sh->nlink -= by;
	change_end(s);
	if (!err && !r[0].nlink && link[0])
		unlinkat(s->links, link, 0);
	return err;
}

int shared_count(struct store *s, const struct stat *target,
		 const char *origin, int by)
{
	struct shared *sh = shared_find(s, target);
	int err;

	if (!sh) {
		err = run(s, &(struct record){ .op = RECORD_LINK,
				.origin = origin,
				.nlink = target->st_nlink + by });
		sh = err ? NULL : shared_find(s, target);
		if (sh)
			tell_count(s, sh);
		return err;
	}
	if (by < 0 && sh->unseen && !--sh->unseen)
		s->unfound--;
	return shared_change(s, sh, by);
}

/* --- links --- */

static int parent_dir(struct store *s, const char *path, const char **name)
{
	char parent[PATH_MAX];
	size_t n;

	*name = path_last(path, &n);
	memcpy(parent, path, n);
	parent[n] = '\0';
	return store_make_dir(s, parent);
}

/* new: for the view, too, the directory gets a name. */
static int link_to(struct store *s, int dir, const char *old,
		   const char *path, bool new)
{
	const char *name;
	int fd = parent_dir(s, path, &name), err;
	struct stat st;

	if (fd < 0)
		return fd;
	store_step("link");
	err = fstat(fd, &st) || linkat(dir, old, fd, name, 0) ? -errno : 0;
	if (!err && !new)
		set_times(fd, &st);
	else if (!err)
		err = store_entered(s, path, fd);
	close(fd);
	return err;
}

int store_join_link(struct store *s, const struct stat *target,
		    const char *path)
{
	struct shared *sh = shared_find(s, target);
	struct node *n;
	int err;

	if (!sh || !sh->link[0])
		return -ENOENT;
	err = link_to(s, s->links, sh->link, path, false);
	if (err)
		return err;
	change_begin(s);
	n = known_make(s->tree, path);
	if (n)
		n->flags |= NODE_STORE;
	if (sh->unseen && !--sh->unseen)
		s->unfound--;
	change_end(s);
	return n ? 0 : -ENOMEM;
}

int store_share_link(struct store *s, const struct stat *target,
		     const char *origin, const char *work,
		     const struct store_attr *attr)
{
	struct shared *sh = shared_find(s, target);
	char path[64];
	struct record r[2] = {
		{ .op = RECORD_LINK, .link = work, .origin = origin,
		  .nlink = sh ? sh->nlink : target->st_nlink },
		{ .op = RECORD_ATTR, .path = path },
	};
	int err;

	if (s->links < 0)
		return -EROFS;
	orig_note_target(s, origin, target);
	if (sh)
		r[0].origin = sh->origin;
	snprintf(path, sizeof(path), META "/links/%.31s", work);
	store_step("link");
	if (linkat(s->work, work, s->links, work, 0))
		return -errno;
	if (attr)
		r[1].attr = *attr;
	change_begin(s);
	err = log_run(s, r, attr && attr->set ? 2 : 1);
	change_end(s);
	return err;
}

/*
 * Attributes of the file's name become those of the file, and so does its
 * identity when it is a copy (origin).
 */
static int share_own(struct store *s, const char *path, const struct stat *st,
		     const char *origin)
{
	struct node *n = known_find(s->tree, path);
	char link[32], to[64];
	struct record r[2] = {
		{ .op = RECORD_LINK, .link = link, .origin = origin,
		  .nlink = st->st_nlink },
		{ .op = RECORD_ATTR, .path = to },
	};
	int wd = store_work(s, link), err;

	if (wd < 0)
		return wd;
	snprintf(to, sizeof(to), META "/links/%.31s", link);
	store_step("link");
	if (linkat(s->dir, path, s->links, link, 0))
		return -errno;
	if (n)
		r[1].attr = n->attr;
	change_begin(s);
	err = log_run(s, r, r[1].attr.set ? 2 : 1);
	change_end(s);
	return err;
}

int store_link(struct store *s, const char *from, const char *to)
{
	struct stat st, origin;
	struct shared *sh;
	struct seen at;
	bool is_copy;
	int err = stat_own(s, from, &st) ?: seen_at(s, from, &at);

	if (err)
		return err;
	sh = shared_by_copy(s, &st);
	is_copy = at.target && !store_stat_target(s, at.origin, &origin);
	if (!sh && (is_copy || (at.node && at.node->attr.set) ||
		    (s->flags & STORE_LOOSE))) {
		err = share_own(s, from, &st, is_copy ? at.origin : NULL);
		sh = shared_by_copy(s, &st);
	}
	if (!err)
		err = link_to(s, s->dir, from, to, true);
	if (!err && sh)
		err = shared_change(s, sh, 1);
	return err;
}
