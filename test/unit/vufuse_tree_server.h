/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_UNIT_VUFUSE_TREE_SERVER_H
#define TEST_UNIT_VUFUSE_TREE_SERVER_H

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mod/vufuse/entries.h"
#include "mod/vufuse/requests.h"
#include "mod/vufuse/tree.h"
#include "test/unit/check.h"

/*
 * What stands in for a server in the tests of the tree: it gives out the
 * nodes that a test has named, counts lookups as a server does, and can do
 * something between a question and its answer.
 */

#define IDS 400000
#define FIRST_MADE 1000		/* "#7" is file FIRST_MADE + 7 in each dir */

struct served {
	uint64_t dir;
	const char *name;
	uint64_t id;
	mode_t mode;
	uint64_t generation;
};

static struct {
	struct served served[64];
	size_t n;
	uint64_t entry_valid, attr_valid;
	uint32_t nsec;
	bool says_absent;	/* with nodeid 0, else -ENOENT */
	uint64_t size;		/* of all files */
	mode_t getattr_mode;	/* instead of the right one */
	void (*meanwhile)(void);	/* once, before an answer arrives */
	bool (*invent)(const char *name, struct fuse_entry_out *e);
	_Atomic unsigned lookups, getattrs;
	_Atomic int64_t counted[IDS];
} server;

static inline struct tree *serve(size_t nodes)
{
	memset(&server, 0, sizeof(server));
	server.entry_valid = server.attr_valid = 1000;
	return tree_new(NULL, S_IFDIR, nodes);
}

static inline void add(uint64_t dir, const char *name, uint64_t id, mode_t mode)
{
	server.served[server.n++] =
		(struct served){ dir, name, id, mode | 0644, 0 };
}

static inline struct served *served(uint64_t dir, const char *name)
{
	for (size_t i = 0; i < server.n; i++) {
		struct served *s = &server.served[i];

		if (s->dir == dir && !strcmp(s->name, name))
			return s;
	}
	return NULL;
}

static inline struct fuse_entry_out entry_of(const struct served *s)
{
	return (struct fuse_entry_out){
		.nodeid = s->id, .generation = s->generation,
		.entry_valid = server.entry_valid,
		.entry_valid_nsec = server.nsec,
		.attr_valid = server.attr_valid,
		.attr_valid_nsec = server.nsec,
		.attr = { .ino = s->id, .mode = s->mode, .size = server.size },
	};
}

/* As an answer that makes a name: counted. */
static inline struct fuse_entry_out made(uint64_t id, mode_t mode)
{
	struct served s = { 0, NULL, id, mode | 0644, 0 };

	if (id)
		server.counted[id]++;
	return entry_of(&s);
}

static inline void happens_meanwhile(void)
{
	void (*f)(void) = server.meanwhile;

	if (f) {
		server.meanwhile = NULL;
		f();
	}
}

static inline bool answer(uint64_t dir, const char *name,
			  struct fuse_entry_out *e)
{
	const struct served *s = served(dir, name);
	struct served file = { dir, name, 0, S_IFREG | 0644, 0 };

	if (!s && server.invent)
		return server.invent(name, e);
	if (!s && name[0] == '#') {
		file.id = FIRST_MADE + strtoul(name + 1, NULL, 10);
		s = &file;
	}
	if (s)
		*e = entry_of(s);
	return s != NULL;
}

int ask_lookup(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
	       const char *name, struct fuse_entry_out *e)
{
	bool found = answer(dir, name, e);

	(void)c, (void)ctx;
	server.lookups++;
	if (found)
		server.counted[e->nodeid]++;
	else
		*e = (struct fuse_entry_out){
			.entry_valid = server.entry_valid };
	happens_meanwhile();
	return found || server.says_absent ? 0 : -ENOENT;
}

int ask_getattr(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		const uint64_t *fh, struct fuse_attr_out *a)
{
	mode_t mode = node == FUSE_ROOT_ID ? S_IFDIR : S_IFREG;

	(void)c, (void)ctx, (void)fh;
	server.getattrs++;
	for (size_t i = 0; i < server.n; i++)
		if (server.served[i].id == node)
			mode = server.served[i].mode;
	if (server.getattr_mode)
		mode = server.getattr_mode;
	*a = (struct fuse_attr_out){
		.attr_valid = server.attr_valid,
		.attr = { .ino = node, .mode = mode, .size = server.size } };
	happens_meanwhile();
	return 0;
}

void conn_forget(struct conn *c, uint64_t node, uint64_t nlookup)
{
	(void)c;
	server.counted[node] -= nlookup;
}

/* Nothing is used any more: all must go, and be given back. */
static inline void finish(struct tree *t)
{
	t->max = 0;
	tree_put(t, tree_node(t, FUSE_ROOT_ID));
	CHECK(tree_size(t) == 1);
	CHECK(t->entries.count == 0);
	for (size_t i = 0; i < IDS; i++)
		CHECK(server.counted[i] == 0);
	tree_free(t);
}

/* The number that a name leads to, or -errno. */
static inline int64_t leads_to(struct tree *t, const char *path)
{
	struct node *n;
	int err = tree_walk(t, NULL, path, &n);
	int64_t id = err;

	if (!err) {
		id = n->id;
		tree_put(t, n);
	}
	return id;
}

static inline struct node *walked(struct tree *t, const char *path)
{
	struct node *n = NULL;

	CHECK(tree_walk(t, NULL, path, &n) == 0);
	if (!n) {
		printf("# no %s\n", path);
		exit(1);
	}
	return n;
}

static inline bool is_named(struct tree *t, struct node *n, const char *name)
{
	char buf[PATH_MAX];
	ssize_t len = tree_name(t, n, buf, sizeof(buf));

	return len == (ssize_t)strlen(name) && !strcmp(buf, name);
}

/* What was asked since the last time. */
static inline unsigned asked(void)
{
	return atomic_exchange(&server.lookups, 0);
}

static inline unsigned asked_attr(void)
{
	return atomic_exchange(&server.getattrs, 0);
}

#endif
