/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_CONTENT_INNER_H
#define VUFUSE_CONTENT_INNER_H

#include <pthread.h>

#include "mod/vufuse/content.h"
#include "mod/vufuse/pool.h"
#include "mod/vufuse/sums.h"

/* How much is written to the server at once, and reserved to be read. */
enum { CONTENT_PIECE = 1 << 20 };

struct content {
	struct content_pool *pool;
	struct pool_member member;
	uint64_t seed;
	int fd;			/* for reading only: see memfile.c */

	pthread_mutex_t work;	/* filling and storing; before the other */
	struct sums sums;	/* of what the server has */
	bool summed;		/* else they are still to be taken */
	off_t server_size;	/* -1: not known */
	bool discard;		/* cut to 0 at the server first */

	pthread_mutex_t lock;	/* short: what is done with the memfd */
	bool filled;
	bool opened;		/* for writing, since the last store */
	struct timespec changed;	/* ctime and size at that time */
	off_t size;
};

/* Take the sums of what was filled, if that was not done yet. 0 or -errno */
int content_know(struct content *c);
/* With the work lock held: if it was not, nothing is known of any block. */
int content_doubt(struct content *c);
/* With the lock held: what is there now counts as known from here on. */
void content_look(struct content *c);
/* With the lock held: as content_maybe_changed(). */
bool content_differs(struct content *c);

#endif
