/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_CONN_INSIDE_H
#define VUFUSE_CONN_INSIDE_H

#include <pthread.h>
#include <stdatomic.h>

#include "mod/vufuse/conn.h"

/* What conn.c, send.c, receive.c, hello.c, notice.c and outbox.c share. */

enum {
	PATIENCE_MS	= 60000,	/* with a server nobody asks for */
	GOODBYE_MS	= 3000,		/* with DESTROY */
	LOOK_MS		= 100,		/* between two looks at the caller */
	/*
	 * A packet of so much needs no more than eight contiguous pages of
	 * the kernel (17 more are put into fragments). For so many the kernel
	 * waits; more may fail, and a server would give up its answer.
	 */
	PAYLOAD_MAX	= 96 << 10,
	HEADERS		= 4096,		/* room for what goes before */
	TOGETHER	= 12,
	FLIGHT_BUCKETS	= 64,
	LATE_MAX	= 256,
	PARCELS_MAX	= 1024,
	POSTS_MAX	= 16,		/* parcels: who posts more has to wait */
	FORGET_BATCH	= 128,
	NAME_LONGEST	= 255,
};

/* A thread that waits for *done, or to receive for all. */
struct waiter {
	struct waiter *next;
	pthread_cond_t wake;
	const bool *done;
};

/* How long somebody waits. */
struct patience {
	struct vu_ctx *ctx;
	long look;		/* when to look the next time, ms */
	long begin;		/* ms */
	const atomic_long *limit;	/* how long; NULL: until the caller is gone */
};

/* An answer nobody waits for any more, which may give something. */
struct late {
	uint64_t unique, node;
	uint32_t opcode, flags;
};

/* A packet to be sent when there is room. */
struct parcel {
	struct parcel *next;
	size_t len;
	char bytes[];
};

/* What has to be sent, but must not be waited for. */
struct outbox {
	struct parcel *first, **last;
	size_t parcels;
	struct fuse_forget_one *forget;
	size_t nforget, room;
};

/* What the server says by itself. */
struct notice {
	int code;
	uint64_t node;
	int64_t off, len;
	uint64_t unique;	/* of RETRIEVE */
	char name[NAME_LONGEST + 1];
};

struct conn {
	int fd;
	atomic_uint refs;
	atomic_int state;
	atomic_long patience;	/* ms */
	atomic_ullong unknown;	/* a bit for each opcode that has no use */
	atomic_uint read_size;	/* of one READ */

	pthread_mutex_t lock;	/* guards what follows */
	bool settled;		/* neither new nor starting */
	bool receiving;		/* somebody does, and owns buf */
	bool pumped;		/* a thread is there that does nothing else */
	bool no_interrupt;
	uint64_t interrupt;	/* the last one sent */
	pid_t server;
	uint64_t unique;	/* of the last request; nobody can guess it */
	struct flight *flight[FLIGHT_BUCKETS];
	struct waiter *waiters;
	struct late late[LATE_MAX];
	unsigned next_late;
	struct outbox out;

	/* constant once INIT is sent, or is answered */
	uid_t uid;
	gid_t gid;
	const struct conn_listener *listener;
	void *listener_arg;
	struct conn_limits limits;
	uint32_t spliced_read;	/* a READ whose answer is one packet if spliced */

	char *buf;		/* of who receives */
	size_t bufsize;

	struct flight hello;
	struct ask hello_ask;
	struct fuse_init_in hello_in;
	struct fuse_init_out hello_out;
};

/* --- conn.c --- */

/* 0: go on waiting; -EINTR: the caller is gone; -ETIMEDOUT. No lock held. */
int patient(struct patience *p);
/* The answer to f is known. Lock held. */
void conn_settle(struct conn *c, struct flight *f, ssize_t result);
struct flight *conn_flight(struct conn *c, uint64_t unique);
/* Its answer shall find nobody; or it shall after all. Lock held. */
void conn_take_out(struct conn *c, struct flight *f);
void conn_put_back(struct conn *c, struct flight *f);
/* The end. Lock held. */
void conn_die(struct conn *c);
/* Wake who waits for done; NULL: all. Lock held. */
void conn_wake(struct conn *c, const bool *done);
/* Put f under way. Lock held. */
void conn_launch(struct conn *c, struct flight *f, struct ask *a);

/* --- send.c --- */

/* Send without waiting. 0 or -errno */
int conn_send(struct conn *c, struct iovec *iov, size_t n);
/* Wait for room (-EAGAIN), or a moment (any other reason). No lock held. */
void send_wait(struct conn *c, int why);
/* Wait for room. 0, -errno, -ENOTCONN, or as patient(). No lock held. */
int send_patiently(struct conn *c, struct patience *p, struct iovec *iov,
		   size_t n);
/* The header of a request: the ids are the caller's, the pid is nobody's. */
void send_address(const struct conn *c, const struct vu_ctx *ctx,
		  const struct flight *f, struct fuse_in_header *h);
/*
 * Put the header before the parts, and its length into it. iov has room for
 * ASK_PARTS + 1. Return: how many, -EINVAL: too much
 */
int send_pack(const struct ask *a, struct fuse_in_header *h,
	      struct iovec *iov);

/* --- receive.c --- */

/*
 * Receive for all, until *done (which may be NULL), nothing has come for
 * LOOK_MS (block) or nothing is there. Lock held and nobody receiving, as
 * it is again on return; let go meanwhile. Was anything there?
 */
bool conn_receive(struct conn *c, const bool *done, bool block);

/* --- hello.c --- */

void hello_prepare(struct conn *c, uint32_t max_read);
/* INIT is answered. Lock held. */
void hello_answered(struct conn *c);

/* --- notice.c --- */

/* False when it makes no sense. bytes: what follows the header */
bool notice_read(struct notice *n, int code, const char *bytes, size_t size);
/* Tell the listener. No lock held. */
void notice_tell(struct conn *c, const struct notice *n);

/* --- outbox.c; all with the lock held, but conn_post() --- */

void outbox_init(struct outbox *o);
void outbox_free(struct outbox *o);
/* As much as there is room for. Is it all? */
bool outbox_flush(struct conn *c);
/* A request without an answer, or whose answer is of no interest. Is it in? */
bool outbox_add(struct conn *c, struct fuse_in_header *h, const void *body,
		size_t size);
void outbox_forget(struct conn *c, uint64_t node, uint64_t nlookup);
/* Nobody waits for it any more. */
void late_remember(struct conn *c, const struct flight *f);
/* Give back what an answer brings that nobody has waited for. */
void late_answer(struct conn *c, const struct fuse_out_header *h,
		 const char *bytes, size_t size);

#endif
