/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/known.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* --- names --- */

static uint64_t hash_name(const char *name, size_t len)
{
	uint64_t h = 0xcbf29ce484222325ull;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)name[i]) * 0x100000001b3ull;
	h ^= h >> 29;
	return h * 0x9e3779b97f4a7c15ull;
}

static void names_add(struct known *t, uint64_t h)
{
	unsigned one = h % NAMES_BITS, two = (h >> 40) % NAMES_BITS;

	atomic_fetch_or(&t->names[one / 64], 1ull << one % 64);
	atomic_fetch_or(&t->names[two / 64], 1ull << two % 64);
}

bool names_may_have(const struct known *t, const char *name, size_t len)
{
	uint64_t h = hash_name(name, len);
	unsigned one = h % NAMES_BITS, two = (h >> 40) % NAMES_BITS;

	return (atomic_load(&t->names[one / 64]) >> one % 64 & 1) &&
	       (atomic_load(&t->names[two / 64]) >> two % 64 & 1);
}

size_t path_step(const char **path, const char **name)
{
	size_t n;

	*path += strspn(*path, "/");
	*name = *path;
	n = strcspn(*path, "/");
	*path += n;
	return n;
}

int path_join(char *buf, size_t size, const char *dir, const char *name,
	      size_t len)
{
	size_t n = strlen(dir);

	if (n + (n && len) + len + 1 > size)
		return -ENAMETOOLONG;
	memmove(buf, dir, n);
	if (n && len)
		buf[n++] = '/';
	memcpy(buf + n, name, len);
	buf[n + len] = '\0';
	return 0;
}

const char *path_last(const char *path, size_t *dirlen)
{
	const char *slash = strrchr(path, '/');

	*dirlen = slash ? slash - path : 0;
	return slash ? slash + 1 : path;
}

bool path_within(const char *path, const char *top)
{
	size_t n = strlen(top);

	return !n || (!strncmp(path, top, n) && (!path[n] || path[n] == '/'));
}

/* --- nodes --- */

static struct node **bucket(const struct known *t, const struct node *dir,
			    uint64_t h)
{
	h ^= (uintptr_t)dir >> 4;
	h *= 0x9e3779b97f4a7c15ull;
	return &t->hash[(h >> 32) & (t->size - 1)];
}

static struct node *node_new(const char *name, size_t len)
{
	struct node *n = calloc(1, sizeof(*n) + len + 1);

	if (n) {
		memcpy(n->name, name, len);
		n->len = len;
	}
	return n;
}

struct known *known_new(void)
{
	struct known *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->size = 1024;
	t->hash = calloc(t->size, sizeof(*t->hash));
	t->root = node_new("", 0);
	if (t->hash && t->root)
		return t;
	free(t->hash);
	free(t->root);
	free(t);
	return NULL;
}

static void hash_in(struct known *t, struct node *n)
{
	uint64_t h = hash_name(n->name, n->len);
	struct node **b = bucket(t, n->parent, h);

	n->chain = *b;
	*b = n;
	names_add(t, h);
}

static void hash_out(struct known *t, struct node *n)
{
	struct node **b = bucket(t, n->parent, hash_name(n->name, n->len));

	while (*b != n)
		b = &(*b)->chain;
	*b = n->chain;
}

/* More buckets; without memory for them it is only slower. */
static void grow(struct known *t)
{
	struct node **old = t->hash, *n, *next;
	size_t size = t->size;

	t->hash = calloc(size * 4, sizeof(*t->hash));
	if (!t->hash) {
		t->hash = old;
		return;
	}
	t->size = size * 4;
	for (size_t i = 0; i < size; i++)
		for (n = old[i]; n; n = next) {
			next = n->chain;
			hash_in(t, n);
		}
	free(old);
}

static void put_in(struct known *t, struct node *n, struct node *dir)
{
	n->parent = dir;
	n->next = dir->child;
	n->link = &dir->child;
	if (n->next)
		n->next->link = &n->next;
	dir->child = n;
	if (t->mark)
		t->mark(n->name, n->len);
	hash_in(t, n);
}

static void take_out(struct known *t, struct node *n)
{
	hash_out(t, n);
	*n->link = n->next;
	if (n->next)
		n->next->link = n->link;
}

struct node *known_child(const struct known *t, const struct node *dir,
			const char *name, size_t len)
{
	struct node *n = *bucket(t, dir, hash_name(name, len));

	while (n && (n->parent != dir || n->len != len ||
		     memcmp(n->name, name, len)))
		n = n->chain;
	return n;
}

struct node *known_make_child(struct known *t, struct node *dir,
			     const char *name, size_t len)
{
	struct node *n = known_child(t, dir, name, len);

	if (n)
		return n;
	n = node_new(name, len);
	if (!n)
		return NULL;
	if (t->n++ > t->size * 2)
		grow(t);
	put_in(t, n, dir);
	return n;
}

struct node *known_find(const struct known *t, const char *path)
{
	struct node *n = t->root;
	const char *name;
	size_t len;

	while (n && (len = path_step(&path, &name)))
		n = known_child(t, n, name, len);
	return n;
}

struct node *known_make(struct known *t, const char *path)
{
	struct node *n = t->root;
	const char *name;
	size_t len;

	while (n && (len = path_step(&path, &name)))
		n = known_make_child(t, n, name, len);
	return n;
}

int node_set_from(struct known *t, struct node *n, const char *origin)
{
	struct node **at = &t->moved;
	char *copy = origin ? strdup(origin) : NULL;

	if (origin && !copy)
		return -ENOMEM;
	if (n->from) {
		while (*at != n)
			at = &(*at)->from_next;
		*at = n->from_next;
		free(n->from);
	}
	n->from = copy;
	if (copy) {
		n->from_next = t->moved;
		t->moved = n;
	}
	return 0;
}

/* Does a directory keep these from searching it? */
static bool keeps_out(const struct store_attr *a, mode_t whom)
{
	return (a->set & STORE_TYPE) && S_ISDIR(a->mode) &&
	       (a->set & STORE_MODE) && (a->mode & whom) != whom;
}

static void count(struct known *t, const struct store_attr *a, int by)
{
	t->restricted += keeps_out(a, 0111) * by;
	t->shut += keeps_out(a, 0100) * by;
}

void node_set_attr(struct known *t, struct node *n, const struct store_attr *a)
{
	count(t, &n->attr, -1);
	n->attr.set |= a->set;
	if (a->set & STORE_TYPE)
		n->attr.mode = (n->attr.mode & 07777) | (a->mode & S_IFMT);
	if (a->set & STORE_MODE)
		n->attr.mode = (n->attr.mode & S_IFMT) | (a->mode & 07777);
	if (a->set & STORE_UID)
		n->attr.uid = a->uid;
	if (a->set & STORE_GID)
		n->attr.gid = a->gid;
	if (a->set & STORE_RDEV)
		n->attr.rdev = a->rdev;
	if (a->set & STORE_ATIME)
		n->attr.atime = a->atime;
	if (a->set & STORE_MTIME)
		n->attr.mtime = a->mtime;
	if (a->set & STORE_CTIME)
		n->attr.ctime = a->ctime;
	count(t, &n->attr, 1);
}

void node_clear_attr(struct known *t, struct node *n, unsigned set)
{
	count(t, &n->attr, -1);
	n->attr.set &= ~set;
	count(t, &n->attr, 1);
}

static void node_free(struct known *t, struct node *n)
{
	node_set_from(t, n, NULL);
	node_clear_attr(t, n, ~0u);
	n->parent->subdirs -= n->counted;
	take_out(t, n);
	free(n);
	t->n--;
}

/* A leaf below n, or n itself when it is one. */
static struct node *leaf(struct node *n)
{
	while (n->child)
		n = n->child;
	return n;
}

void known_drop_below(struct known *t, struct node *n)
{
	while (n->child)
		node_free(t, leaf(n));
}

void known_drop(struct known *t, struct node *n)
{
	known_drop_below(t, n);
	if (n != t->root)
		node_free(t, n);
}

void known_free(struct known *t)
{
	if (!t)
		return;
	known_drop_below(t, t->root);
	node_set_from(t, t->root, NULL);
	free(t->root);
	free(t->hash);
	free(t);
}

struct node *known_move(struct known *t, struct node *n, struct node *dir,
		       const char *name, size_t len)
{
	struct node *to = node_new(name, len);

	if (!to || (n->from && node_set_from(t, to, n->from))) {
		free(to);
		return NULL;
	}
	to->flags = n->flags;
	to->subdirs = n->subdirs;
	node_set_attr(t, to, &n->attr);
	t->n++;
	put_in(t, to, dir);
	while (n->child) {
		struct node *c = n->child;

		take_out(t, c);
		put_in(t, c, to);
	}
	node_free(t, n);
	return to;
}

ssize_t node_path(const struct node *n, char *buf, size_t size)
{
	size_t at = size;

	if (!size)
		return -ENAMETOOLONG;
	buf[--at] = '\0';
	for (; n->parent; n = n->parent) {
		if (at < n->len + 1)
			return -ENAMETOOLONG;
		at -= n->len;
		memcpy(buf + at, n->name, n->len);
		if (n->parent->parent)
			buf[--at] = '/';
	}
	memmove(buf, buf + at, size - at);
	return size - at - 1;
}

struct node *known_next(const struct node *n)
{
	if (n->child)
		return n->child;
	while (n && !n->next)
		n = n->parent;
	return n ? n->next : NULL;
}
