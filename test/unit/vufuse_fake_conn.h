/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_UNIT_VUFUSE_FAKE_CONN_H
#define TEST_UNIT_VUFUSE_FAKE_CONN_H

/*
 * A connection without a server, for the tests of the requests: it notes
 * what was sent, and answers what the test has prepared, as conn.h promises.
 * Answers are put into memory when they are waited for, not before; after an
 * error there may be anything.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mod/vufuse/pump.h"
#include "mod/vufuse/requests.h"
#include "test/unit/check.h"

enum { ANSWERS = 64, SENT = 4096, FORGOTTEN = 64, BYTES = 1 << 16 };

struct answer {
	int error;
	size_t len;
	const void *bytes;
};

struct sent {
	uint32_t opcode;
	uint64_t node;
	bool by_owner;		/* ctx was NULL */
	bool posted;		/* nobody waits */
	size_t len, room;	/* of the request, for the answer */
	char bytes[512];	/* how the request begins */
};

struct conn {
	struct conn_limits limits;
	struct answer answer[ANSWERS];
	unsigned answers, taken;
	/* When set, it answers instead. Return: bytes or -errno */
	ssize_t (*serve)(const struct ask *a, char *bytes);
	unsigned nsent, in_flight, most_in_flight, dropped;
	/* The begin with that number fails; not counted as sent. */
	unsigned begins, begin_fails;
	int begin_error, post_error;
	/* Answers to READ of more than that come torn; 0: none does */
	uint32_t torn_size, less;
	bool torn;		/* one has: ask for less */
	struct { uint64_t node, nlookup; } forgotten[FORGOTTEN];
	unsigned nforgotten;
	struct sent sent[SENT];		/* last: not cleared each time */
};

static struct conn fake;

/* Guests are told apart by nothing but their pointer. */
static struct vu_who who = { .uid = 1, .gid = 2, .umask = 027 };
#define GUEST ((struct vu_ctx *)&who)

const struct vu_who *vu_who(const struct vu_ctx *ctx)
{
	CHECK(ctx == GUEST);
	return &who;
}

const struct conn_limits *conn_limits(const struct conn *c)
{
	return &c->limits;
}

uint32_t conn_read_size(const struct conn *c)
{
	return c->torn ? c->less : c->limits.max_read;
}

static size_t parts_len(const struct iovec *part, unsigned n)
{
	size_t len = 0;

	for (unsigned i = 0; i < n; i++)
		len += part[i].iov_len;
	return len;
}

/* Copy into parts, or from them. Return: bytes */
static size_t parts_copy(const struct iovec *part, unsigned n, char *bytes,
			 size_t len, bool in)
{
	size_t done = 0;

	for (unsigned i = 0; i < n && done < len; i++) {
		size_t some = part[i].iov_len;

		if (some > len - done)
			some = len - done;
		if (!some)
			continue;
		if (in)
			memcpy(part[i].iov_base, bytes + done, some);
		else
			memcpy(bytes + done, part[i].iov_base, some);
		done += some;
	}
	return done;
}

int conn_begin(struct conn *c, struct vu_ctx *ctx, struct flight *f,
	       struct ask *a)
{
	struct sent *s = &c->sent[c->nsent % SENT];

	CHECK(!f->ask && !f->done && !f->next);
	CHECK(a->nin <= ASK_PARTS && a->nout <= ASK_PARTS);
	if (++c->begins == c->begin_fails)
		return c->begin_error;
	*s = (struct sent){
		.opcode = a->opcode, .node = a->node, .by_owner = !ctx,
		.len = parts_len(a->in, a->nin),
		.room = parts_len(a->out, a->nout),
	};
	parts_copy(a->in, a->nin, s->bytes, sizeof(s->bytes), false);
	c->nsent++;
	if (++c->in_flight > c->most_in_flight)
		c->most_in_flight = c->in_flight;
	f->ask = a;
	return 0;
}

static ssize_t spoil(const struct ask *a, ssize_t error)
{
	for (unsigned i = 0; i < a->nout; i++)
		memset(a->out[i].iov_base, 0xff, a->out[i].iov_len);
	return error;
}

static ssize_t take_answer(struct conn *c, const struct ask *a, char *bytes)
{
	const struct answer *w = &c->answer[c->taken];

	if (c->serve)
		return c->serve(a, bytes);
	if (c->taken == c->answers)
		return 0;
	c->taken++;
	if (w->error)
		return w->error;
	if (w->len)
		memcpy(bytes, w->bytes, w->len);
	return w->len;
}

ssize_t conn_wait(struct conn *c, struct vu_ctx *ctx, struct flight *f)
{
	static char bytes[BYTES];
	const struct ask *a = f->ask;
	ssize_t len;

	(void)ctx;
	CHECK(a && !f->done);
	f->done = true;
	c->in_flight--;
	if (a->opcode == FUSE_READ && c->torn_size &&
	    parts_len(a->out, a->nout) > c->torn_size) {
		f->torn = c->torn = true;
		return spoil(a, -EIO);
	}
	len = take_answer(c, a, bytes);
	if (len < 0)
		return spoil(a, len);
	if ((size_t)len < a->least || (size_t)len > parts_len(a->out, a->nout))
		return spoil(a, -EIO);
	parts_copy(a->out, a->nout, bytes, len, true);
	return len;
}

void conn_drop(struct conn *c, struct flight *f)
{
	CHECK(f->ask && !f->done);
	f->done = true;
	c->in_flight--;
	c->dropped++;
}

ssize_t conn_call(struct conn *c, struct vu_ctx *ctx, struct ask *a)
{
	struct flight f = { 0 };
	int err = conn_begin(c, ctx, &f, a);

	return err ? err : conn_wait(c, ctx, &f);
}

int conn_post(struct conn *c, uint32_t opcode, uint64_t node, const void *body,
	      size_t size)
{
	struct sent *s = &c->sent[c->nsent % SENT];

	if (c->post_error)
		return c->post_error;
	CHECK(size <= sizeof(s->bytes));
	*s = (struct sent){
		.opcode = opcode, .node = node, .by_owner = true,
		.posted = true, .len = size,
	};
	memcpy(s->bytes, body, size);
	c->nsent++;
	return 0;
}

void conn_forget(struct conn *c, uint64_t node, uint64_t nlookup)
{
	CHECK(node > FUSE_ROOT_ID);
	CHECK(c->nforgotten < FORGOTTEN);
	c->forgotten[c->nforgotten].node = node;
	c->forgotten[c->nforgotten++].nlookup = nlookup;
}

/* Answers come when they are waited for. */
void pump_start(struct pump *p, struct conn *c)
{
	p->conn = c;
}

void pump_stop(struct pump *p)
{
	p->conn = NULL;
}

/* --- for the tests --- */

/* A connection of a modern server, of which nothing was asked yet. */
static inline struct conn *fake_new(void)
{
	memset(&fake, 0, offsetof(struct conn, sent));
	fake.limits = (struct conn_limits){
		.minor = 38, .max_write = 8192, .max_read = 8192, .together = 4,
		.flags = FUSE_ASYNC_READ | FUSE_DO_READDIRPLUS,
	};
	return &fake;
}

/* The next answer. bytes must stay; with an error there are none. */
static inline void fake_answer(int error, const void *bytes, size_t len)
{
	CHECK(fake.answers < ANSWERS);
	fake.answer[fake.answers++] = (struct answer){ error, len, bytes };
}

/* All that was prepared is used, all that was begun is waited for. */
static inline void fake_over(void)
{
	CHECK(fake.taken == fake.answers);
	CHECK(fake.in_flight == 0);
}

static inline bool fake_sent(unsigned n, uint32_t opcode, uint64_t node,
			     size_t len)
{
	const struct sent *s = &fake.sent[n];

	if (n < fake.nsent && s->opcode == opcode && s->node == node &&
	    s->len == len)
		return true;
	printf("# %u of %u: opcode %u, node %llu, %zu bytes\n", n, fake.nsent,
	       s->opcode, (unsigned long long)s->node, s->len);
	return false;
}

static inline bool fake_forgot(unsigned n, uint64_t node)
{
	return n < fake.nforgotten && fake.forgotten[n].node == node &&
	       fake.forgotten[n].nlookup == 1;
}

static inline struct fuse_entry_out fake_entry(uint64_t node, uint32_t mode)
{
	return (struct fuse_entry_out){
		.nodeid = node, .generation = 3, .entry_valid = 5,
		.attr_valid = 6, .attr = { .ino = node, .mode = mode,
					   .nlink = 1, .blksize = 512 },
	};
}

#endif
