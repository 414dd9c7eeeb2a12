/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tree of a FUSE mount keeps, and what it asks again. */
#include "vufuse_tree_server.h"

static struct tree *tree;
static struct node *used;	/* for what happens meanwhile */

static void add_some(void)
{
	add(1, "d", 2, S_IFDIR);
	add(2, "e", 3, S_IFDIR);
	add(3, "f", 4, S_IFREG);
	add(1, "g", 5, S_IFREG);
}

static void keeps_what_was_looked_up(void)
{
	struct tree *t = serve(100);
	struct node *n, *root;
	struct fuse_attr a;

	add_some();
	server.size = 7;
	n = walked(t, "d/e/f");
	CHECK(n->id == 4 && n->type == S_IFREG && asked() == 3);
	CHECK(leads_to(t, "d/e/f") == 4 && leads_to(t, "d/e") == 3);
	CHECK(leads_to(t, "d/e/f") == 4 && asked() == 0);
	CHECK(tree_attr(t, NULL, n, &a) == 0 && a.size == 7 && a.ino == 4);
	CHECK(asked_attr() == 0);
	CHECK(tree_size(t) == 4);
	root = walked(t, "");
	CHECK(root->id == FUSE_ROOT_ID && root->type == S_IFDIR);
	CHECK(tree_attr(t, NULL, root, &a) == 0 && asked_attr() == 1);
	CHECK(tree_attr(t, NULL, root, &a) == 0 && asked_attr() == 0);
	CHECK(is_named(t, root, "") && is_named(t, n, "d/e/f"));
	tree_put(t, root);
	tree_put(t, n);
	finish(t);
}

static void refuses_what_is_no_path(void)
{
	struct tree *t = serve(100);
	char name[NAME_MAX + 2], path[PATH_MAX + 1];

	add_some();
	memset(name, 'n', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	memset(path, 'p', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	CHECK(leads_to(t, "g/x") == -ENOTDIR);
	CHECK(leads_to(t, "d/e/f/x") == -ENOTDIR);
	CHECK(leads_to(t, "d/none/x") == -ENOENT);
	asked();
	CHECK(leads_to(t, "d//e") == -EINVAL);
	CHECK(leads_to(t, name) == -EINVAL);
	CHECK(leads_to(t, path) == -ENAMETOOLONG);
	CHECK(asked() == 0);
	tree_stale_entry(t, 1, path);
	finish(t);
}

static void finds_parents(void)
{
	struct tree *t = serve(100);
	const char *path = "d/e/new", *name = NULL;
	struct node *dir = NULL;

	add_some();
	CHECK(tree_walk_parent(t, NULL, path, &dir, &name) == 0);
	CHECK(dir->id == 3 && name == path + 4 && asked() == 2);
	tree_put(t, dir);
	path = "top";
	CHECK(tree_walk_parent(t, NULL, path, &dir, &name) == 0);
	CHECK(dir->id == FUSE_ROOT_ID && name == path && asked() == 0);
	tree_put(t, dir);
	CHECK(tree_walk_parent(t, NULL, "", &dir, &name) == -EINVAL);
	CHECK(tree_walk_parent(t, NULL, "g/x", &dir, &name) == -ENOTDIR);
	CHECK(tree_walk_parent(t, NULL, "n/x", &dir, &name) == -ENOENT);
	finish(t);
}

static void keeps_absence_as_told(void)
{
	struct tree *t = serve(100);

	CHECK(leads_to(t, "x") == -ENOENT && leads_to(t, "x") == -ENOENT);
	CHECK(asked() == 2 && t->entries.count == 0);
	server.says_absent = true;
	CHECK(leads_to(t, "x") == -ENOENT && leads_to(t, "x") == -ENOENT);
	CHECK(leads_to(t, "x/y") == -ENOENT);
	CHECK(asked() == 1 && t->entries.count == 1);
	add(1, "x", 9, S_IFREG);
	CHECK(leads_to(t, "x") == -ENOENT && asked() == 0);
	tree_stale_entry(t, 1, "x");
	CHECK(leads_to(t, "x") == 9 && asked() == 1);
	server.entry_valid = 0;
	CHECK(leads_to(t, "y") == -ENOENT && t->entries.count == 1);
	finish(t);
}

static void asks_when_time_is_over(void)
{
	struct tree *t = serve(100);
	struct fuse_attr a;
	struct node *n;

	add_some();
	server.entry_valid = server.attr_valid = 0;
	n = walked(t, "d/e/f");
	CHECK(leads_to(t, "d/e/f") == 4 && asked() == 6);
	CHECK(tree_attr(t, NULL, n, &a) == 0 && asked_attr() == 1);
	CHECK(tree_attr(t, NULL, n, &a) == 0 && asked_attr() == 1);
	CHECK(tree_size(t) == 4 && server.counted[4] == 2);
	CHECK(is_named(t, n, "d/e/f"));
	server.nsec = 1;
	CHECK(leads_to(t, "g") == 5 && leads_to(t, "g") == 5 && asked() == 2);
	/* more than there is */
	server.entry_valid = server.attr_valid = UINT64_MAX;
	server.nsec = UINT32_MAX;
	CHECK(leads_to(t, "g") == 5 && leads_to(t, "g") == 5 && asked() == 1);
	server.entry_valid = UINT64_MAX / 1000000000;
	CHECK(leads_to(t, "d") == 2 && leads_to(t, "d") == 2 && asked() == 1);
	/* no validity says: nothing of this is gone */
	server.entry_valid = 0;
	tree_stale_entry(t, 1, "d");
	CHECK(is_named(t, n, "d/e/f"));
	tree_put(t, n);
	finish(t);
}

static void knows_hard_links(void)
{
	struct tree *t = serve(100);
	struct node *n, *d;
	struct fuse_attr a;
	char buf[4];

	add_some();
	add(2, "link", 5, S_IFREG);
	n = walked(t, "g");
	CHECK(leads_to(t, "d/link") == 5 && is_named(t, n, "d/link"));
	CHECK(leads_to(t, "g") == 5 && is_named(t, n, "g"));
	CHECK(leads_to(t, "d/link") == 5 && is_named(t, n, "d/link"));
	CHECK(tree_name(t, n, buf, sizeof(buf)) == -ERANGE);
	CHECK(asked() == 3 && server.counted[5] == 2 && tree_size(t) == 3);
	d = walked(t, "d");
	tree_removed(t, d, "link");
	CHECK(is_named(t, n, "g") && leads_to(t, "g") == 5 && asked() == 0);
	/* it has a link less now */
	CHECK(tree_attr(t, NULL, n, &a) == 0 && asked_attr() == 1);
	tree_put(t, d);
	tree_put(t, n);
	CHECK(tree_size(t) == 3);
	finish(t);
}

/* A directory had the number. */
static void make_another(struct tree *t, uint64_t id)
{
	struct fuse_entry_out e = made(id, S_IFREG);
	struct node *root = walked(t, ""), *old = tree_node(t, id), *n;

	CHECK(tree_entered(t, root, "y", &e, &n) == 0);
	CHECK(n != old && n->id == id && n->type == S_IFREG);
	CHECK(is_named(t, n, "y"));
	tree_put(t, old);
	old = tree_node(t, id);
	CHECK(old == n);
	tree_removed(t, root, "y");
	tree_put(t, old);
	tree_put(t, n);
	tree_put(t, root);
}

static void notices_another_node(void)
{
	struct tree *t = serve(100);
	struct fuse_attr a;
	struct node *old;

	add(1, "x", 7, S_IFREG);
	add(1, "other", 7, S_IFREG);
	old = walked(t, "x");
	tree_stale_entry(t, 1, "x");
	served(1, "x")->id = 8;
	CHECK(leads_to(t, "x") == 8 && leads_to(t, "other") == 7);
	CHECK(is_named(t, old, "other"));
	CHECK(tree_attr(t, NULL, old, &a) == 0);
	tree_put(t, old);
	server.n = 0;
	tree_stale_entry(t, 1, "x");
	CHECK(leads_to(t, "x") == -ENOENT && asked() == 4);
	finish(t);
}

static void notices_another_with_its_number(void)
{
	struct tree *t = serve(100);
	struct fuse_attr a;
	struct node *old, *n;

	add(1, "x", 7, S_IFREG);
	old = walked(t, "x");
	tree_stale_entry(t, 1, "x");
	served(1, "x")->generation = 1;
	n = walked(t, "x");
	CHECK(n != old && n->id == 7 && is_named(t, n, "x"));
	CHECK(tree_name(t, old, (char[9]){ 0 }, 9) == -ENOENT);
	CHECK(tree_attr(t, NULL, old, &a) == -EIO);
	CHECK(tree_attr(t, NULL, n, &a) == 0);
	tree_put(t, old);
	old = n;
	tree_stale_entry(t, 1, "x");
	served(1, "x")->mode = S_IFDIR;
	n = walked(t, "x");
	CHECK(n != old && n->type == S_IFDIR && old->type == S_IFREG);
	CHECK(tree_attr(t, NULL, old, &a) == -EIO);
	tree_put(t, old);
	tree_put(t, n);
	make_another(t, 7);
	finish(t);
}

static void distrusts_a_changed_type(void)
{
	struct fuse_attr_out out = { .attr.mode = S_IFLNK };
	struct tree *t = serve(100);
	struct fuse_attr a;
	struct node *n, *root;

	add_some();
	n = walked(t, "g");
	tree_stale(t, n);
	server.getattr_mode = S_IFDIR;
	CHECK(tree_attr(t, NULL, n, &a) == -EIO);
	server.getattr_mode = 0;
	CHECK(tree_attr(t, NULL, n, &a) == -EIO);
	tree_put(t, n);
	CHECK(server.counted[5] == 0);
	n = walked(t, "g");
	CHECK(tree_attr(t, NULL, n, &a) == 0);
	tree_learn(t, n, &out);
	CHECK(tree_attr(t, NULL, n, &a) == -EIO);
	tree_put(t, n);
	root = walked(t, "");
	server.getattr_mode = S_IFREG;
	CHECK(tree_attr(t, NULL, root, &a) == -EIO);
	CHECK(leads_to(t, "") == -EIO && leads_to(t, "d") == -EIO);
	tree_put(t, root);
	finish(t);
}

static void learns_attributes(void)
{
	struct fuse_attr_out out = { .attr_valid = 9,
				     .attr = { .mode = S_IFREG, .size = 3 } };
	struct tree *t = serve(100);
	struct fuse_attr a;
	struct node *n;

	add_some();
	n = walked(t, "g");
	tree_learn(t, n, &out);
	CHECK(tree_attr(t, NULL, n, &a) == 0 && a.size == 3);
	CHECK(asked_attr() == 0);
	server.size = 4;
	tree_stale_id(t, 5);
	tree_stale_id(t, 77);
	tree_stale_entry(t, 77, "g");
	CHECK(tree_attr(t, NULL, n, &a) == 0 && a.size == 4);
	CHECK(asked_attr() == 1);
	tree_stale(t, n);
	CHECK(tree_attr(t, NULL, n, &a) == 0 && asked_attr() == 1);
	tree_put(t, n);
	finish(t);
}

/* --- answers that come late --- */

static void remove_it(void)
{
	tree_removed(tree, used, "g");
}

static void rename_it(void)
{
	tree_renamed(tree, used, "g", used, "h", false);
}

static void rename_over_it(void)
{
	tree_renamed(tree, used, "h", used, "g", false);
}

static void hear_of_it(void)
{
	tree_stale_entry(tree, FUSE_ROOT_ID, "g");
}

static void does_not_keep_late_names(void)
{
	void (*change[])(void) = { remove_it, rename_it, rename_over_it,
				   hear_of_it };

	for (size_t i = 0; i < sizeof(change) / sizeof(*change); i++) {
		tree = serve(100);
		add_some();
		used = walked(tree, "");
		server.meanwhile = change[i];
		CHECK(leads_to(tree, "g") == 5 && asked() == 1);
		CHECK(tree->entries.count == 0 && server.counted[5] == 0);
		CHECK(leads_to(tree, "g") == 5 && asked() == 1);
		CHECK(leads_to(tree, "g") == 5 && asked() == 0);
		tree_put(tree, used);
		finish(tree);
	}
}

static void make_it(void)
{
	struct fuse_entry_out e = made(6, S_IFREG);

	CHECK(tree_entered(tree, used, "new", &e, NULL) == 0);
}

static void keeps_the_newer_name(void)
{
	for (int i = 0; i < 3; i++) {
		tree = serve(100);
		server.says_absent = i > 0;
		if (i == 2)
			add(1, "new", 7, S_IFREG);
		used = walked(tree, "");
		server.meanwhile = make_it;
		CHECK(leads_to(tree, "new") == (i == 2 ? 7 : -ENOENT));
		asked();
		CHECK(leads_to(tree, "new") == 6 && asked() == 0);
		tree_put(tree, used);
		finish(tree);
	}
}

static void believes_the_later_of_two(void)
{
	struct tree *t = tree = serve(100);
	struct node *n;

	add(1, "g", 5, S_IFREG);
	used = walked(t, "");
	server.entry_valid = 0;
	n = walked(t, "g");
	served(1, "g")->id = 6;
	CHECK(leads_to(t, "g") == 6);
	CHECK(tree_name(t, n, (char[9]){ 0 }, 9) == -ENOENT);
	tree_put(t, n);
	CHECK(server.counted[5] == 0 && server.counted[6] == 1);
	CHECK(leads_to(t, "g") == 6 && server.counted[6] == 2);
	tree_put(t, used);
	finish(t);
}

static void lists(void)
{
	struct tree *t = tree = serve(100);
	struct fuse_entry_out e;
	uint64_t since = tree_now(t);
	struct node *n;

	used = walked(t, "");
	e = made(5, S_IFREG);
	CHECK(tree_listed(t, since, used, "g", &e, &n) == 0);
	CHECK(leads_to(t, "g") == 5 && asked() == 0 && n->id == 5);
	tree_put(t, n);
	e = made(6, S_IFREG);
	CHECK(tree_listed(t, since, used, "h", &e, NULL) == 0);
	CHECK(leads_to(t, "h") == 6 && asked() == 0);
	tree_removed(t, used, "g");
	e = made(5, S_IFREG);
	CHECK(tree_listed(t, since, used, "g", &e, NULL) == 0);
	CHECK(leads_to(t, "g") == -ENOENT && server.counted[5] == 0);
	tree_put(t, used);
	finish(t);
}

static void learn_it(void)
{
	struct fuse_attr_out out = { .attr_valid = 9,
				     .attr = { .mode = S_IFREG, .size = 3 } };

	tree_learn(tree, used, &out);
}

static void spoil_it(void)
{
	tree_stale(tree, used);
}

static void hear_of_node(void)
{
	tree_stale_id(tree, 5);
}

static void drop_it(void)
{
	tree_stale(tree, used);
	tree_put(tree, used);
	CHECK(tree_size(tree) == 1);
}

static void does_not_keep_late_attributes(void)
{
	struct fuse_attr a;

	tree = serve(100);
	add_some();
	server.size = 1;
	used = walked(tree, "g");
	tree_stale(tree, used);
	server.meanwhile = learn_it;
	CHECK(tree_attr(tree, NULL, used, &a) == 0 && a.size == 1);
	CHECK(tree_attr(tree, NULL, used, &a) == 0 && a.size == 3);
	CHECK(asked_attr() == 1);
	tree_stale(tree, used);
	server.meanwhile = spoil_it;
	CHECK(tree_attr(tree, NULL, used, &a) == 0);
	CHECK(tree_attr(tree, NULL, used, &a) == 0 && asked_attr() == 2);
	/* the same in the answer of a LOOKUP */
	tree_stale_entry(tree, 1, "g");
	server.meanwhile = learn_it;
	CHECK(leads_to(tree, "g") == 5);
	CHECK(tree_attr(tree, NULL, used, &a) == 0 && a.size == 3);
	tree_put(tree, used);
	finish(tree);
}

/* The node is not there when its attributes change, or not any more. */
static void does_not_learn_from_before(void)
{
	struct fuse_attr a;

	tree = serve(0);	/* what is not used goes at once */
	add_some();
	server.meanwhile = hear_of_node;
	used = walked(tree, "g");
	CHECK(tree_attr(tree, NULL, used, &a) == 0 && asked_attr() == 1);
	tree_stale_entry(tree, 1, "g");
	server.meanwhile = drop_it;
	used = walked(tree, "g");
	CHECK(server.counted[5] == 1);
	CHECK(tree_attr(tree, NULL, used, &a) == 0 && asked_attr() == 1);
	tree_put(tree, used);
	used = walked(tree, "g");
	CHECK(tree_attr(tree, NULL, used, &a) == 0 && asked_attr() == 0);
	tree_put(tree, used);
	finish(tree);
}

int main(void)
{
	keeps_what_was_looked_up();
	refuses_what_is_no_path();
	finds_parents();
	keeps_absence_as_told();
	asks_when_time_is_over();
	knows_hard_links();
	notices_another_node();
	notices_another_with_its_number();
	distrusts_a_changed_type();
	learns_attributes();
	does_not_keep_late_names();
	keeps_the_newer_name();
	believes_the_later_of_two();
	lists();
	does_not_keep_late_attributes();
	does_not_learn_from_before();
	return failures != 0;
}
