/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_BUCKETS_H
#define VUFUSE_BUCKETS_H

#include <stddef.h>
#include <stdint.h>

/* A hash table of things that have a link in them. Its owner locks. */
struct link {
	struct link *next;
};

struct buckets {
	struct link **head;
	size_t n;		/* a power of two */
	size_t count;
	uint32_t (*hash)(const struct link *l);
};

/* 0 or -ENOMEM */
int buckets_init(struct buckets *b, uint32_t (*hash)(const struct link *l));
/* What is in it belongs to the owner. */
void buckets_free(struct buckets *b);

/* Those that may have this hash begin here. */
static inline struct link *buckets_at(const struct buckets *b, uint32_t hash)
{
	return b->head[hash & (b->n - 1)];
}

/* Always succeeds: without memory to grow, the chains get longer. */
void buckets_add(struct buckets *b, struct link *l);
/* It is in there. */
void buckets_remove(struct buckets *b, struct link *l);

#endif
