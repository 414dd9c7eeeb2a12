/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mod/vufuse/buckets.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST 64

int buckets_init(struct buckets *b, uint32_t (*hash)(const struct link *l))
{
	*b = (struct buckets){ .n = FIRST, .hash = hash };
	b->head = calloc(FIRST, sizeof(*b->head));
	return b->head ? 0 : -ENOMEM;
}

void buckets_free(struct buckets *b)
{
	free(b->head);
}

static void insert(struct buckets *b, struct link *l)
{
	struct link **head = &b->head[b->hash(l) & (b->n - 1)];

	l->next = *head;
	*head = l;
}

static void grow(struct buckets *b)
{
	struct buckets old = *b;
	struct link **head = calloc(2 * old.n, sizeof(*head));

	if (!head)
		return;
	b->head = head;
	b->n = 2 * old.n;
	for (size_t i = 0; i < old.n; i++) {
		while (old.head[i]) {
			struct link *l = old.head[i];

			old.head[i] = l->next;
			insert(b, l);
		}
	}
	free(old.head);
}

void buckets_add(struct buckets *b, struct link *l)
{
	if (b->count >= b->n)
		grow(b);
	insert(b, l);
	b->count++;
}

void buckets_remove(struct buckets *b, struct link *l)
{
	struct link **p = &b->head[b->hash(l) & (b->n - 1)];

	while (*p != l)
		p = &(*p)->next;
	*p = l->next;
	b->count--;
}
