/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Has somebody else been at the target? The store has noted what each object
 * was when it was last seen as it is (store/orig.h). Of a change that it has
 * no note of (one of an old store), all that can be told is whether the
 * object has been changed since the store was begun.
 *
 * Of directories only removed ones are looked at, with all that was in them:
 * other names in a directory that is kept are nobody's conflict.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "store/orig.h"
#include "tools/commit.h"
#include "tools/tool.h"

struct noted {
	struct store_orig orig;
	size_t line;
};

struct origs {
	struct noted *list;	/* sorted, one of each path */
	size_t n;
};

static int take(void *arg, const struct store_orig *o)
{
	struct origs *all = arg;

	if ((all->n & (all->n + 1)) == 0)
		all->list = tool_resize(all->list, 2 * all->n + 2,
					sizeof(*all->list));
	all->list[all->n] = (struct noted){ .orig = *o, .line = all->n };
	all->list[all->n++].orig.path = tool_copy(o->path);
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct noted *x = a, *y = b;

	return change_order(x->orig.path, y->orig.path);
}

static int by_line(const void *a, const void *b)
{
	const struct noted *x = a, *y = b;
	int order = by_path(a, b);

	return order ? order : x->line < y->line ? -1 : 1;
}

/* The last of each path is the one that counts. */
static int read_origs(const struct opened *o, struct origs *all)
{
	int err = store_each_orig(o->store, take, all);
	size_t n = 0;

	if (err || !all->n)
		return err;
	qsort(all->list, all->n, sizeof(*all->list), by_line);
	for (size_t i = 0; i < all->n; i++) {
		if (n && !by_path(&all->list[n - 1], &all->list[i]))
			free((char *)all->list[--n].orig.path);
		all->list[n++] = all->list[i];
	}
	all->n = n;
	return 0;
}

static void free_origs(struct origs *all)
{
	for (size_t i = 0; i < all->n; i++)
		free((char *)all->list[i].orig.path);
	free(all->list);
}

static const struct noted *orig_of(const struct origs *all, const char *path)
{
	struct noted key = { .orig = { .path = path } };

	return all->n ? bsearch(&key, all->list, all->n, sizeof(key),
				by_path) : NULL;
}

static bool is_later(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec :
					a->tv_nsec > b->tv_nsec;
}

static const char *compare(const struct opened *o, const struct noted *noted,
			   const struct stat *st)
{
	if (noted)
		return store_orig_is(&noted->orig, st) ? NULL :
		       "changed meanwhile";
	return is_later(&st->st_ctim, &o->begun) ?
	       "made or changed since the store was begun" : NULL;
}

/* What a removed directory had in it, as far as it was noted. */
static const char *compare_below(const struct opened *o,
				 const struct origs *all, const char *top)
{
	const struct noted *at = orig_of(all, top);

	for (; at && at < all->list + all->n &&
	     change_within(at->orig.path, top); at++) {
		int fd = store_open_target(o->store, at->orig.path);
		struct stat st;
		const char *how = NULL;

		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0)
			how = compare(o, at, &st);
		close(fd);
		if (how)
			return how;
	}
	return NULL;
}

static const char *conflict_of(const struct opened *o,
			       const struct origs *all,
			       const struct change *c)
{
	const char *name = c->from ? c->from : c->base;
	bool directory = S_ISDIR(c->before.st_mode);

	if (c->kind == CHANGE_CREATED)
		return orig_of(all, c->base) ? "removed meanwhile" : NULL;
	if (!directory)
		return compare(o, orig_of(all, name), &c->before);
	if (c->kind != CHANGE_REMOVED && !(c->parts & PART_TYPE))
		return NULL;
	if (!orig_of(all, name))
		return compare(o, NULL, &c->before);
	return compare_below(o, all, name);
}

int conflicts_find(const struct opened *o, const struct changes *c,
		   void (*conflict)(void *ctx, size_t i, const char *how),
		   void *ctx)
{
	struct origs all = { 0 };
	int n = 0, err = read_origs(o, &all);

	for (size_t i = 0; i < c->n && !err; i++) {
		const char *how = conflict_of(o, &all, &c->list[i]);

		if (how) {
			conflict(ctx, i, how);
			n++;
		}
	}
	free_origs(&all);
	return err ? err : n;
}
