/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happens to made nodes, repeated in the trees: see shadow_tree.c for what
 * they are, and for when something is repeated.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/scratch.h"
#include "sys/shadow_tree_inner.h"
#include "view/place.h"

/* --- an entry --- */

static bool has_entry(int dir, const char *name)
{
	return !faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW);
}

/* Who opens a directory to look what is in it is told of, too: not before. */
static void remove_entry(struct shadow_trees *t, struct tree *r, int dir,
			 const char *name)
{
	if (unlinkat(dir, name, 0) && unlinkat(dir, name, AT_REMOVEDIR))
		scratch_remove_at(dir, name);
	if (r->names) {
		r->names--;
		t->names--;
	}
}

/* The entry is about to be removed: its number will be another's. */
static void unmark_entry(struct shadow_trees *t, int dir, const char *name)
{
	struct stat st;
	struct mark *m;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) || st.st_nlink > 2 ||
	    (!S_ISDIR(st.st_mode) && st.st_nlink > 1))
		return;
	m = mark_of(t, st.st_ino);
	if (m)
		tree_unmark(t, m);
}

/* A name in its directory. dir -1: nobody wants to know */
struct entry {
	struct tree *tree;
	int dir;
	const char *name;	/* "": the root of the mount itself */
	bool watched;		/* by who watches the directory */
};

static void entry_of(struct shadow_trees *t, struct tree_name n,
		     struct entry *e)
{
	char dir[PATH_MAX];

	*e = (struct entry){ .tree = tree_of(t, n.mount), .dir = -1 };
	if (!e->tree)
		return;
	e->name = tree_split(n.rel, dir);
	e->dir = tree_look(e->tree->fd, dir, O_PATH | O_DIRECTORY);
	e->watched = e->dir >= 0 && *e->name && tree_marked(t, e->dir);
}

static void entry_close(struct entry *e)
{
	if (e->dir >= 0)
		close(e->dir);
	e->dir = -1;
}

/* Is somebody to be told what happens to it? */
static bool told(struct shadow_trees *t, const struct entry *e)
{
	if (e->dir < 0 || (!e->watched && *e->name &&
			   !has_entry(e->dir, e->name)))
		return false;
	t->told++;
	return true;
}

/* The same, and it is there from now on: it has come by itself. */
static bool told_of(struct shadow_trees *t, const struct entry *e, bool dir)
{
	if (!told(t, e))
		return false;
	if (*e->name && !has_entry(e->dir, e->name))
		tree_make_entry(t, e->tree, e->dir, e->name, dir);
	return true;
}

/* --- what happens --- */

void shadow_tree_made(struct shadow_trees *t, struct tree_name n, bool dir)
{
	struct entry e;

	pthread_mutex_lock(&t->lock);
	entry_of(t, n, &e);
	if (told(t, &e) && *e.name) {
		/* a directory cannot have been there, whatever the tree has */
		if (dir && has_entry(e.dir, e.name))
			remove_entry(t, e.tree, e.dir, e.name);
		tree_make_entry(t, e.tree, e.dir, e.name, dir);
	}
	entry_close(&e);
	pthread_mutex_unlock(&t->lock);
}

/* The same file by another name. 0 or -errno */
static int link_entry(struct shadow_trees *t, const struct entry *a, int dir,
		      const char *name)
{
	if (linkat(a->dir, a->name, dir, name, 0))
		return -errno;
	t->names++;
	a->tree->names++;
	return 0;
}

/*
 * The new name is where nobody looks. But the number of links is an attribute,
 * and who watches the file itself will be told by that name as well.
 */
static void link_to_nobody(struct shadow_trees *t, const struct entry *a,
			   struct tree_name n)
{
	char above[PATH_MAX];
	const char *name = tree_split(n.rel, above);
	int dir;

	if (!tree_entry_marked(t, a->dir, a->name))
		return;
	dir = tree_make_way(t, a->tree, above);
	if (dir >= 0) {
		link_entry(t, a, dir, name);
		close(dir);
	}
}

void shadow_tree_linked(struct shadow_trees *t, struct tree_name old,
			struct tree_name n)
{
	struct entry a, b;
	bool from, to;

	pthread_mutex_lock(&t->lock);
	entry_of(t, old, &a);
	entry_of(t, n, &b);
	from = told_of(t, &a, false);
	to = told(t, &b);
	if (from && to)
		link_entry(t, &a, b.dir, b.name);
	else if (to)
		tree_make_entry(t, b.tree, b.dir, b.name, false);
	else if (from)
		link_to_nobody(t, &a, n);
	entry_close(&a);
	entry_close(&b);
	pthread_mutex_unlock(&t->lock);
}

void shadow_tree_gone(struct shadow_trees *t, struct tree_name n, bool dir)
{
	struct entry e;

	pthread_mutex_lock(&t->lock);
	entry_of(t, n, &e);
	if (told_of(t, &e, dir) && *e.name) {
		unmark_entry(t, e.dir, e.name);
		remove_entry(t, e.tree, e.dir, e.name);
	}
	entry_close(&e);
	pthread_mutex_unlock(&t->lock);
}

/* Something that comes from where nobody looks. */
static void from_aside(struct shadow_trees *t, struct entry *e, bool dir)
{
	entry_close(e);
	e->name = "moving";
	scratch_remove_at(t->aside, e->name);
	if (!tree_make_entry(t, NULL, t->aside, e->name, dir))
		e->dir = fcntl(t->aside, F_DUPFD_CLOEXEC, 3);
}

/*
 * It goes where nobody looks. Who watches itself, or something in it, wants
 * to know what happens to it there.
 */
static void to_nobody(struct shadow_trees *t, struct entry *from,
		      struct entry *to, struct tree_name n, bool dir)
{
	char above[PATH_MAX];

	entry_close(to);
	to->name = tree_split(n.rel, above);
	if (dir || tree_entry_marked(t, from->dir, from->name)) {
		to->dir = tree_make_way(t, from->tree, above);
		if (to->dir >= 0)
			return;
	}
	to->name = "moved";
	to->dir = fcntl(t->aside, F_DUPFD_CLOEXEC, 3);
}

static void move(struct shadow_trees *t, const struct tree_move *m,
		 struct entry *from, struct entry *to)
{
	unsigned flags = m->exchange ? RENAME_EXCHANGE : 0;

	if (!flags)
		unmark_entry(t, to->dir, to->name);
	if (syscall(SYS_renameat2, from->dir, from->name, to->dir, to->name,
		    flags)) {
		/* something else was there, that nobody knew of */
		scratch_remove_at(to->dir, to->name);
		renameat(from->dir, from->name, to->dir, to->name);
	}
	if (!strcmp(to->name, "moved"))
		remove_entry(t, from->tree, t->aside, "moved");
}

void shadow_tree_moved(struct shadow_trees *t, const struct tree_move *m)
{
	struct entry from, to;
	bool a, b;

	pthread_mutex_lock(&t->lock);
	entry_of(t, m->from, &from);
	entry_of(t, m->to, &to);
	a = told_of(t, &from, m->dir);
	b = m->exchange ? told_of(t, &to, m->to_dir) : told(t, &to);
	if (a && !b)
		to_nobody(t, &from, &to, m->to, m->dir);
	else if (b && !a)
		from_aside(t, &from, m->dir);
	if (a && !b && m->exchange && to.dir >= 0)
		tree_make_entry(t, to.tree, to.dir, to.name, m->to_dir);
	if ((a || b) && from.dir >= 0 && to.dir >= 0)
		move(t, m, &from, &to);
	entry_close(&from);
	entry_close(&to);
	pthread_mutex_unlock(&t->lock);
}

void shadow_tree_changed(struct shadow_trees *t, struct tree_name n, bool dir)
{
	struct stat st;
	struct entry e;
	char link[32];
	int fd;

	pthread_mutex_lock(&t->lock);
	entry_of(t, n, &e);
	if (told_of(t, &e, dir)) {
		fd = tree_look(e.dir, e.name, O_PATH | O_NOFOLLOW);
		if (fd >= 0 && !fstat(fd, &st))
			chmod(fd_link(fd, link), st.st_mode & 07777);
		if (fd >= 0)
			close(fd);
	}
	entry_close(&e);
	pthread_mutex_unlock(&t->lock);
}

void shadow_tree_cut(struct shadow_trees *t, struct tree_name n)
{
	char link[32];
	struct entry e;
	int fd;

	pthread_mutex_lock(&t->lock);
	entry_of(t, n, &e);
	if (told_of(t, &e, false)) {
		fd = tree_look(e.dir, e.name, O_PATH | O_NOFOLLOW);
		if (fd >= 0)
			truncate(fd_link(fd, link), 0);
		if (fd >= 0)
			close(fd);
	}
	entry_close(&e);
	pthread_mutex_unlock(&t->lock);
}

int shadow_tree_open(struct shadow_trees *t, struct tree_name n, bool dir,
		     int flags)
{
	struct entry e;
	int fd = -ENOENT;

	flags &= O_ACCMODE | O_TRUNC;
	pthread_mutex_lock(&t->lock);
	entry_of(t, n, &e);
	if (told_of(t, &e, dir))
		fd = tree_look(e.dir, e.name, flags | O_NONBLOCK | O_NOFOLLOW |
				(dir ? O_DIRECTORY : 0));
	entry_close(&e);
	pthread_mutex_unlock(&t->lock);
	return fd;
}
