/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How names and nodes of a FUSE mount hang together: renames, what is
 * dropped and when, and servers that make no sense.
 */
#include "vufuse_tree_server.h"

#include <malloc.h>

static void renames(void)
{
	struct tree *t = serve(100);
	struct node *root, *d, *e, *f, *g;

	add(1, "d", 2, S_IFDIR);
	add(2, "e", 3, S_IFDIR);
	add(3, "f", 4, S_IFREG);
	add(1, "g", 5, S_IFREG);
	f = walked(t, "d/e/f");
	g = walked(t, "g");
	d = walked(t, "d");
	e = walked(t, "d/e");
	root = walked(t, "");
	server.n = 0;
	asked();
	tree_renamed(t, d, "e", root, "E", false);
	CHECK(is_named(t, f, "E/f") && leads_to(t, "E/f") == 4);
	CHECK(asked() == 0);
	CHECK(leads_to(t, "d/e") == -ENOENT);
	asked();
	/* over another: that one has no name then, but is used */
	tree_renamed(t, e, "f", root, "g", false);
	CHECK(leads_to(t, "g") == 4 && is_named(t, f, "g") && asked() == 0);
	CHECK(tree_name(t, g, (char[9]){ 0 }, 9) == -ENOENT);
	tree_put(t, g);
	CHECK(server.counted[5] == 0);
	tree_renamed(t, root, "g", root, "g", false);
	CHECK(leads_to(t, "g") == 4 && asked() == 0);
	/* what is not known cannot be moved, but its name is over */
	tree_renamed(t, root, "unknown", root, "g", false);
	CHECK(leads_to(t, "g") == -ENOENT);
	tree_put(t, f);
	tree_put(t, e);
	tree_put(t, d);
	tree_put(t, root);
	finish(t);
}

static void exchanges(void)
{
	struct tree *t = serve(100);
	struct node *root;

	add(1, "d", 2, S_IFDIR);
	add(2, "e", 3, S_IFDIR);
	add(1, "g", 5, S_IFREG);
	root = walked(t, "");
	CHECK(leads_to(t, "d/e") == 3 && leads_to(t, "g") == 5);
	server.n = 0;
	asked();
	tree_renamed(t, root, "d", root, "g", true);
	CHECK(leads_to(t, "g/e") == 3 && leads_to(t, "d") == 5);
	CHECK(asked() == 0);
	/* only one is known */
	tree_renamed(t, root, "new", root, "d", true);
	CHECK(leads_to(t, "new") == 5 && asked() == 0);
	CHECK(leads_to(t, "d") == -ENOENT);
	tree_put(t, root);
	finish(t);
}

/* Whatever a server does, a directory is never in itself. */
static void refuses_circles(void)
{
	struct tree *t = serve(100);
	struct fuse_entry_out e;
	struct node *root, *d, *f, *n;

	add(1, "d", 2, S_IFDIR);
	add(2, "e", 3, S_IFDIR);
	add(3, "f", 4, S_IFDIR);
	add(4, "g", 5, S_IFREG);
	add(4, "up", 2, S_IFDIR);
	add(4, "self", 4, S_IFDIR);
	add(4, "root", 1, S_IFDIR);
	CHECK(leads_to(t, "d/e/f/g") == 5);
	CHECK(leads_to(t, "d/e/f/up") == -EIO);
	CHECK(leads_to(t, "d/e/f/self") == -EIO);
	CHECK(leads_to(t, "d/e/f/root") == -EIO && server.counted[1] == 0);
	CHECK(leads_to(t, "d/e/f/up/e") == -EIO);
	root = walked(t, "");
	d = walked(t, "d");
	f = walked(t, "d/e/f");
	e = made(2, S_IFDIR);
	CHECK(tree_entered(t, f, "up", &e, &n) == -EIO);
	e = made(1, S_IFDIR);
	CHECK(tree_entered(t, f, "root", &e, &n) == -EIO);
	e = made(0, S_IFDIR);
	CHECK(tree_entered(t, f, "nothing", &e, &n) == -EIO);
	CHECK(is_named(t, f, "d/e/f"));
	tree_renamed(t, root, "d", f, "under", false);
	CHECK(tree_name(t, f, (char[9]){ 0 }, 9) == -ENOENT);
	CHECK(leads_to(t, "d") == 2 && is_named(t, f, "d/e/f"));
	tree_renamed(t, root, "d", f, "g", true);
	CHECK(leads_to(t, "d") == 5);
	tree_put(t, root);
	tree_put(t, d);
	tree_put(t, f);
	finish(t);
}

/* Deeper than any path that can be asked for. */
static void says_when_a_name_is_too_long(void)
{
	struct tree *t = serve(1000);
	struct node *dir = walked(t, ""), *next;
	char name[NAME_MAX + 1], path[PATH_MAX];

	memset(name, 'n', NAME_MAX);
	name[NAME_MAX] = '\0';
	for (uint64_t id = 2; id < 50; id++) {
		struct fuse_entry_out e = made(id, S_IFDIR);
		ssize_t len = (ssize_t)(id - 1) * (NAME_MAX + 1) - 1;

		CHECK(tree_entered(t, dir, name, &e, &next) == 0);
		tree_put(t, dir);
		dir = next;
		CHECK(tree_name(t, dir, path, sizeof(path)) ==
		      (len < PATH_MAX ? len : -ENAMETOOLONG));
	}
	tree_put(t, dir);
	finish(t);
}

static void directories_have_one_name(void)
{
	struct tree *t = serve(100);
	struct node *n;

	add(1, "d", 2, S_IFDIR);
	add(1, "e", 3, S_IFDIR);
	add(2, "x", 4, S_IFDIR);
	add(3, "y", 4, S_IFDIR);
	n = walked(t, "d/x");
	CHECK(leads_to(t, "e/y") == 4 && is_named(t, n, "e/y"));
	asked();
	CHECK(leads_to(t, "d/x") == 4 && asked() == 1);
	CHECK(is_named(t, n, "d/x") && ((struct inode *)n)->nnames == 1);
	tree_put(t, n);
	finish(t);
}

static void removed_nodes_live_while_used(void)
{
	struct tree *t = serve(100);
	struct node *root, *e, *g;
	struct fuse_attr a;

	add(1, "d", 2, S_IFDIR);
	add(2, "e", 3, S_IFDIR);
	add(3, "f", 4, S_IFREG);
	add(3, "g", 5, S_IFREG);
	root = walked(t, "");
	CHECK(leads_to(t, "d/e/f") == 4);
	g = walked(t, "d/e/g");
	e = walked(t, "d/e");
	tree_removed(t, root, "d");
	CHECK(server.counted[2] == 0 && server.counted[4] == 1);
	CHECK(tree_name(t, e, (char[9]){ 0 }, 9) == -ENOENT);
	CHECK(tree_attr(t, NULL, g, &a) == 0);
	tree_put(t, e);		/* goes, with the file that nobody uses */
	CHECK(server.counted[3] == 0 && server.counted[4] == 0);
	CHECK(tree_size(t) == 2 && server.counted[5] == 1);
	g->data = &a;
	tree_put(t, g);
	CHECK(server.counted[5] == 1);
	CHECK(tree_node(t, 5) == g);
	g->data = NULL;
	tree_put(t, g);
	CHECK(server.counted[5] == 0 && tree_node(t, 5) == NULL);
	tree_put(t, root);
	finish(t);
}

static void keeps_no_more_than_told(void)
{
	struct tree *t = serve(10);
	struct node *used, *data;
	char name[16];

	used = walked(t, "#200000");
	data = walked(t, "#200001");
	data->data = name;
	tree_put(t, data);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "#%d", i);
		CHECK(leads_to(t, name) == FIRST_MADE + i);
		CHECK(leads_to(t, "#0") == FIRST_MADE);
		CHECK(tree_size(t) <= 1 + 2 + 10);
	}
	asked();
	CHECK(leads_to(t, "#0") == FIRST_MADE);
	CHECK(leads_to(t, "#200000") == FIRST_MADE + 200000);
	CHECK(leads_to(t, "#200001") == FIRST_MADE + 200001);
	CHECK(leads_to(t, "#999") > 0 && leads_to(t, "#991") > 0);
	CHECK(asked() == 0);
	CHECK(leads_to(t, "#990") > 0 && asked() == 1);
	server.says_absent = true;
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "no%d", i);
		CHECK(leads_to(t, name) == -ENOENT && t->nabsent <= 10);
	}
	tree_put(t, used);
	tree_get(t, data)->data = NULL;
	tree_put(t, data);
	CHECK(tree_size(t) == 1 + 10);
	finish(t);
}

static uint64_t next_id;

/* Directories without end. */
static bool invent_directory(const char *name, struct fuse_entry_out *e)
{
	struct served s = { 0, name, ++next_id, S_IFDIR | 0755, 0 };

	*e = entry_of(&s);
	return name[0] == 'd';
}

static void bounds_what_is_only_on_the_way(void)
{
	struct tree *t = serve(10);
	char path[200] = "";

	next_id = 10;
	server.invent = invent_directory;
	server.says_absent = true;
	for (int i = 0; i < 99; i++)
		strcat(path, "d/");
	for (int i = 0; i < 20; i++) {
		path[0] = i % 2 ? 'd' : 'e';
		leads_to(t, path);
		path[0] = 'd';
		strcpy(path + 196, "no");
		CHECK(leads_to(t, path) == -ENOENT);
		CHECK(tree_size(t) <= 11);
	}
	finish(t);
}

/* Each name is the same file. */
static bool invent_link(const char *name, struct fuse_entry_out *e)
{
	struct served s = { 0, name, 5, S_IFREG | 0644, 0 };

	*e = entry_of(&s);
	return true;
}

static void bounds_names_of_a_node(void)
{
	struct tree *t = serve(1000);
	char name[16];

	server.invent = invent_link;
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "l%d", i);
		CHECK(leads_to(t, name) == 5);
	}
	CHECK(tree_size(t) == 2 && t->entries.count <= 64);
	CHECK(t->nextra == t->entries.count - 1);
	asked();
	CHECK(leads_to(t, "l999") == 5 && leads_to(t, "l950") == 5);
	CHECK(asked() == 0);
	finish(t);
}

/* --- those with data --- */

static unsigned met;

static void count_data(void *arg, struct node *n)
{
	CHECK(n->data == arg);
	met++;
}

static void take_data(void *arg, struct node *n)
{
	count_data(arg, n);
	n->data = NULL;
}

static void meets_all_with_data(void)
{
	struct tree *t = serve(3);
	struct fuse_attr_out bad = { .attr.mode = S_IFLNK };
	struct node *n;
	char name[16];

	for (int i = 0; i < 50; i++) {
		snprintf(name, sizeof(name), "#%d", i);
		n = walked(t, name);
		if (i % 2)
			n->data = t;
		if (i % 7 == 0)
			tree_learn(t, n, &bad);
		tree_put(t, n);
	}
	CHECK(tree_size(t) == 1 + 25 + 3);
	tree_each_data(t, count_data, t);
	CHECK(met == 25);
	tree_each_data(t, take_data, t);
	CHECK(met == 50 && tree_size(t) == 1 + 3);
	tree_each_data(t, count_data, t);
	CHECK(met == 50);
	finish(t);
}

/* --- what it costs --- */

static size_t memory(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static void costs_little(void)
{
	enum { MANY = 100000 };
	struct tree *t = serve(MANY);
	size_t before = memory(), each;
	char name[32];

	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "#%d.longer", i);
		CHECK(leads_to(t, name) == FIRST_MADE + i);
	}
	CHECK(tree_size(t) == MANY + 1);
	each = (memory() - before) / MANY;
	printf("# %zu bytes for each name with its node\n", each);
	CHECK(each < 400);
	asked();
	CHECK(leads_to(t, "#0.longer") == FIRST_MADE && asked() == 0);
	finish(t);
}

int main(void)
{
	renames();
	exchanges();
	refuses_circles();
	says_when_a_name_is_too_long();
	directories_have_one_name();
	removed_nodes_live_while_used();
	keeps_no_more_than_told();
	bounds_what_is_only_on_the_way();
	bounds_names_of_a_node();
	meets_all_with_data();
	costs_little();
	return failures != 0;
}
