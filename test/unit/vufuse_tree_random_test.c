/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Servers that answer anything, and users who do anything in any order, by
 * one thread and by several: the tree must stay a tree, and in the end each
 * lookup must have been given back.
 */
#include "vufuse_tree_server.h"

#include <stdint.h>

#define NODES 40
#define HELD 12
#define ROUNDS 60000
#define THREADS 4

/* Numbers that are the same each time, for one thread. */
static _Atomic uint64_t drawn;

static uint32_t draw(uint32_t below)
{
	uint64_t x = atomic_fetch_add(&drawn, 1) * 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return (x >> 32) % below;
}

static mode_t usual_type(uint64_t id)
{
	return id % 3 ? S_IFDIR : S_IFREG;
}

static struct fuse_entry_out anything(void)
{
	uint64_t id = 1 + draw(NODES);
	mode_t type = draw(50) ? usual_type(id) : S_IFLNK;

	return (struct fuse_entry_out){
		.nodeid = id, .generation = !draw(50),
		.entry_valid = draw(3), .attr_valid = draw(3),
		.attr = { .ino = id, .mode = type | 0644 } };
}

static bool invent_anything(const char *name, struct fuse_entry_out *e)
{
	(void)name;
	*e = anything();
	return draw(8);
}

static const char *any_name(void)
{
	static const char *const name[] = { "a", "b", "c", "dd", "e", "f" };

	return name[draw(6)];
}

/* --- what anybody may do --- */

struct user {
	struct tree *tree;
	struct node *held[HELD];
};

static void any_path(char *path)
{
	*path = '\0';
	for (uint32_t n = draw(6); n; n--) {
		strcat(path, any_name());
		if (n > 1)
			strcat(path, "/");
	}
}

static void walks(struct user *u, struct node **slot)
{
	char path[64];

	any_path(path);
	if (tree_walk(u->tree, NULL, path, slot))
		*slot = NULL;
}

static void walks_to_parent(struct user *u, struct node **slot)
{
	const char *name;
	char path[64];

	any_path(path);
	if (tree_walk_parent(u->tree, NULL, path, slot, &name))
		*slot = NULL;
}

static struct node *any_held(struct user *u)
{
	struct node *n = u->held[draw(HELD)];

	return n && S_ISDIR(n->type) ? n : NULL;
}

static void enters(struct user *u, struct node *dir, struct node **slot)
{
	struct fuse_entry_out e = anything();

	server.counted[e.nodeid]++;
	if (draw(2)) {
		if (tree_entered(u->tree, dir, any_name(), &e, slot))
			*slot = NULL;
	} else {
		tree_listed(u->tree, tree_now(u->tree) - draw(2), dir,
			    any_name(), &e, NULL);
	}
}

static void changes_directory(struct user *u, struct node *dir,
			      struct node **slot)
{
	struct node *to = any_held(u);

	switch (draw(4)) {
	case 0:
		enters(u, dir, slot);
		break;
	case 1:
		tree_removed(u->tree, dir, any_name());
		break;
	default:
		tree_renamed(u->tree, dir, any_name(), to ? to : dir,
			     any_name(), draw(3) == 0);
	}
}

static void changes_node(struct user *u, struct node *n)
{
	char path[PATH_MAX];
	struct fuse_attr a;

	switch (draw(5)) {
	case 0:
		tree_attr(u->tree, NULL, n, &a);
		break;
	case 1:
		tree_stale(u->tree, n);
		break;
	case 2:
		CHECK(tree_name(u->tree, n, path, sizeof(path)) < PATH_MAX);
		break;
	default:
		n->data = draw(4) ? NULL : u;
	}
}

static void nothing(void *arg, struct node *n)
{
	(void)arg, (void)n;
}

static void notices(struct user *u)
{
	switch (draw(12)) {
	case 0:
		tree_each_data(u->tree, nothing, NULL);
		break;
	case 1:
		tree_stale_id(u->tree, draw(NODES));
		break;
	default:
		tree_stale_entry(u->tree, draw(NODES), any_name());
	}
}

static void drops(struct user *u, struct node **slot)
{
	if (*slot)
		tree_put(u->tree, *slot);
	*slot = NULL;
}

static void acts(struct user *u)
{
	struct node **slot = &u->held[draw(HELD)];
	struct node *dir = any_held(u);

	/* the directory must stay held while its slot is filled anew */
	if (dir)
		tree_get(u->tree, dir);
	switch (draw(6)) {
	case 0:
		if (*slot)
			changes_node(u, *slot);
		break;
	case 1:
		notices(u);
		break;
	case 2:
		drops(u, slot);
		if (dir)
			changes_directory(u, dir, slot);
		break;
	case 3:
		drops(u, slot);
		walks_to_parent(u, slot);
		break;
	default:
		drops(u, slot);
		walks(u, slot);
	}
	if (dir)
		tree_put(u->tree, dir);
}

static void without_data(void *arg, struct node *n)
{
	(void)arg;
	n->data = NULL;
}

static void lets_go(struct user *u)
{
	for (int i = 0; i < HELD; i++)
		drops(u, &u->held[i]);
	tree_each_data(u->tree, without_data, NULL);
}

/* --- what must hold --- */

static size_t steps_up(const struct tree *t, const struct inode *i)
{
	const struct entry *e;
	size_t n = 0;

	while (n <= t->inodes.count && (e = LIST_FIRST(&i->names))) {
		i = e->dir;
		n++;
	}
	return n;
}

static void check_place(const struct tree *t, const struct inode *i)
{
	bool used = i->refs || i->node.data || i == t->root;

	CHECK((i->place == USED) == used);
	CHECK(i->place != DOOMED);
	CHECK(used || !LIST_EMPTY(&i->names));
	CHECK(used || (i->place == IDLE) == LIST_EMPTY(&i->children));
	CHECK(!i->bad || LIST_EMPTY(&i->names));
	CHECK(steps_up(t, i) <= t->inodes.count);
}

static void check_names(const struct inode *i, size_t *children, size_t *extra)
{
	const struct entry *e;
	unsigned names = 0;

	LIST_FOREACH(e, &i->names, alias) {
		CHECK(e->inode == i);
		names++;
	}
	CHECK(names == i->nnames && (!S_ISDIR(i->node.type) || names <= 1));
	*extra += names ? names - 1 : 0;
	LIST_FOREACH(e, &i->children, sibling) {
		CHECK(e->dir == i);
		++*children;
	}
}

static void check_counts(struct tree *t, const uint64_t *counted,
			 size_t children, size_t extra)
{
	const struct entry *e;
	size_t absent = 0;

	TAILQ_FOREACH(e, &t->absent, absent)
		absent++;
	CHECK(absent == t->nabsent && absent <= t->max);
	CHECK(extra == t->nextra && extra <= t->max);
	CHECK(children == t->entries.count);
	for (int id = 0; id <= NODES; id++)
		CHECK(server.counted[id] == (int64_t)counted[id]);
}

static void check_all(struct tree *t)
{
	uint64_t counted[NODES + 1] = { 0 };
	size_t children = 0, extra = 0, all = 0;

	for (int place = 0; place < PLACES; place++) {
		size_t n = 0;
		struct inode *i;

		TAILQ_FOREACH(i, &t->list[place], list) {
			CHECK(i->place == place);
			counted[i->node.id] += i->nlookup;
			check_place(t, i);
			check_names(i, &children, &extra);
			n++;
		}
		CHECK(n == t->count[place]);
		all += n;
	}
	CHECK(all == t->inodes.count);
	check_counts(t, counted, children, extra);
	CHECK(t->count[IDLE] + t->count[PINNED] <= t->max ||
	      !t->count[IDLE]);
}

static struct user meanwhile_user;

static void something_meanwhile(void)
{
	acts(&meanwhile_user);
}

static void alone(size_t max)
{
	struct tree *t = serve(max);
	struct user u = { .tree = t };

	meanwhile_user.tree = t;
	server.invent = invent_anything;
	for (int i = 0; i < ROUNDS && !failures; i++) {
		server.says_absent = draw(2);
		server.meanwhile = draw(4) ? NULL : something_meanwhile;
		acts(&u);
		check_all(t);
	}
	server.meanwhile = NULL;
	lets_go(&meanwhile_user);
	lets_go(&u);
	finish(t);
}

static void *one_of_several(void *arg)
{
	struct user u = { .tree = arg };

	for (int i = 0; i < ROUNDS; i++)
		acts(&u);
	lets_go(&u);
	return NULL;
}

static void together(size_t max)
{
	struct tree *t = serve(max);
	pthread_t thread[THREADS];
	struct user last = { .tree = t };

	server.invent = invent_anything;
	server.says_absent = true;
	for (int i = 0; i < THREADS; i++)
		if (pthread_create(&thread[i], NULL, one_of_several, t))
			exit(1);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	lets_go(&last);		/* data that another has set meanwhile */
	check_all(t);
	finish(t);
}

int main(void)
{
	alone(0);
	alone(8);
	alone(1000);
	together(8);
	together(1000);
	return failures != 0;
}
