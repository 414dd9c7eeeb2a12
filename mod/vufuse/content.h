/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_CONTENT_H
#define VUFUSE_CONTENT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "include/vu/module.h"

/*
 * The content of one file: a memfd that all its openers share. What guests
 * do to it (write, map, truncate, lock) is the kernel's affair and is not
 * seen; what has changed is found when it is to be stored. Knows nothing of
 * the protocol: who has the bytes is struct content_server.
 */
struct content;

/* Bytes that were read, in their order. 0 or -errno, which ends it. */
typedef int content_sink(void *arg, const void *bytes, size_t len);

/* What is open at the server; the file it is about is arg. */
struct content_server {
	/*
	 * Hand over the bytes from off on, some at a time. Return: how many,
	 * fewer than len (SSIZE_MAX: all) at the end of the file only; or
	 * -errno, also the sink's
	 */
	ssize_t (*read)(void *arg, struct vu_ctx *ctx, off_t off, size_t len,
			content_sink *sink, void *sink_arg);
	int (*write)(void *arg, struct vu_ctx *ctx, off_t off, const void *buf,
		     size_t len);
	int (*resize)(void *arg, struct vu_ctx *ctx, off_t size);
};

/*
 * Memory of all contents together. max 0: half of what the machine has, or
 * of what our cgroup may use.
 */
struct content_pool;
struct content_pool *content_pool_new(uint64_t max);
void content_pool_free(struct content_pool *p);
uint64_t content_pool_used(struct content_pool *p);
uint64_t content_pool_max(const struct content_pool *p);

/*
 * Asked by content_fill() when the pool is full, or has very many contents,
 * on its thread: it may content_free() one that is neither used nor changed,
 * and says whether it did. It is asked again while there is no room. Of our
 * locks none is held that content_new(), _free(), _open(), _stat() or the
 * questions about use and change take; it must not fill or store.
 */
void content_pool_evictor(struct content_pool *p, bool (*evict)(void *arg),
			  void *arg);

/*
 * Nothing is in it yet; its mode is 0600, so that it cannot be executed until
 * content_mode() was called. NULL: errno tells why.
 */
struct content *content_new(struct content_pool *p, const char *name);
void content_free(struct content *c);

/*
 * Fill it with what the server has. size: what the server says, -1: read
 * until the end (a file whose size is not known). Replaces what was in it;
 * not while content_used(). 0, -ENOSPC when the pool has no room (for all
 * of the size: it is not known before what will be a hole), -errno
 */
int content_fill(struct content *c, struct vu_ctx *ctx,
		 const struct content_server *s, void *arg, off_t size);
/* The server's file is new and empty: nothing to ask for. Not while used. */
void content_empty(struct content *c);
/* It is not filled any more, as when it was new. Not while used. */
void content_forget(struct content *c);
bool content_filled(const struct content *c);

/*
 * A descriptor of its own for a guest; flags as for open(2): access mode,
 * O_APPEND, O_NONBLOCK, ... (O_TRUNC is content_truncate()'s).
 */
int content_open(struct content *c, int flags);

/* Has any guest it open or mapped; for writing? */
bool content_used(struct content *c);
bool content_written(struct content *c);

/*
 * May it differ from what the server has? Cheap; "yes" may be wrong. (What is
 * missed when it says no: see content.c.)
 */
bool content_maybe_changed(struct content *c);
/* Has it changed since, as its times tell? (They do not, of a mapping.) */
bool content_touched(struct content *c);
/*
 * Tell the server what has changed since it was filled or stored: the size,
 * then the blocks. changed: out, may be NULL: was there anything? What could
 * not be stored is tried again the next time. Return: 0, or the first error:
 * what could be stored in spite of it is, unless it is -ENOTCONN, -EINTR,
 * -ETIMEDOUT.
 */
int content_store(struct content *c, struct vu_ctx *ctx,
		  const struct content_server *s, void *arg, bool *changed);

/* Size, blocks and times as they are now. */
int content_stat(struct content *c, struct stat *st);
/*
 * truncate(2): guests see it at once, the server with the next store. One that
 * is not filled can be cut to 0 only (else -EINVAL): it is filled then, and
 * what the server has is cut first. -ETXTBSY while it is executed.
 */
int content_truncate(struct content *c, off_t size);
/* utimensat(2): times[].tv_nsec may be UTIME_OMIT, UTIME_NOW. */
int content_times(struct content *c, const struct timespec times[2]);
/* The permission bits that fstat() and exec of the descriptor see. */
int content_mode(struct content *c, mode_t mode);

#endif
