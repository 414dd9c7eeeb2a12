/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The changes as a tree. They are sorted, parents first, so what is below a
 * name is a range of them; a name with nothing to tell that has one name in
 * it shares its line ("usr/share/doc").
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "tools/diff_show.h"
#include "tools/tool.h"
#include "tools/tree.h"

enum { BRIEF_MAX = 12 };

struct drawing {
	const struct changes *c;
	const struct term *term;
	struct tree tree;
	bool brief;
};

/* A node of the tree: list[from..to) is below it, skip bytes of each path */
struct node {
	size_t from, to, skip;
};

static size_t part_length(const char *s)
{
	return strcspn(s, "/");
}

/* Where the group ends whose first part is that of list[from]. */
static size_t group_end(const struct changes *c, const struct node *n,
			size_t from, size_t len)
{
	const char *first = c->list[from].path;
	size_t i = from + 1;

	while (i < n->to && !strncmp(c->list[i].path, first, len) &&
	       (!c->list[i].path[len] || c->list[i].path[len] == '/'))
		i++;
	return i;
}

static bool is_itself(const struct changes *c, const struct node *n)
{
	return !c->list[n->from].path[n->skip];
}

/* Make a node of the next part of list[from], longer while it stands alone. */
static struct node next_node(const struct changes *c, const struct node *up,
			     size_t from)
{
	struct node n = { .from = from, .skip = up->skip };

	if (c->list[from].path[n.skip] == '/')
		n.skip++;
	n.skip += part_length(c->list[from].path + n.skip);
	n.to = group_end(c, up, from, n.skip);
	while (!is_itself(c, &n)) {
		size_t len = n.skip + 1 +
			part_length(c->list[from].path + n.skip + 1);

		if (group_end(c, &n, from, len) != n.to)
			break;
		n.skip = len;
	}
	return n;
}

static char *label(const struct changes *c, const struct node *n, size_t from)
{
	const char *path = c->list[n->from].path;

	from += path[from] == '/';
	return strndup(path + from, n->skip - from);
}

/* Many new names in a new directory, told by their number. */
static bool is_collapsed(const struct drawing *d, const struct node *n)
{
	if (!d->brief || !is_itself(d->c, n) ||
	    n->to - n->from <= BRIEF_MAX)
		return false;
	for (size_t i = n->from; i < n->to; i++) {
		if (d->c->list[i].kind != CHANGE_CREATED)
			return false;
	}
	return true;
}

static void put_collapsed(const struct drawing *d, const struct node *n)
{
	uint64_t bytes = 0;
	char size[16];

	for (size_t i = n->from; i < n->to; i++)
		bytes += change_gains(&d->c->list[i]);
	fprintf(d->term->out, "%zu objects, %s", n->to - n->from,
		size_text(size, bytes));
}

static void put_detail(const struct drawing *d, const struct node *n)
{
	fputs("  ", d->term->out);
	term_select(d->term, "2");
	if (is_collapsed(d, n))
		put_collapsed(d, n);
	else
		change_detail(&d->c->list[n->from], d->term);
	term_select(d->term, "");
}

static void put_line(const struct drawing *d, const struct node *n,
		     size_t from)
{
	const struct change *c = &d->c->list[n->from];
	char *name = label(d->c, n, from);
	bool itself = is_itself(d->c, n);
	bool directory = !itself || S_ISDIR(c->after.st_mode ?
					    c->after.st_mode :
					    c->before.st_mode);
	char sign[3] = { ' ', ' ', '\0' };

	if (itself) {
		sign[0] = change_sign(c->kind);
		term_shaded(d->term, change_shade(c->kind), sign);
		term_shaded(d->term, change_shade(c->kind), name ? name : "");
	} else {
		term_safe(d->term, name ? name : "");
	}
	if (directory)
		putc('/', d->term->out);
	if (itself)
		put_detail(d, n);
	putc('\n', d->term->out);
	free(name);
}

static void draw(struct drawing *d, const struct node *up)
{
	size_t i = up->from;

	if (is_itself(d->c, up))
		i++;
	while (i < up->to) {
		struct node n = next_node(d->c, up, i);

		tree_enter(&d->tree, n.to == up->to);
		put_line(d, &n, up->skip);
		if (!is_collapsed(d, &n))
			draw(d, &n);
		tree_leave(&d->tree);
		i = n.to;
	}
}

void changes_tree(const struct opened *o, const struct changes *c,
	       const struct term *term, bool brief)
{
	struct drawing d = { .c = c, .term = term, .brief = brief };
	struct node top = { .to = c->n };

	if (c->n) {
		term_shaded(term, SHADE_BOLD, o->target);
		if (is_itself(c, &top))
			put_detail(&d, &top);
		putc('\n', term->out);
		d.tree = tree_open(term);
		draw(&d, &top);
		tree_close(&d.tree);
	}
	changes_summary(c, term);
}
