/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TREE_H
#define TOOLS_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include "tools/model.h"
#include "tools/term.h"

/* The lines that lead to a node, drawn as far as the node's depth. */
struct tree {
	const struct term *term;
	char *last;		/* per level: nothing follows in it */
	size_t depth;
};

struct tree tree_open(const struct term *term);
void tree_close(struct tree *t);

/*
 * Begin a node: its branch is drawn, the caller writes the rest of the
 * line. Nodes begun before tree_leave() stand below it.
 */
void tree_enter(struct tree *t, bool last);
void tree_leave(struct tree *t);

/* How far to the right a node's line begins. */
int tree_columns(const struct tree *t);

/*
 * Records that name their parent by number, drawn as a tree. A record whose
 * parent is not among them stands at the top.
 */
struct nest {
	const struct record **record;
	long *up;	/* index of the parent, -1 at the top */
	size_t n;
};

#define NEST_TOP (-1L)

/*
 * @view_column, @view: take only records of this view; column -1: all
 * @id_column: -1: these records have no parents
 */
struct nest nest_open(const struct record_list *list, int view_column,
		      unsigned long view, int id_column, int parent_column);
void nest_close(struct nest *n);

/* How many records have this parent (an index, or NEST_TOP). */
size_t nest_count(const struct nest *n, long up);

/* Draw all of them; more: further nodes follow beside the topmost ones. */
void nest_draw(const struct nest *n, struct tree *t, bool more,
	       void (*line)(const struct tree *, const struct record *));

#endif
