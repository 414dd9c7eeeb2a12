/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The order of steps. Directories that forbid what is to be done in them (in
 * the view somebody has opened and closed them again) are opened. What has
 * been moved is put aside, the innermost first, so that names may change
 * places in any way. Then things come into being from the top down, each in
 * place of what is there; then goes what has gone, from the bottom up; and
 * then directories get their attributes, from the bottom up too, as one of
 * them may forbid what was to be done in it.
 */
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/commit.h"
#include "tools/tool.h"

struct planning {
	const struct opened *o;
	const struct changes *c;
	struct steps *s;
	const struct change **moved;	/* by origin, the innermost first */
	char **where;			/* each of them is, after these steps */
	size_t nmoved;
	struct linked {
		dev_t dev;
		ino_t ino;
		const char *path;
	} *linked;			/* files of several names, so far */
	size_t nlinked;
	struct closed {
		char *path;		/* in the target, now */
		struct stat st;
	} *closed;			/* directories that are opened */
	size_t nclosed;
};

/* --- directories of ours that are closed to us --------------------------- */

static bool is_closed(const struct planning *p, const char *path,
		      struct stat *st)
{
	int fd = store_open_target(p->o->store, path);
	bool is = fd >= 0 && fstat(fd, st) == 0 && S_ISDIR(st->st_mode) &&
		  geteuid() != 0 && st->st_uid == geteuid() &&
		  (st->st_mode & 0300) != 0300;

	if (fd >= 0)
		close(fd);
	return is;
}

/* That of a name of the target's. */
static void open_parent(struct planning *p, const char *name)
{
	const char *slash = strrchr(name, '/');
	char *path = strndup(name, slash ? slash - name : 0);
	struct stat st;
	bool known = !path;

	for (size_t i = 0; i < p->nclosed && !known; i++)
		known = !strcmp(p->closed[i].path, path);
	if (known || !is_closed(p, path, &st)) {
		free(path);
		return;
	}
	p->closed = tool_resize(p->closed, p->nclosed + 1, sizeof(*p->closed));
	p->closed[p->nclosed++] = (struct closed){ path, st };
	st.st_mode |= 0300;
	st.st_mtim.tv_nsec = UTIME_OMIT;
	steps_add(p->s, STEP_ATTR, path, NULL, &st);
}

static void open_all(struct planning *p)
{
	for (size_t i = 0; i < p->c->n; i++) {
		open_parent(p, p->c->list[i].path);
		open_parent(p, p->c->list[i].base);
	}
}

/* Where it is then, if it still is, and nothing else is said of it. */
static void close_all(struct planning *p)
{
	char name[PATH_MAX];

	for (size_t i = p->nclosed; i-- > 0; free(p->closed[i].path)) {
		struct closed *dir = &p->closed[i];
		const struct change *c;

		if (store_name_of(p->o->store, dir->path, name,
				  sizeof(name)) < 0)
			continue;
		c = changes_find(p->c, name);
		dir->st.st_mtim.tv_nsec = UTIME_OMIT;
		if (!c || !(c->parts & PART_MODE))
			steps_add(p->s, STEP_ATTR, name, NULL, &dir->st);
	}
	free(p->closed);
}

/* --- what has been moved ------------------------------------------------- */

/* The directory that the first len bytes of a name name */
static bool may_write(const struct opened *o, const char *path, size_t len,
		      dev_t dev)
{
	char *name = strndup(path, len), link[32];
	int dir = name ? store_open_target(o->store, name) : -1;
	struct stat st;
	bool may = false;

	if (dir >= 0) {
		snprintf(link, sizeof(link), "/proc/self/fd/%d", dir);
		may = fstat(dir, &st) == 0 && st.st_dev == dev &&
		      (!(st.st_mode & S_IWOTH) || (st.st_mode & S_ISVTX)) &&
		      access(link, W_OK | X_OK) == 0;
		close(dir);
	}
	free(name);
	return may;
}

char *step_name(const struct opened *o, char name[STEP_NAME])
{
	struct stat st = { 0 };

	(void)!fstat(o->dir, &st);
	snprintf(name, STEP_NAME, ".vu-commit.%llx-%llx",
		 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	return name;
}

/*
 * Where to put it: as high up as we may write in the same file system, but
 * not where everybody may take it away.
 */
static char *stash_name(const struct opened *o, const struct change *c,
			size_t number)
{
	const char *from = c->from, *slash;
	char *name, own[STEP_NAME];
	size_t end = 0;

	while (!may_write(o, from, end, c->before.st_dev) &&
	       (slash = strchr(from + end + 1, '/')))
		end = slash - from;
	if (asprintf(&name, "%.*s%s%s.%zu", (int)end, from, end ? "/" : "",
		     step_name(o, own), number) < 0)
		name = tool_copy("");
	return name;
}

static int inner_first(const void *a, const void *b)
{
	const struct change *const *x = a, *const *y = b;

	return change_order((*y)->from, (*x)->from);
}

/* What goes from one name to another takes along what was put aside in it. */
static void follow(struct planning *p, const char *from, const char *to)
{
	for (size_t i = 0; i < p->nmoved; i++) {
		char *moved;

		if (!p->where[i] || !change_within(p->where[i], from) ||
		    asprintf(&moved, "%s%s", to,
			     p->where[i] + strlen(from)) < 0)
			continue;
		free(p->where[i]);
		p->where[i] = moved;
	}
}

static void stash_all(struct planning *p)
{
	for (size_t i = 0; i < p->c->n; i++) {
		if (p->c->list[i].kind != CHANGE_MOVED)
			continue;
		p->moved = tool_resize(p->moved, p->nmoved + 1,
				       sizeof(*p->moved));
		p->moved[p->nmoved++] = &p->c->list[i];
	}
	if (!p->nmoved)
		return;
	qsort(p->moved, p->nmoved, sizeof(*p->moved), inner_first);
	p->where = calloc(p->nmoved, sizeof(*p->where));
	for (size_t i = 0; i < p->nmoved && p->where; i++) {
		char *name = stash_name(p->o, p->moved[i], i);

		steps_add(p->s, STEP_STASH, name, p->moved[i]->from, NULL);
		follow(p, p->moved[i]->from, name);
		p->where[i] = name;
	}
}

static void put(struct planning *p, const struct change *c)
{
	char *from;

	for (size_t i = 0; i < p->nmoved && p->where; i++) {
		if (p->moved[i] != c)
			continue;
		from = tool_copy(p->where[i]);
		steps_add(p->s, STEP_PUT, c->path, from, NULL);
		follow(p, from, c->path);
		free(from);
	}
}

/* --- what is made -------------------------------------------------------- */

/* Another name of an object that has been made already, or NULL. */
static const char *other_name(struct planning *p, const struct change *c)
{
	int fd = store_open_own(p->o->store, c->path);
	struct stat st = { 0 };

	if (fd >= 0) {
		if (fstat(fd, &st) < 0)
			st.st_nlink = 0;
		close(fd);
	}
	if (st.st_nlink < 2)
		return NULL;
	for (size_t i = 0; i < p->nlinked; i++) {
		if (p->linked[i].dev == st.st_dev &&
		    p->linked[i].ino == st.st_ino)
			return p->linked[i].path;
	}
	p->linked = tool_resize(p->linked, p->nlinked + 1, sizeof(*p->linked));
	p->linked[p->nlinked++] = (struct linked){
		st.st_dev, st.st_ino, c->path,
	};
	return NULL;
}

/*
 * Must the file stay the one it is? It may have other names, there and in a
 * view, or belong to somebody else, whom we could give no new one.
 */
static bool stays(const struct change *c)
{
	bool others = geteuid() != 0 && c->after.st_uid != geteuid() &&
		      c->after.st_uid == c->before.st_uid;

	return (c->parts & PART_CONTENT) && !(c->parts & PART_TYPE) &&
	       S_ISREG(c->after.st_mode) &&
	       (others || (c->before.st_nlink > 1 && c->after.st_nlink > 1));
}

static void make(struct planning *p, const struct change *c)
{
	const char *other;

	if (S_ISDIR(c->after.st_mode)) {
		steps_add(p->s, STEP_MKDIR, c->path, NULL, &c->after);
		return;
	}
	other = other_name(p, c);
	if (other)
		steps_add(p->s, STEP_LINK, c->path, other, NULL);
	else
		steps_add(p->s, stays(c) ? STEP_CONTENT : STEP_FILE,
			  c->path, NULL, &c->after);
}

/* First it is moved, so other names of it stay so, then it gets the content. */
static bool moved_and_changed(const struct change *c)
{
	return c->kind == CHANGE_MOVED && !S_ISDIR(c->after.st_mode) &&
	       (c->parts & (PART_CONTENT | PART_TYPE));
}

static void make_all(struct planning *p)
{
	for (size_t i = 0; i < p->c->n; i++) {
		const struct change *c = &p->c->list[i];

		if (c->kind == CHANGE_MOVED)
			put(p, c);
		if (c->kind == CHANGE_CREATED || c->kind == CHANGE_CHANGED ||
		    moved_and_changed(c))
			make(p, c);
	}
}

/* --- the rest ------------------------------------------------------------ */

static bool needs_attributes(const struct change *c)
{
	switch (c->kind) {
	case CHANGE_OWNED:
	case CHANGE_TOUCHED: return true;
	case CHANGE_MOVED:
		return c->parts & (PART_OWNER | PART_MODE | PART_XATTRS |
				   (S_ISDIR(c->after.st_mode) ? 0 :
				    PART_TIMES));
	case CHANGE_CREATED:
	case CHANGE_CHANGED:
		return S_ISDIR(c->after.st_mode) ||
		       (stays(c) && (c->parts & PART_XATTRS));
	default: return false;
	}
}

/* A directory that is not new keeps the time that its entries gave it. */
static void set_attributes(struct planning *p, const struct change *c)
{
	bool made = c->kind == CHANGE_CREATED || c->kind == CHANGE_CHANGED;
	bool xattrs = made || (c->parts & PART_XATTRS);
	struct stat st = c->after;

	if (S_ISDIR(st.st_mode) && !made)
		st.st_mtim.tv_nsec = UTIME_OMIT;
	steps_add(p->s, STEP_ATTR, c->path, xattrs ? c->path : NULL, &st);
}

static void forget(struct planning *p, const struct change *c)
{
	if (c->kind == CHANGE_REMOVED || c->kind == CHANGE_MOVED ||
	    c->kind == CHANGE_OWNED || c->kind == CHANGE_TOUCHED)
		steps_add(p->s, STEP_FORGET, c->path, c->from, NULL);
}

void steps_plan(const struct opened *o, const struct changes *c, bool all,
		struct steps *s)
{
	struct planning p = { .o = o, .c = c, .s = s };

	*s = (struct steps){ 0 };
	open_all(&p);
	stash_all(&p);
	make_all(&p);
	for (size_t i = c->n; i-- > 0; ) {
		if (c->list[i].kind == CHANGE_REMOVED)
			steps_add(s, STEP_REMOVE, c->list[i].path, NULL, NULL);
	}
	for (size_t i = c->n; i-- > 0; ) {
		if (needs_attributes(&c->list[i]))
			set_attributes(&p, &c->list[i]);
	}
	close_all(&p);
	for (size_t i = 0; i < c->n && !all; i++)
		forget(&p, &c->list[i]);
	if (all)
		steps_add(s, STEP_EMPTY, "", NULL, NULL);
	for (size_t i = 0; i < p.nmoved && p.where; i++)
		free(p.where[i]);
	free(p.where);
	free(p.moved);
	free(p.linked);
}
