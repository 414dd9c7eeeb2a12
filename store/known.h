/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef STORE_KNOWN_H
#define STORE_KNOWN_H

#include <stdatomic.h>
#include "store/store.h"

/*
 * What a store knows, by name: a node for each name with something to
 * remember, and for those above it. No locks here, but for names_may_have().
 */

enum node_flag {
	NODE_STORE	= 1 << 0,	/* the store has an object */
	NODE_HIDE	= 1 << 1,	/* the target's is not seen */
};

struct node {
	struct node *parent, *child, *next, **link;
	struct node *chain;		/* of the hash */
	char *from;			/* origin, or NULL */
	struct node *from_next;		/* all that have one */
	struct store_attr attr;
	int subdirs;		/* what the children add to nlink */
	int counted;		/* what this one adds to its parent's */
	unsigned flags;
	unsigned len;
	char name[];
};

/*
 * The names that nodes have or had, as a set that may say yes too often and
 * is read while it grows.
 */
#define NAMES_BITS (1u << 20)

struct known {
	struct node *root;
	struct node **hash;
	size_t size, n;			/* buckets (a power of 2), nodes */
	struct node *moved;		/* those with a from */
	void (*mark)(const char *name, size_t len);	/* told of each, or NULL */
	_Atomic size_t restricted;	/* directories that not all may search */
	_Atomic size_t shut;		/* nor even their owners */
	_Atomic uint64_t names[NAMES_BITS / 64];
};

struct known *known_new(void);
void known_free(struct known *t);

bool names_may_have(const struct known *t, const char *name, size_t len);

struct node *known_child(const struct known *t, const struct node *dir,
			const char *name, size_t len);
struct node *known_find(const struct known *t, const char *path);
/* Found or made, with all above it. NULL: no memory */
struct node *known_make(struct known *t, const char *path);
struct node *known_make_child(struct known *t, struct node *dir,
			     const char *name, size_t len);

/* 0 or -ENOMEM; NULL: it has none any more */
int node_set_from(struct known *t, struct node *n, const char *origin);
void node_set_attr(struct known *t, struct node *n, const struct store_attr *a);
void node_clear_attr(struct known *t, struct node *n, unsigned set);

/* Forget what is below it, or it too. */
void known_drop_below(struct known *t, struct node *n);
void known_drop(struct known *t, struct node *n);

/* It becomes name in dir, with all below it. NULL: no memory, and as it was */
struct node *known_move(struct known *t, struct node *n, struct node *dir,
		       const char *name, size_t len);

/* The path of a node. Return: length or -ENAMETOOLONG */
ssize_t node_path(const struct node *n, char *buf, size_t size);

/* The next of all, parents first; NULL after the last. */
struct node *known_next(const struct node *n);

/* Cut the next component off *path. Return: its length, 0 at the end */
size_t path_step(const char **path, const char **name);

/* Put dir and name together. 0 or -ENAMETOOLONG */
int path_join(char *buf, size_t size, const char *dir, const char *name,
	      size_t len);

/* Where the last component begins; *dirlen: the length of what is before. */
const char *path_last(const char *path, size_t *dirlen);

/* Is it that name, or below it? */
bool path_within(const char *path, const char *top);

#endif
