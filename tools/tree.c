/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/tree.h"

#include <stdlib.h>
#include "tools/tool.h"

/* What stands for a level: above the node, and at it. */
struct glyphs {
	const char *pass[2], *branch[2];	/* by "last" */
};

static const struct glyphs plain = { { "|  ", "   " }, { "|- ", "`- " } };
static const struct glyphs lines = { { "│  ", "   " }, { "├─ ", "└─ " } };

struct tree tree_open(const struct term *term)
{
	return (struct tree){ .term = term };
}

void tree_close(struct tree *t)
{
	free(t->last);
	*t = (struct tree){ 0 };
}

void tree_enter(struct tree *t, bool last)
{
	const struct glyphs *g = t->term->utf8 ? &lines : &plain;

	t->last = tool_resize(t->last, t->depth + 1, 1);
	for (size_t i = 0; i < t->depth; i++)
		fputs(g->pass[(int)t->last[i]], t->term->out);
	fputs(g->branch[last], t->term->out);
	t->last[t->depth++] = last;
}

void tree_leave(struct tree *t)
{
	t->depth--;
}

int tree_columns(const struct tree *t)
{
	return 3 * (int)t->depth;
}

static long find_parent(const struct nest *n, size_t child, int id_column,
			int parent_column)
{
	unsigned long parent;

	if (id_column < 0)
		return NEST_TOP;
	parent = record_number(n->record[child], parent_column);
	for (size_t i = 0; i < n->n; i++) {
		if (i != child &&
		    record_number(n->record[i], id_column) == parent)
			return (long)i;
	}
	return NEST_TOP;
}

struct nest nest_open(const struct record_list *list, int view_column,
		      unsigned long view, int id_column, int parent_column)
{
	struct nest n = {
		.record = tool_resize(NULL, list->n, sizeof(*n.record)),
		.up = tool_resize(NULL, list->n, sizeof(*n.up)),
	};

	for (size_t i = 0; i < list->n; i++) {
		const struct record *r = &list->record[i];

		if (view_column < 0 || record_number(r, view_column) == view)
			n.record[n.n++] = r;
	}
	for (size_t i = 0; i < n.n; i++)
		n.up[i] = find_parent(&n, i, id_column, parent_column);
	return n;
}

void nest_close(struct nest *n)
{
	free(n->record);
	free(n->up);
	*n = (struct nest){ 0 };
}

size_t nest_count(const struct nest *n, long up)
{
	size_t count = 0;

	for (size_t i = 0; i < n->n; i++)
		count += n->up[i] == up;
	return count;
}

static void draw(const struct nest *n, struct tree *t, long up, bool more,
		 void (*line)(const struct tree *, const struct record *))
{
	size_t left = nest_count(n, up);

	for (size_t i = 0; left && i < n->n; i++) {
		if (n->up[i] != up)
			continue;
		tree_enter(t, --left == 0 && !more);
		line(t, n->record[i]);
		draw(n, t, (long)i, false, line);
		tree_leave(t);
	}
}

void nest_draw(const struct nest *n, struct tree *t, bool more,
	       void (*line)(const struct tree *, const struct record *))
{
	draw(n, t, NEST_TOP, more, line);
}
