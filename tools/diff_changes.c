/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store tells each name it knows something of (store_each()); what is
 * there is then asked of it and of the target, and compared. Only in a
 * directory that is the store's alone more has to be looked for: the names
 * in it are not known, they are just there; and if it replaces one of the
 * target's, those of that have gone.
 *
 * What an object is compared with is the target's of the same name, but
 * within a moved directory that of the name it had there: its base.
 */
#include "tools/diff_changes.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "store/copy.h"
#include "tools/diff_compare.h"
#include "tools/tool.h"

/* What is remembered of one record of the store. */
struct known {
	char *path, *origin;	/* origin: NULL: not moved */
};

struct collecting {
	const struct opened *o;
	const char *within;
	struct changes *out;
	struct known *known;	/* sorted */
	size_t n;
	const char **origin;	/* of those that were moved, sorted */
	size_t moved;
};

int change_order(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (*a == *b)
		return 0;
	if (*a == '/' || *b == '/')
		return !*a || (*a == '/' && *b) ? -1 : 1;
	return (unsigned char)*a < (unsigned char)*b ? -1 : 1;
}

bool change_within(const char *path, const char *top)
{
	size_t len = strlen(top);

	return !len || (!strncmp(path, top, len) &&
			(!path[len] || path[len] == '/'));
}

static char *path_of(const char *dir, const char *name)
{
	char *whole;

	if (!*dir)
		return tool_copy(name);
	if (!*name)
		return tool_copy(dir);
	whole = tool_resize(NULL, strlen(dir) + strlen(name) + 2, 1);
	sprintf(whole, "%s/%s", dir, name);
	return whole;
}

/* --- what the store knows ------------------------------------------------ */

static int by_path(const void *a, const void *b)
{
	const struct known *x = a, *y = b;

	return change_order(x->path, y->path);
}

static int remember(void *arg, const struct store_known *k)
{
	struct collecting *c = arg;
	struct known *known;

	if ((c->n & (c->n + 1)) == 0)
		c->known = tool_resize(c->known, 2 * c->n + 2, sizeof(*known));
	known = &c->known[c->n++];
	known->path = tool_copy(k->path);
	known->origin = k->origin ? tool_copy(k->origin) : NULL;
	c->moved += known->origin != NULL;
	return 0;
}

static const struct known *known_of(const struct collecting *c,
				    const char *path)
{
	struct known key = { .path = (char *)path };

	return bsearch(&key, c->known, c->n, sizeof(key), by_path);
}

/* The target's name of what the directory of path was made from. */
static char *base_of(const struct collecting *c, const char *path)
{
	char *top = tool_copy(path), *base = NULL, *slash;

	while (c->moved && !base && (slash = strrchr(top, '/'))) {
		const struct known *k;

		*slash = '\0';
		k = known_of(c, top);
		if (k && k->origin)
			base = path_of(k->origin, path + (slash - top) + 1);
	}
	free(top);
	return base ? base : tool_copy(path);
}

static int by_name(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

/* Is the target's object of that name seen under another? */
static bool moved_away(const struct collecting *c, const char *base)
{
	return c->moved && bsearch(&base, c->origin, c->moved,
				   sizeof(*c->origin), by_name);
}

static void sort_known(struct collecting *c)
{
	size_t n = 0;

	if (c->n)
		qsort(c->known, c->n, sizeof(*c->known), by_path);
	c->origin = tool_resize(NULL, c->moved, sizeof(*c->origin));
	for (size_t i = 0; i < c->n; i++) {
		if (c->known[i].origin)
			c->origin[n++] = c->known[i].origin;
	}
	if (n)
		qsort(c->origin, n, sizeof(*c->origin), by_name);
}

/* --- one name ------------------------------------------------------------ */

static struct side no_side(void)
{
	return (struct side){ .fd = -1 };
}

static bool gone(int err)
{
	return err == -ENOENT || err == -ENOTDIR;
}

/* Return: 0 (also when there is none: fd -1) or -errno */
static int find_before(const struct opened *o, const char *base,
		       struct side *side)
{
	int fd = store_open_target(o->store, base);

	*side = no_side();
	if (fd < 0)
		return gone(fd) ? 0 : fd;
	side->fd = fd;
	return fstat(fd, &side->st) < 0 ? -errno : 0;
}

static enum change_kind kind_of(const struct change *c)
{
	if (c->from)
		return CHANGE_MOVED;
	if (!c->before.st_mode)
		return CHANGE_CREATED;
	if (!c->after.st_mode)
		return CHANGE_REMOVED;
	if (c->parts & (PART_CONTENT | PART_TYPE))
		return CHANGE_CHANGED;
	if (c->parts & (PART_OWNER | PART_MODE | PART_XATTRS))
		return CHANGE_OWNED;
	return CHANGE_TOUCHED;
}

/* The times of a directory tell only that something in it has changed. */
static bool is_change(const struct change *c)
{
	if (!c->before.st_mode && !c->after.st_mode)
		return false;
	if (c->from || !c->before.st_mode || !c->after.st_mode)
		return true;
	return S_ISDIR(c->after.st_mode) ? c->parts & ~PART_TIMES : c->parts;
}

static void add(struct collecting *c, struct change *change)
{
	struct changes *out = c->out;

	if (!is_change(change) || !change_within(change->path, c->within)) {
		free(change->path);
		free(change->from);
		free(change->base);
		return;
	}
	change->kind = kind_of(change);
	if ((out->n & (out->n + 1)) == 0)
		out->list = tool_resize(out->list, 2 * out->n + 2,
					sizeof(*out->list));
	out->list[out->n++] = *change;
}

/* What goes away with the target's object of a name. */
static void count_lost(const struct collecting *c, const char *path,
		       struct change *change)
{
	struct side side;

	if (find_before(c->o, path, &side) < 0 || side.fd < 0)
		return;
	compare_count(side.fd, "", &change->objects, &change->bytes);
	close(side.fd);
}

static int examine(struct collecting *c, const char *path);

static int descend(struct collecting *c, const char *path,
		   const struct store_object *after,
		   const struct side *before);

/*
 * Compare, and go on below where the store does not tell.
 * @before: of the origin when it has been moved
 */
static int compare(struct collecting *c, const char *path,
		   const struct known *k, struct side *before)
{
	struct change change = { .path = tool_copy(path) };
	struct store_object o;
	struct side after = no_side();
	int err = store_find(c->o->store, path, &o);

	if (!err)
		after = (struct side){ .fd = o.fd, .st = o.st };
	else if (!gone(err))
		return free(change.path), err;
	change.base = k && k->origin ? tool_copy(k->origin) : base_of(c, path);
	change.from = k && k->origin && !err ? tool_copy(k->origin) : NULL;
	change.before = before->st;
	change.after = after.st;
	if (before->fd >= 0 && !err)
		change.parts = compare_sides(before, &after);
	if (change.from)
		count_lost(c, path, &change);
	else if (err || (change.parts & PART_TYPE))
		count_lost(c, change.base, &change);
	add(c, &change);
	if (err)
		return 0;
	err = descend(c, path, &o, before);
	store_drop(&o);
	return err;
}

static int examine(struct collecting *c, const char *path)
{
	const struct known *k = known_of(c, path);
	char *base = k && k->origin ? tool_copy(k->origin) : base_of(c, path);
	struct side before;
	int err = find_before(c->o, base, &before);
	bool away = before.fd >= 0 && !(k && k->origin) && moved_away(c, base);
	struct store_object o;

	free(base);
	if (err)
		return err;
	/* That it is not there any more is told where it is now. */
	if (away && gone(store_find(c->o->store, path, &o))) {
		close(before.fd);
		return 0;
	}
	if (away)
		store_drop(&o);
	err = compare(c, path, k, &before);
	if (before.fd >= 0)
		close(before.fd);
	return err;
}

/* --- what is in a directory of the store --------------------------------- */

static bool is_meta(const char *dir, const char *name)
{
	return !strcmp(name, ".") || !strcmp(name, "..") ||
	       (!*dir && (!strcmp(name, ".vufs") || !strcmp(name, ".-")));
}

/*
 * Examine each name of a directory that is not known, and is not in "but".
 * @but: a directory, or -1
 */
static int each_name(struct collecting *c, const char *path, int dir, int but)
{
	int fd = copy_reopen(dir, O_RDONLY | O_DIRECTORY), err = 0;
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;

	if (!d)
		return fd < 0 ? fd : -ENOMEM;
	while (!err && (e = readdir(d))) {
		char *name;

		if (is_meta(path, e->d_name) ||
		    (but >= 0 && !fstatat(but, e->d_name, &st,
					  AT_SYMLINK_NOFOLLOW)))
			continue;
		name = path_of(path, e->d_name);
		if (!known_of(c, name))
			err = examine(c, name);
		free(name);
	}
	closedir(d);
	return err;
}

static int descend(struct collecting *c, const char *path,
		   const struct store_object *after, const struct side *before)
{
	int err;

	if (!after->in_store || !S_ISDIR(after->st.st_mode))
		return 0;
	if (!change_within(path, c->within) && !change_within(c->within, path))
		return 0;
	err = each_name(c, path, after->fd, -1);
	if (!err && before->fd >= 0 && S_ISDIR(before->st.st_mode))
		err = each_name(c, path, before->fd, after->fd);
	/* What may not be looked into shows nothing, as to everybody. */
	return err == -EACCES ? 0 : err;
}

/* --- all ----------------------------------------------------------------- */

static int by_change(const void *a, const void *b)
{
	const struct change *x = a, *y = b;

	return change_order(x->path, y->path);
}

int changes_collect(const struct opened *o, const char *within,
		    struct changes *out)
{
	struct collecting c = {
		.o = o, .within = within ? within : "", .out = out,
	};
	int err;

	*out = (struct changes){ 0 };
	err = store_each(o->store, remember, &c);
	sort_known(&c);
	for (size_t i = 0; i < c.n && !err; i++)
		err = examine(&c, c.known[i].path);
	for (size_t i = 0; i < c.n; i++) {
		free(c.known[i].path);
		free(c.known[i].origin);
	}
	free(c.known);
	free(c.origin);
	if (out->n)
		qsort(out->list, out->n, sizeof(*out->list), by_change);
	return err;
}

void changes_free(struct changes *c)
{
	for (size_t i = 0; i < c->n; i++) {
		free(c->list[i].path);
		free(c->list[i].from);
		free(c->list[i].base);
	}
	free(c->list);
	*c = (struct changes){ 0 };
}

struct change *changes_find(const struct changes *c, const char *path)
{
	struct change key = { .path = (char *)path };

	return c->n ? bsearch(&key, c->list, c->n, sizeof(key), by_change) :
		      NULL;
}

static uint64_t size_of(const struct stat *st)
{
	return S_ISREG(st->st_mode) ? st->st_size : 0;
}

uint64_t change_gains(const struct change *c)
{
	return c->kind == CHANGE_CREATED || (c->parts & PART_CONTENT) ?
	       size_of(&c->after) : 0;
}

uint64_t change_loses(const struct change *c)
{
	if (c->objects)
		return c->bytes;
	return c->parts & PART_CONTENT ? size_of(&c->before) : 0;
}

int change_open_before(const struct opened *o, const struct change *c)
{
	int fd, opened;

	if (!S_ISREG(c->before.st_mode))
		return -EINVAL;
	fd = store_open_target(o->store, c->base);
	if (fd < 0)
		return fd;
	opened = copy_reopen(fd, O_RDONLY);
	close(fd);
	return opened;
}

int change_open_after(const struct opened *o, const struct change *c)
{
	struct store_object object;
	int err, fd;

	if (!S_ISREG(c->after.st_mode))
		return -EINVAL;
	err = store_find(o->store, c->path, &object);
	if (err)
		return err;
	fd = copy_reopen(object.fd, O_RDONLY);
	store_drop(&object);
	return fd;
}
