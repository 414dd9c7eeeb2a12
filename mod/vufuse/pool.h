/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_POOL_H
#define VUFUSE_POOL_H

#include <stdatomic.h>
#include <stdint.h>

#include "mod/vufuse/content.h"

/* What the pool knows of one content. */
struct pool_member {
	struct pool_member *prev, *next;
	int fd;			/* of the memfd */
	atomic_size_t beside;	/* memory that is not in it */
	uint64_t counted;	/* bytes, when they were last counted */
};

void pool_add(struct content_pool *p, struct pool_member *m);
void pool_remove(struct content_pool *p, struct pool_member *m);

/*
 * Bytes that will be used: 0 or -ENOSPC. May call the evictor, also because
 * there are many members.
 */
int pool_reserve(struct content_pool *p, uint64_t bytes);
/* They have been used, or not: count what the member really has. */
void pool_settle(struct content_pool *p, struct pool_member *m,
		 uint64_t reserved);

/* What the sums of blocks begin with. */
uint64_t pool_seed(const struct content_pool *p);

/* Half of what the machine has, or of what our cgroup may use. */
uint64_t memory_limit(void);

#endif
