/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_CONN_H
#define VUFUSE_CONN_H

#include <linux/fuse.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "include/vu/module.h"

/*
 * A connection to a FUSE server: the kernel's side of the protocol, spoken
 * over our end of a socket of whole packets whose other end the server
 * believes to be /dev/fuse.
 *
 * The server is not trusted. What it sends is checked here: an answer that
 * nobody waits for, is too short, too long or has an errno that does not
 * exist never gets further.
 */
struct conn;

enum conn_state {
	CONN_NEW,		/* opened; nothing was asked yet */
	CONN_STARTING,		/* INIT is under way */
	CONN_READY,
	CONN_DEAD,		/* all is answered with -ENOTCONN */
};

/* What the two have agreed on; constant once it is ready. */
struct conn_limits {
	uint32_t minor;		/* of protocol 7 */
	uint32_t flags;		/* FUSE_... of INIT that both know */
	uint32_t max_write;	/* bytes of one WRITE */
	uint32_t max_read;	/* bytes of one READ or READDIR */
	uint32_t together;	/* requests of one caller in flight */
};

/*
 * What the server says by itself. Called on any thread, also on one that is in
 * conn_wait(), with no lock of the connection held. A listener takes no lock
 * that is held over a call, and makes no call itself (conn_forget() it may).
 */
struct conn_listener {
	void (*stale_node)(void *arg, uint64_t node, int64_t off, int64_t len);
	void (*stale_entry)(void *arg, uint64_t dir, const char *name);
};

/*
 * Takes over the socket (not when NULL is answered); what is said on it is
 * -ENOTCONN until conn_start().
 */
struct conn *conn_new(int fd);
struct conn *conn_get(struct conn *c);
void conn_put(struct conn *c);

enum conn_state conn_state(const struct conn *c);
const struct conn_limits *conn_limits(const struct conn *c);
/*
 * The bytes that one READ should ask for: max_read, or what is left of it
 * since an answer came torn.
 */
uint32_t conn_read_size(const struct conn *c);

/* As much room for packets under way as one may have. */
void conn_room(int fd);

/*
 * Send INIT and do not wait: a server mounts before it reads.
 * @owner:	who asks when nobody does (ctx NULL)
 * @max_read:	of the mount's options; 0: none was given
 */
int conn_start(struct conn *c, uid_t uid, gid_t gid, uint32_t max_read);
/*
 * Wait until INIT is answered, as long as a server may take to daemonize.
 * 0, -ENOTCONN, -EINTR when the caller is gone
 */
int conn_ready(struct conn *c, struct vu_ctx *ctx);

/* Whom to tell what the server says by itself; before conn_start(). */
void conn_listen(struct conn *c, const struct conn_listener *l, void *arg);

/* The process that has read INIT, as our socket tells; 0: not known yet. */
pid_t conn_server(const struct conn *c);

/*
 * To be called now and then (each second): reads what the server has sent
 * while nobody waited, and notices its end.
 */
void conn_tick(struct conn *c);

/* From now on, so many milliseconds are enough where nobody asks. */
void conn_hurry(struct conn *c, long ms);

/*
 * DESTROY, bounded by a few seconds, and the end: whoever waits is answered
 * -ENOTCONN, and so is all that comes.
 */
void conn_end(struct conn *c);

/* --- requests --- */

enum { ASK_PARTS = 3 };

/*
 * One request. What in and out point to belongs to the caller and must stay
 * until conn_wait() (or conn_call(), conn_drop()) has returned.
 */
struct ask {
	uint32_t opcode;
	uint64_t node;
	struct iovec in[ASK_PARTS];	/* what follows the header */
	unsigned nin;
	struct iovec out[ASK_PARTS];	/* where the answer goes, in order */
	unsigned nout;
	size_t least;		/* of the answer: what is shorter is -EIO */
};

/* One that is under way. Zeroed by the caller; others look at torn only. */
struct flight {
	struct flight *next;
	struct ask *ask;
	uint64_t unique;
	bool done;
	bool landing;		/* somebody receives into its ask's memory */
	bool torn;		/* the answer to READ came in pieces: ask for less */
	ssize_t result;
};

/*
 * Send; the answer is waited for with conn_wait(), which has to be called
 * once for each that was begun (or conn_drop()). ctx: whose ids it bears; NULL: the owner's.
 * 0 or -errno (nothing is under way then; -ENOSYS: the server has said so
 * before, of a request that the kernel does not repeat then).
 */
int conn_begin(struct conn *c, struct vu_ctx *ctx, struct flight *f,
	       struct ask *a);
/*
 * Wait for the answer. Return: its bytes, or -errno: the server's, -EIO for
 * nonsense, -ENOTCONN when the connection has ended, -EINTR when the caller
 * is gone (vu_gone(ctx)), -ETIMEDOUT when nobody is the caller (ctx NULL) and
 * nothing came for a minute. In the last two the server is told (INTERRUPT),
 * and what it may have given (a node, an open file) is given back when
 * its answer comes after all.
 */
ssize_t conn_wait(struct conn *c, struct vu_ctx *ctx, struct flight *f);
/* Do not wait: as conn_wait() that is not answered, but at once. */
void conn_drop(struct conn *c, struct flight *f);

/* Both at once. */
ssize_t conn_call(struct conn *c, struct vu_ctx *ctx, struct ask *a);

/*
 * Send it, in the owner's name, and never mind the answer. 0; -EAGAIN: the
 * server does not keep up with it, so wait (conn_call()); -ENOMEM, -ENOTCONN
 */
int conn_post(struct conn *c, uint32_t opcode, uint64_t node, const void *body,
	      size_t size);

/* The server may forget so many lookups of a node; nobody waits. */
void conn_forget(struct conn *c, uint64_t node, uint64_t nlookup);

#endif
