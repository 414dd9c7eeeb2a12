/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes
 *
 * Each has one moment at which it happens: a rename(2), unlink(2) or the like
 * in the store, or a line of the log. What comes before it cannot be seen:
 * directories of the store that only repeat those of the target, attributes
 * of a name that does not exist. What comes after is repeated by whoever
 * opens the store after an interruption (log.c).
 *
 * Where one step on the disk does all, nothing is logged.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "store/orig.h"
#include "store/store_internal.h"

void change_begin(struct store *s)
{
	pthread_rwlock_wrlock(&s->lock);
	s->generation++;
}

void change_end(struct store *s)
{
	s->generation++;
	tell_all(s);
	pthread_rwlock_unlock(&s->lock);
}

void store_change(struct store *s)
{
	pthread_mutex_lock(&s->change);
}

void store_changed(struct store *s)
{
	pthread_mutex_unlock(&s->change);
}

/* --- how many directories there are in a directory --- */

static bool is_dir(const struct store *s, const char *origin)
{
	struct stat st;

	return !store_stat_target(s, origin, &st) && S_ISDIR(st.st_mode);
}

static bool seen_is_dir(struct store *s, const struct seen *at,
			const char *path)
{
	struct stat st;

	if (at->store != HAS_NOT && !stat_own(s, path, &st))
		return S_ISDIR(st.st_mode);
	return at->target && is_dir(s, at->origin);
}

/* Does the real directory above count it already? */
static bool is_counted(struct store *s, const struct seen *dir,
		       const char *path, const char *name)
{
	char origin[PATH_MAX];
	struct stat st;

	if (dir->target && is_dir(s, dir->origin))
		return !path_join(origin, sizeof(origin), dir->origin, name,
				  strlen(name)) && is_dir(s, origin);
	return !stat_own(s, path, &st) && S_ISDIR(st.st_mode);
}

void recount(struct store *s, const char *path)
{
	struct node *n = known_find(s->tree, path);
	char parent[PATH_MAX];
	struct seen at, dir;
	int count;

	if (!n || n == s->tree->root ||
	    node_path(n->parent, parent, sizeof(parent)) < 0 ||
	    seen_at(s, path, &at) || seen_at(s, parent, &dir))
		return;
	count = seen_is_dir(s, &at, path) -
		is_counted(s, &dir, path, n->name);
	if (count == n->counted)
		return;
	change_begin(s);
	n->parent->subdirs += count - n->counted;
	n->counted = count;
	change_end(s);
}

/* --- new objects --- */

int store_prepare(struct store *s, const char *path, bool directory,
		  const struct store_attr *attr)
{
	struct record r[3];
	struct seen at;
	size_t n = 0;
	int err = seen_at(s, path, &at);

	if (err)
		return err;
	/* opaque: nothing that the target may have there is to be seen */
	if (directory && (at.target || (at.node && at.node->from)))
		r[n++] = (struct record){ .op = RECORD_HIDE, .path = path };
	if (at.node && at.node->attr.set)
		r[n++] = (struct record){ .op = RECORD_PLAIN, .path = path };
	if (attr && attr->set)
		r[n++] = (struct record){ .op = RECORD_ATTR, .path = path,
					  .attr = *attr };
	if (!n)
		return 0;
	change_begin(s);
	err = log_run(s, r, n);
	change_end(s);
	return err;
}

int store_entered(struct store *s, const char *path, int dir)
{
	struct store_object o = STORE_NOTHING;
	size_t len;
	struct seen at;
	struct stat st;
	struct node *n;
	int err = seen_at(s, path, &at);

	if (err)
		return err;
	if (at.store == HAS_NOT) {
		change_begin(s);
		n = known_make(s->tree, path);
		if (n)
			n->flags |= NODE_STORE;
		else
			err = -ENOMEM;
		change_end(s);
	}
	if (fstatat(dir, path_last(path, &len), &st, AT_SYMLINK_NOFOLLOW))
		return err;
	/* but one more name of a file is no new object */
	if (S_ISDIR(st.st_mode) || st.st_nlink < 2)
		told_forget(s, &st);
	if (S_ISDIR(st.st_mode))
		recount(s, path);
	/* who has made it may have it open */
	if (at.node && at.node->attr.set) {
		o.real = o.under = st;
		o.in_store = true;
		tell_again(s, path, S_ISDIR(st.st_mode) && at.target ? NULL : &o);
	}
	return err;
}

/* --- removal --- */

/* Has the target an object that is seen, or would be, at that name? */
static bool target_has(struct store *s, const struct seen *at)
{
	struct stat st;

	return at->target && !store_stat_target(s, at->origin, &st);
}

/* Could the target have one of that name, if the name were forgotten? */
static bool target_could(struct store *s, const char *path)
{
	char parent[PATH_MAX];
	struct seen dir;
	size_t n;

	path_last(path, &n);
	memcpy(parent, path, n);
	parent[n] = '\0';
	return !seen_at(s, parent, &dir) && dir.target;
}

static bool below_is_known(const struct node *n)
{
	return n && (n->child || n->from || n->attr.set);
}

/*
 * A file of several names that loses one. Looked at before, counted after:
 * who is interrupted between has one name too many told.
 */
struct loss {
	struct stat real;		/* its last: of the target's object */
	struct shared *of;
	struct stat st;			/* else, of the target's file */
	char origin[PATH_MAX];		/* "": neither */
};

/* Of one that is lost with its name whoever has it open is told so. */
static void look_at_last(struct store *s, const struct seen *at,
			 struct loss *l)
{
	struct store_object o;

	l->real.st_ino = 0;
	if (!at->target || target_find(s, at->origin, &o))
		return;
	if (S_ISDIR(o.real.st_mode) || o.under.st_nlink < 2)
		l->real = o.real;
	store_drop(&o);
}

/* own: of what the store has there, or NULL */
static void look_at_names(struct store *s, const struct seen *at,
			  const struct stat *own, struct loss *l)
{
	l->of = own ? shared_by_copy(s, own) : NULL;
	l->origin[0] = '\0';
	look_at_last(s, at, l);
	if (own)
		return;
	if (!at->target || store_stat_target(s, at->origin, &l->st) ||
	    S_ISDIR(l->st.st_mode))
		return;
	if (l->st.st_nlink > 1 || shared_find(s, &l->st))
		strcpy(l->origin, at->origin);
}

static void count_loss(struct store *s, const struct loss *l)
{
	if (l->real.st_ino)
		told_gone(s, &l->real);
	if (l->of)
		shared_change(s, l->of, -1);
	else if (l->origin[0])
		shared_count(s, &l->st, l->origin, -1);
}

int store_remove(struct store *s, const char *path, bool directory)
{
	struct record r = { .op = RECORD_UNLINK, .path = path };
	struct loss loss;
	struct seen at;
	struct stat st;
	bool own, hides;
	int err = seen_at(s, path, &at);

	if (err)
		return err;
	own = at.store != HAS_NOT && !stat_own(s, path, &st);
	hides = target_could(s, path);
	r.flags = (own ? RECORD_OWN : 0) | (hides ? RECORD_HIDES : 0);
	look_at_names(s, &at, own ? &st : NULL, &loss);
	orig_note(s, path);
	change_begin(s);
	if (own && !target_has(s, &at) && !below_is_known(at.node)) {
		err = remove_own(s, path);
		if (!err && at.node)
			at.node->flags &= ~NODE_STORE;
	} else if (!own && !below_is_known(at.node)) {
		r.op = RECORD_HIDE;
		err = log_one(s, r);
	} else {
		err = log_one(s, r);
	}
	change_end(s);
	if (!err && directory)
		recount(s, path);
	if (!err)
		count_loss(s, &loss);
	return err;
}

/* --- renames --- */

struct end {
	const char *path;
	struct seen at;
	bool own, target;	/* what is there */
	struct stat st;		/* of the store's */
};

static int look(struct store *s, const char *path, struct end *e)
{
	int err = seen_at(s, path, &e->at);

	e->path = path;
	if (err)
		return err;
	e->own = e->at.store != HAS_NOT && !stat_own(s, path, &e->st);
	e->target = target_has(s, &e->at);
	return 0;
}

static int make_parent(struct store *s, const char *path)
{
	char parent[PATH_MAX];
	const char *name;
	struct seen at;
	size_t n;
	int fd;

	path_last(path, &n);
	memcpy(parent, path, n);
	parent[n] = '\0';
	/* it is there, and those above it, and all of that is known */
	if (!seen_at(s, parent, &at) && at.store != HAS_NOT &&
	    own_parent(s, path, &name) >= 0)
		return 0;
	fd = make_parent_dir(s, path);
	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* A directory, or in the place of one, which would be counted otherwise? */
static bool may_count(const struct end *e)
{
	if (e->at.node && e->at.node->counted)
		return true;
	return e->own ? S_ISDIR(e->st.st_mode) : e->target;
}

/* One rename(2) does it, but that what comes is opaque. */
static bool is_simple(const struct end *from, const struct end *to)
{
	if (!from->own || from->target || below_is_known(from->at.node) ||
	    below_is_known(to->at.node))
		return false;
	return !to->target || !S_ISDIR(from->st.st_mode);
}

static int move_simple(struct store *s, const struct end *from,
		       const struct end *to)
{
	struct record r = { .op = RECORD_HIDE, .path = to->path };
	bool directory = S_ISDIR(from->st.st_mode);
	struct node *n;
	int err = 0;

	if (directory && to->at.target)
		err = log_one(s, r);	/* of nothing, so far */
	n = err ? NULL : known_make(s->tree, to->path);
	if (!n)
		return err ?: -ENOMEM;
	err = redo_steps(s, &(struct record){
		.op = RECORD_MOVE, .flags = RECORD_OWN,
		.path = from->path, .to = to->path });
	if (err)
		return err;
	n->flags |= NODE_STORE;
	if (from->at.node)
		from->at.node->flags &= ~NODE_STORE;
	/* it is not the target's file of that name, which is gone */
	return to->target ? log_one(s, r) : 0;
}

static int move_logged(struct store *s, const struct end *from,
		       const struct end *to)
{
	struct record r = { .op = RECORD_MOVE, .path = from->path,
			    .to = to->path };

	r.flags = (from->own ? RECORD_OWN : 0) |
		  (to->own ? RECORD_OWN_TO : 0) |
		  (target_could(s, from->path) ? RECORD_HIDES : 0);
	if (from->target)
		r.origin = from->at.origin;
	return log_one(s, r);
}

int store_move(struct store *s, const char *from, const char *to)
{
	struct loss loss = { 0 };
	struct end one, two;
	bool counts;
	int err = look(s, from, &one);

	if (!err && one.own)
		err = make_parent(s, to);
	if (!err)
		err = look(s, to, &two);
	if (err)
		return err;
	if (two.own || two.target)
		look_at_names(s, &two.at, two.own ? &two.st : NULL, &loss);
	counts = may_count(&one) || may_count(&two);
	orig_note(s, from);
	orig_note(s, to);
	change_begin(s);
	err = is_simple(&one, &two) ? move_simple(s, &one, &two)
				    : move_logged(s, &one, &two);
	change_end(s);
	if (counts) {
		recount(s, from);
		recount(s, to);
	}
	if (!err)
		count_loss(s, &loss);
	return err;
}

int store_swap(struct store *s, const char *one, const char *two)
{
	struct record r = { .op = RECORD_SWAP, .path = one, .to = two };
	struct end a, b;
	int err = look(s, one, &a);

	if (!err)
		err = look(s, two, &b);
	if (!err && a.own)
		err = make_parent(s, two);
	if (!err && b.own)
		err = make_parent(s, one);
	if (err)
		return err;
	r.flags = (a.own ? RECORD_OWN : 0) | (b.own ? RECORD_OWN_TO : 0);
	r.origin = a.target ? a.at.origin : NULL;
	r.origin_to = b.target ? b.at.origin : NULL;
	r.ino = a.own ? a.st.st_ino : 0;
	orig_note(s, one);
	orig_note(s, two);
	change_begin(s);
	err = log_one(s, r);
	change_end(s);
	recount(s, one);
	recount(s, two);
	return err;
}

/* --- attributes --- */

static struct shared *shared_at(struct store *s, const char *path)
{
	struct seen at;
	struct stat st;

	if (seen_at(s, path, &at))
		return NULL;
	if (at.store != HAS_NOT && !stat_own(s, path, &st))
		return shared_by_copy(s, &st);
	if (at.target && !store_stat_target(s, at.origin, &st))
		return shared_find(s, &st);
	return NULL;
}

/* Where attributes of what is at path (and was found there) belong. */
static void attr_path(struct store *s, const struct store_object *o,
		      const char **path, char buf[64])
{
	struct shared *sh = NULL;

	if (!s->shared)
		return;
	if (!o)
		sh = shared_at(s, *path);
	else if (!S_ISDIR(o->real.st_mode))
		sh = o->in_store ? shared_by_copy(s, &o->real)
				 : shared_find(s, &o->under);
	if (sh && sh->link[0]) {
		shared_attr_path(sh, buf);
		*path = buf;
	}
}

int store_set_attr(struct store *s, const char *path,
		   const struct store_object *o, const struct store_attr *a)
{
	const char *where = path;
	struct seen at;
	char buf[64];
	int err, fd;

	attr_path(s, o, &where, buf);
	orig_note(s, path);
	change_begin(s);
	err = log_one(s, (struct record){ .op = RECORD_ATTR, .path = where,
					  .attr = *a });
	change_end(s);
	if (err)
		return err;
	tell_again(s, path, o);
	if (seen_at(s, path, &at) || at.store == HAS_NOT || !at.target)
		return 0;
	/* a directory of the store beneath one of the target */
	fd = open_below(s->dir, path, O_PATH | O_NOFOLLOW | O_DIRECTORY);
	if (fd >= 0) {
		set_attributes(fd, a);
		close(fd);
	}
	return 0;
}

int store_clear_attr(struct store *s, const char *path,
		     const struct store_object *o, unsigned set)
{
	const char *where = path;
	struct store_attr left;
	struct record r[2];
	struct node *n;
	char buf[64];
	int err;

	attr_path(s, o, &where, buf);
	r[0] = (struct record){ .op = RECORD_PLAIN, .path = where };
	r[1] = (struct record){ .op = RECORD_ATTR, .path = where };
	n = known_find(s->tree, where);
	if (!n || !(n->attr.set & set))
		return 0;
	left = n->attr;
	left.set &= ~set;
	r[1].attr = left;
	change_begin(s);
	err = log_run(s, r, left.set ? 2 : 1);
	change_end(s);
	if (!err)
		tell_again(s, path, o);
	return err;
}
