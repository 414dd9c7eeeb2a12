/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * Nodes are found by the server's number, names by (directory, name). A name
 * belongs to its directory and leads to a node, or says that there is none.
 * The directories form a tree: each has at most one name, and one that would
 * come to be below itself is refused, so who goes up by names always ends.
 *
 * A node that is not used stays for its names, and a directory for the names
 * in it, so that a used node always has its path. When it has no name left
 * nobody can come to it: it is dropped, and what is only below it as well,
 * one after the other when the lock is given back, never by recursion. Until
 * then it may get another name, as in a rename.
 *
 * Nothing grows without bound, whatever a server makes up: nodes that nobody
 * uses, names that do not exist, and names of a node beyond its first are
 * at most "max" each. The rest is held by guests.
 */
#include "mod/vufuse/entries.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define ALIASES_MAX 64		/* names of one node */

static uint32_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15u;
	return h >> 32;
}

struct key key_of(struct inode *dir, const char *name, size_t len)
{
	/* a guest that makes names collide has to know our addresses */
	uint64_t h = (uintptr_t)dir * 0xff51afd7ed558ccdu;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 1099511628211u;
	return (struct key){ dir, name, len, mix(h) };
}

static struct inode *inode_at(const struct link *l)
{
	return (struct inode *)((char *)l - offsetof(struct inode, link));
}

static uint32_t inode_hash(const struct link *l)
{
	return mix(inode_at(l)->node.id);
}

static uint32_t entry_hash(const struct link *l)
{
	return ((const struct entry *)l)->hash;
}

/* --- nodes --- */

struct inode *inode_alloc(uint64_t id, mode_t type, uint64_t generation)
{
	struct inode *i = calloc(1, sizeof(*i));

	if (i) {
		i->node.id = id;
		i->node.type = type;
		i->generation = generation;
		i->refs = 1;
	}
	return i;
}

struct inode *inode_find(const struct tree *t, uint64_t id)
{
	struct link *l = buckets_at(&t->inodes, mix(id));

	for (; l; l = l->next) {
		struct inode *i = inode_at(l);

		if (i->node.id == id && (!i->bad || i == t->root))
			return i;
	}
	return NULL;
}

static enum place where(const struct tree *t, const struct inode *i)
{
	if (i->refs || i->node.data || i == t->root)
		return USED;
	if (LIST_EMPTY(&i->names))
		return DOOMED;
	return LIST_EMPTY(&i->children) ? IDLE : PINNED;
}

/* What is new in use comes first: tree_each_data() does not run after it. */
static void put_in(struct tree *t, struct inode *i, enum place place)
{
	if (place == USED)
		TAILQ_INSERT_HEAD(&t->list[USED], i, list);
	else
		TAILQ_INSERT_TAIL(&t->list[place], i, list);
	t->count[place]++;
	i->place = place;
}

static void take_out(struct tree *t, struct inode *i)
{
	TAILQ_REMOVE(&t->list[i->place], i, list);
	t->count[i->place]--;
}

/* To be called when something that where() looks at has changed. */
static void settle(struct tree *t, struct inode *i)
{
	enum place place = where(t, i);

	if (place != i->place) {
		take_out(t, i);
		put_in(t, i, place);
	}
}

void inode_add(struct tree *t, struct inode *i)
{
	/* an answer to what was asked before the last node went may be old */
	i->learned = t->gone;
	put_in(t, i, USED);
	buckets_add(&t->inodes, &i->link);
}

void inode_hold(struct tree *t, struct inode *i)
{
	if (!i->refs++)
		settle(t, i);
}

void inode_drop(struct tree *t, struct inode *i)
{
	if (!--i->refs)
		settle(t, i);
}

static void lose_names(struct tree *t, struct inode *i)
{
	while (!LIST_EMPTY(&i->names))
		entry_remove(t, LIST_FIRST(&i->names));
}

void inode_condemn(struct tree *t, struct inode *i)
{
	i->bad = true;
	lose_names(t, i);
}

/* --- names --- */

struct entry *entry_find(const struct tree *t, const struct key *k)
{
	struct link *l = buckets_at(&t->entries, k->hash);

	for (; l; l = l->next) {
		struct entry *e = (struct entry *)l;

		if (e->hash == k->hash && e->dir == k->dir &&
		    e->len == k->len && !memcmp(e->name, k->name, k->len))
			return e;
	}
	return NULL;
}

static void note_absent(struct tree *t, struct entry *e)
{
	TAILQ_INSERT_TAIL(&t->absent, e, absent);
	t->nabsent++;
}

static void note_alias(struct tree *t, struct entry *e, struct inode *i)
{
	e->inode = i;
	LIST_INSERT_HEAD(&i->names, e, alias);
	if (i->nnames++)
		t->nextra++;
}

static void unnote(struct tree *t, struct entry *e)
{
	if (!e->inode) {
		TAILQ_REMOVE(&t->absent, e, absent);
		t->nabsent--;
		return;
	}
	LIST_REMOVE(e, alias);
	if (--e->inode->nnames)
		t->nextra--;
}

void entry_touch(struct tree *t, struct entry *e)
{
	if (!e->inode) {
		TAILQ_REMOVE(&t->absent, e, absent);
		TAILQ_INSERT_TAIL(&t->absent, e, absent);
	} else if (LIST_FIRST(&e->inode->names) != e) {
		LIST_REMOVE(e, alias);
		LIST_INSERT_HEAD(&e->inode->names, e, alias);
	}
}

void entry_remove(struct tree *t, struct entry *e)
{
	unnote(t, e);
	LIST_REMOVE(e, sibling);
	buckets_remove(&t->entries, &e->link);
	if (e->inode)
		settle(t, e->inode);
	settle(t, e->dir);
	free(e);
}

/* Noted in its directory, not where it leads. NULL: no memory */
static struct entry *entry_new(struct tree *t, const struct key *k,
			       uint64_t until)
{
	struct entry *e = NULL;

	if (k->len <= NAME_MAX)
		e = malloc(offsetof(struct entry, name) + k->len);
	if (!e)
		return NULL;
	e->dir = k->dir;
	e->inode = NULL;
	e->until = until;
	e->hash = k->hash;
	e->len = k->len;
	memcpy(e->name, k->name, k->len);
	LIST_INSERT_HEAD(&k->dir->children, e, sibling);
	buckets_add(&t->entries, &e->link);
	settle(t, k->dir);
	return e;
}

/* Only what has names in it can be above another. */
static bool is_above(const struct inode *i, const struct inode *dir)
{
	const struct entry *e;

	if (i == dir || LIST_EMPTY(&i->children))
		return i == dir;
	while ((e = LIST_FIRST(&dir->names))) {
		dir = e->dir;
		if (dir == i)
			return true;
	}
	return false;
}

/* One more name is coming. */
static void make_room(struct tree *t, struct inode *i)
{
	struct entry *e, *last = NULL;

	if (S_ISDIR(i->node.type)) {
		lose_names(t, i);
		return;
	}
	if (!i->nnames || (i->nnames < ALIASES_MAX && t->nextra < t->max))
		return;
	LIST_FOREACH(e, &i->names, alias)
		last = e;
	entry_remove(t, last);
}

int entry_place(struct tree *t, const struct key *k, struct inode *i,
		uint64_t until)
{
	struct entry *e = entry_find(t, k);

	if (e && e->inode == i) {
		e->until = until;
		entry_touch(t, e);
		return 0;
	}
	if (S_ISDIR(i->node.type) && is_above(i, k->dir))
		return -EIO;
	if (e)
		entry_remove(t, e);
	make_room(t, i);
	e = entry_new(t, k, until);
	if (!e)
		return 0;
	note_alias(t, e, i);
	settle(t, i);
	return 0;
}

void entry_absent(struct tree *t, const struct key *k, uint64_t until)
{
	struct entry *e = entry_find(t, k);

	if (e)
		entry_remove(t, e);
	if (until && (e = entry_new(t, k, until)))
		note_absent(t, e);
}

/* --- all of it --- */

int entries_init(struct tree *t, mode_t type, size_t max)
{
	struct inode *root = inode_alloc(FUSE_ROOT_ID, type, 0);

	*t = (struct tree){ .max = max, .root = root };
	if (!root || buckets_init(&t->inodes, inode_hash))
		goto no_inodes;
	if (buckets_init(&t->entries, entry_hash))
		goto no_entries;
	for (int i = 0; i < PLACES; i++)
		TAILQ_INIT(&t->list[i]);
	TAILQ_INIT(&t->absent);
	inode_add(t, root);
	return 0;
no_entries:
	buckets_free(&t->inodes);
no_inodes:
	free(root);
	return -ENOMEM;
}

static void free_inode(struct inode *i)
{
	while (!LIST_EMPTY(&i->children)) {
		struct entry *e = LIST_FIRST(&i->children);

		LIST_REMOVE(e, sibling);
		free(e);
	}
	free(i->node.more);
	free(i);
}

void entries_free(struct tree *t)
{
	for (int place = 0; place < PLACES; place++) {
		struct inode_list *list = &t->list[place];

		while (!TAILQ_EMPTY(list)) {
			struct inode *i = TAILQ_FIRST(list);

			TAILQ_REMOVE(list, i, list);
			free_inode(i);
		}
	}
	buckets_free(&t->inodes);
	buckets_free(&t->entries);
}

static void uproot(struct tree *t, struct inode *i, struct inode_list *dead)
{
	lose_names(t, i);
	while (!LIST_EMPTY(&i->children))
		entry_remove(t, LIST_FIRST(&i->children));
	buckets_remove(&t->inodes, &i->link);
	take_out(t, i);
	TAILQ_INSERT_TAIL(dead, i, list);
	if (i->learned > t->gone)
		t->gone = i->learned;
}

static bool trim_one(struct tree *t, struct inode_list *dead)
{
	bool much = t->count[PINNED] + t->count[IDLE] > t->max;
	struct inode *i = TAILQ_FIRST(&t->list[DOOMED]);

	if (!i && much)
		i = TAILQ_FIRST(&t->list[IDLE]);
	if (i)
		uproot(t, i, dead);
	else if (t->nabsent && (much || t->nabsent > t->max))
		entry_remove(t, TAILQ_FIRST(&t->absent));
	else
		return false;
	return true;
}

void entries_trim(struct tree *t, struct inode_list *dead)
{
	while (trim_one(t, dead))
		;
}
