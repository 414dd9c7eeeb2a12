/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_VUFUSE_SERVER_H
#define TEST_VUFUSE_SERVER_H

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mod/vufuse/conn_inside.h"
#include "test/unit/check.h"

/* The other end of a connection, in the hands of a test. */

/* What the monitor says of a caller. */
struct vu_ctx {
	struct vu_who who;
	atomic_bool gone;
};

const struct vu_who *vu_who(const struct vu_ctx *ctx)
{
	return &ctx->who;
}

bool vu_gone(const struct vu_ctx *ctx)
{
	return ctx && atomic_load(&ctx->gone);
}

void vu_may_wait(const struct vu_ctx *ctx)
{
	(void)ctx;
}

struct server {
	int fd;
	struct conn *c;
};

struct request {
	struct fuse_in_header h;
	char body[PAYLOAD_MAX + HEADERS];
	size_t size;		/* of body */
};

static inline struct server server_new(void)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		exit(2);
	return (struct server){ ends[1], conn_new(ends[0]) };
}

static inline void server_end(struct server *s)
{
	conn_put(s->c);
	if (s->fd >= 0)
		close(s->fd);
}

/* The next request; false at the end of the connection. */
static inline bool server_read(struct server *s, struct request *r)
{
	struct iovec iov[] = { { &r->h, sizeof(r->h) },
			       { r->body, sizeof(r->body) } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	ssize_t n = recvmsg(s->fd, &m, 0);

	if (n < (ssize_t)sizeof(r->h))
		return false;
	r->size = n - sizeof(r->h);
	CHECK(r->h.len == (size_t)n);
	return true;
}

/* A request of a kind; others are a failure. */
static inline void server_expect(struct server *s, struct request *r,
				 uint32_t opcode)
{
	bool got = server_read(s, r);

	CHECK(got);
	CHECK(!got || r->h.opcode == opcode);
	if (got && r->h.opcode != opcode)
		printf("# opcode %u, not %u\n", r->h.opcode, opcode);
}

static inline void server_say(struct server *s, uint64_t unique, int error,
			      const void *body, size_t size)
{
	struct fuse_out_header h = { sizeof(h) + size, error, unique };
	struct iovec iov[] = { { &h, sizeof(h) }, { (void *)body, size } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	sendmsg(s->fd, &m, MSG_NOSIGNAL);
}

static inline struct fuse_init_out init_answer(void)
{
	return (struct fuse_init_out){
		.major = 7, .minor = 31, .max_write = 1 << 20,
		.flags = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_POSIX_LOCKS,
	};
}

/* INIT is sent, read and answered with so many bytes. */
static inline int server_greet(struct server *s, const struct fuse_init_out *o,
			       size_t size)
{
	static struct request r;

	CHECK(conn_start(s->c, 7, 8, 0) == 0);
	server_expect(s, &r, FUSE_INIT);
	server_say(s, r.h.unique, 0, o, size);
	return conn_ready(s->c, NULL);
}

static inline struct server server_ready(void)
{
	struct server s = server_new();
	struct fuse_init_out o = init_answer();

	CHECK(server_greet(&s, &o, sizeof(o)) == 0);
	return s;
}

#endif
