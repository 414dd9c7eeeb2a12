/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/show.h"

#include <stdio.h>
#include <string.h>
#include "tools/tree.h"

/* A word in a shade behind "separator"; nothing for an empty one. */
static void word(const struct term *t, const char *separator,
		 enum shade shade, const char *s)
{
	if (!*s)
		return;
	fputs(separator, t->out);
	term_shaded(t, shade, s);
}

static void count(const struct term *t, const char *separator, size_t n,
		  const char *what)
{
	fprintf(t->out, "%s%zu %s%s", separator, n, what, n == 1 ? "" : "s");
}

static bool is_set(const struct record *r, int column)
{
	const char *s = record_text(r, column);

	return *s && strcmp(s, "0") != 0;
}

static void mount_line(const struct tree *tree, const struct record *r)
{
	const struct term *t = tree->term;

	term_shaded(t, SHADE_NAME, record_text(r, MOUNT_TARGET));
	fputs(t->utf8 ? " ← " : " <- ", t->out);
	term_safe(t, record_text(r, MOUNT_SOURCE));
	fputs(" (", t->out);
	term_safe(t, record_text(r, MOUNT_TYPE));
	word(t, " ", SHADE_PLAIN, record_text(r, MOUNT_OPTIONS));
	putc(')', t->out);
	if (is_set(r, MOUNT_BUSY))
		word(t, " ", SHADE_WARN, "busy");
	putc('\n', t->out);
}

static void module_line(const struct tree *tree, const struct record *r)
{
	const struct term *t = tree->term;

	term_shaded(t, SHADE_NAME, record_text(r, MODULE_NAME));
	word(t, ": ", SHADE_PLAIN, record_text(r, MODULE_DESCRIPTION));
	count(t, " (", record_number(r, MODULE_MOUNTS), "mount");
	if (is_set(r, MODULE_FLAGS))
		word(t, ", ", SHADE_PLAIN, record_text(r, MODULE_FLAGS));
	fputs(")\n", t->out);
}

/* A command line can be long. */
static void guest_line(const struct tree *tree, const struct record *r)
{
	const struct term *t = tree->term;
	const char *pid = record_text(r, GUEST_PID);

	term_shaded(t, SHADE_BOLD, pid);
	putc(' ', t->out);
	term_fit(t, record_text(r, GUEST_COMMAND),
		 tree_columns(tree) + (int)strlen(pid) + 1);
	putc('\n', t->out);
}

static void view_line(const struct term *t, const struct record *r)
{
	fputs("view ", t->out);
	term_shaded(t, SHADE_BOLD, record_text(r, VIEW_ID));
	word(t, " ", SHADE_NAME, record_text(r, VIEW_NAME));
	count(t, ": ", record_number(r, VIEW_GUESTS), "guest");
	count(t, ", ", record_number(r, VIEW_MOUNTS), "mount");
	putc('\n', t->out);
}

/* A heading with records below; nothing when there are none. */
static void draw_group(struct tree *t, const char *heading,
		       const struct nest *n, bool last,
		       void (*line)(const struct tree *, const struct record *))
{
	if (!n->n)
		return;
	tree_enter(t, last);
	term_shaded(t->term, SHADE_DIM, heading);
	putc('\n', t->term->out);
	nest_draw(n, t, false, line);
	tree_leave(t);
}

static void draw_view(struct tree *t, const struct model *m,
		      const struct nest *views, long index, bool guests_only);

static void draw_views(struct tree *t, const struct model *m,
		       const struct nest *views, long up, bool guests_only)
{
	size_t left = nest_count(views, up);

	for (size_t i = 0; left && i < views->n; i++) {
		if (views->up[i] != up)
			continue;
		tree_enter(t, --left == 0);
		draw_view(t, m, views, (long)i, guests_only);
		tree_leave(t);
	}
}

static void draw_view(struct tree *t, const struct model *m,
		      const struct nest *views, long index, bool guests_only)
{
	const struct record *view = views->record[index];
	unsigned long id = record_number(view, VIEW_ID);
	bool more = nest_count(views, index) > 0;
	struct nest guests = nest_open(&m->list[KIND_GUEST], GUEST_VIEW, id,
				       GUEST_PID, GUEST_PPID);
	struct nest mounts = nest_open(&m->list[KIND_MOUNT], MOUNT_VIEW, id,
				       MOUNT_ID, MOUNT_PARENT);

	view_line(t->term, view);
	if (guests_only) {
		nest_draw(&guests, t, more, guest_line);
	} else {
		draw_group(t, "mounts", &mounts, !guests.n && !more,
			   mount_line);
		draw_group(t, "guests", &guests, !more, guest_line);
	}
	nest_close(&guests);
	nest_close(&mounts);
	draw_views(t, m, views, index, guests_only);
}

void show_tree(const struct term *term, const struct model *m,
	       bool guests_only)
{
	struct tree t = tree_open(term);
	struct nest views = nest_open(&m->list[KIND_VIEW], -1, 0, VIEW_ID,
				      VIEW_PARENT);
	struct nest modules = nest_open(&m->list[KIND_MODULE], -1, 0, -1, -1);

	fprintf(term->out, "monitor %d\n", (int)m->monitor);
	if (!guests_only)
		draw_group(&t, "modules", &modules, !views.n, module_line);
	draw_views(&t, m, &views, NEST_TOP, guests_only);
	nest_close(&modules);
	nest_close(&views);
	tree_close(&t);
}

/* How a column of a record is called and written in JSON. */
struct column {
	const char *key;
	int index;
	enum { AS_NUMBER, AS_STRING, AS_BOOL } as;
};

static const struct column view_json[] = {
	{ "id", VIEW_ID, AS_NUMBER },
	{ "parent", VIEW_PARENT, AS_NUMBER },
	{ "name", VIEW_NAME, AS_STRING },
	{ NULL, 0, AS_NUMBER }
};
static const struct column mount_json[] = {
	{ "id", MOUNT_ID, AS_NUMBER },
	{ "parent", MOUNT_PARENT, AS_NUMBER },
	{ "type", MOUNT_TYPE, AS_STRING },
	{ "source", MOUNT_SOURCE, AS_STRING },
	{ "target", MOUNT_TARGET, AS_STRING },
	{ "options", MOUNT_OPTIONS, AS_STRING },
	{ "module", MOUNT_MODULE, AS_STRING },
	{ "busy", MOUNT_BUSY, AS_BOOL },
	{ NULL, 0, AS_NUMBER }
};
static const struct column module_json[] = {
	{ "name", MODULE_NAME, AS_STRING },
	{ "description", MODULE_DESCRIPTION, AS_STRING },
	{ "mounts", MODULE_MOUNTS, AS_NUMBER },
	{ "permanent", MODULE_FLAGS, AS_BOOL },
	{ NULL, 0, AS_NUMBER }
};
static const struct column guest_json[] = {
	{ "pid", GUEST_PID, AS_NUMBER },
	{ "ppid", GUEST_PPID, AS_NUMBER },
	{ "command", GUEST_COMMAND, AS_STRING },
	{ NULL, 0, AS_NUMBER }
};

static void json_columns(struct json *j, const struct column *c,
			 const struct record *r)
{
	for (; c->key; c++) {
		if (c->as == AS_NUMBER)
			json_number(j, c->key, record_number(r, c->index));
		else if (c->as == AS_BOOL)
			json_bool(j, c->key, is_set(r, c->index));
		else
			json_string(j, c->key, record_text(r, c->index));
	}
}

/* Those of one view (its number in column 0), or all when view is NULL. */
static void json_records(struct json *j, const char *key,
			 const struct record_list *list,
			 const struct column *c, const struct record *view)
{
	json_open(j, key, '[');
	for (size_t i = 0; i < list->n; i++) {
		const struct record *r = &list->record[i];

		if (view && record_number(r, 0) != record_number(view, VIEW_ID))
			continue;
		json_open(j, NULL, '{');
		json_columns(j, c, r);
		json_close(j, '}');
	}
	json_close(j, ']');
}

static void json_view(struct json *j, const struct model *m,
		      const struct record *view, bool guests_only)
{
	json_open(j, NULL, '{');
	json_columns(j, view_json, view);
	if (!guests_only)
		json_records(j, "mounts", &m->list[KIND_MOUNT], mount_json,
			     view);
	json_records(j, "guests", &m->list[KIND_GUEST], guest_json, view);
	json_close(j, '}');
}

void show_json(struct json *j, const struct model *m, bool guests_only)
{
	const struct record_list *views = &m->list[KIND_VIEW];

	json_open(j, NULL, '{');
	json_number(j, "monitor", (unsigned long)m->monitor);
	if (!guests_only)
		json_records(j, "modules", &m->list[KIND_MODULE], module_json,
			     NULL);
	json_open(j, "views", '[');
	for (size_t i = 0; i < views->n; i++)
		json_view(j, m, &views->record[i], guests_only);
	json_close(j, ']');
	json_close(j, '}');
}
