/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that receives for a large transfer: answers land where they are to
 * be, those that must not do not, and nobody is kept waiting by it.
 */
#include "mod/vufuse/pump.h"
#include "test/unit/vufuse_server.h"

enum { LARGE = 16384, SHORT = 100, MANY = 8, ROUNDS = 200 };

static struct request r;
static char bytes[2 * LARGE], room[MANY][LARGE + 1];

/* A READ into room[i], received by the server. */
static uint64_t begin(struct server *s, struct vu_ctx *ctx, struct flight *f,
		      struct ask *a, int i)
{
	*a = (struct ask){
		.opcode = FUSE_READ, .node = 9,
		.out = { { room[i], SHORT }, { room[i] + SHORT, LARGE - SHORT } },
		.nout = 2,
	};
	*f = (struct flight){ 0 };
	memset(room[i], 0, sizeof(room[i]));
	CHECK(conn_begin(s->c, ctx, f, a) == 0);
	server_expect(s, &r, FUSE_READ);
	return r.h.unique;
}

/* In another order than they were asked for. */
static void answers_land(void)
{
	struct server s = server_ready();
	struct flight f[MANY];
	struct ask a[MANY];
	uint64_t unique[MANY];
	struct pump p;

	pump_start(&p, s.c);
	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < MANY; i++)
			unique[i] = begin(&s, NULL, &f[i], &a[i], i);
		for (int i = MANY - 1; i >= 0; i--) {
			memset(bytes, i + 1, LARGE);
			server_say(&s, unique[i], 0, bytes, LARGE - i);
		}
		for (int i = 0; i < MANY; i++) {
			CHECK(conn_wait(s.c, NULL, &f[i]) == LARGE - i);
			memset(bytes, i + 1, LARGE);
			CHECK(!memcmp(room[i], bytes, LARGE - i));
			CHECK(!room[i][LARGE - i]);
		}
	}
	pump_stop(&p);
	server_end(&s);
}

static ssize_t answered(struct server *s, int error, size_t size)
{
	struct flight f;
	struct ask a;
	uint64_t unique = begin(s, NULL, &f, &a, 0);

	server_say(s, unique, error, bytes, size);
	return conn_wait(s->c, NULL, &f);
}

/* A header that does not say how much there is. */
static ssize_t lied_to(struct server *s, size_t said)
{
	struct flight f;
	struct ask a;
	struct fuse_out_header h = { .len = said,
				     .unique = begin(s, NULL, &f, &a, 0) };

	memcpy(bytes, &h, sizeof(h));
	send(s->fd, bytes, LARGE, MSG_NOSIGNAL);
	memset(bytes, 0, sizeof(h));
	return conn_wait(s->c, NULL, &f);
}

static void answers_are_judged(void)
{
	struct server s = server_ready();
	struct pump p;

	memset(bytes, 'x', sizeof(bytes));
	pump_start(&p, s.c);
	CHECK(answered(&s, 0, 0) == 0);
	CHECK(answered(&s, 0, SHORT) == SHORT);
	CHECK(answered(&s, 0, LARGE) == LARGE);
	CHECK(answered(&s, 0, LARGE + 1) == -EIO);
	CHECK(room[0][LARGE] == '\0');
	CHECK(answered(&s, 0, 2 * LARGE) == -EIO);
	CHECK(answered(&s, -ENOENT, 0) == -ENOENT);
	CHECK(answered(&s, -ENOENT, LARGE) == -EIO);
	CHECK(answered(&s, 5, LARGE) == -EIO);
	CHECK(lied_to(&s, LARGE + 1) == -EIO);
	CHECK(lied_to(&s, LARGE - 1) == -EIO);
	CHECK(lied_to(&s, 1u << 31) == -EIO);
	CHECK(answered(&s, 0, LARGE) == LARGE);
	pump_stop(&p);
	CHECK(answered(&s, 0, LARGE) == LARGE);
	server_end(&s);
}

/* Who gives up is not written to later; the connection goes on. */
static void caller_leaves(void)
{
	struct server s = server_ready();
	struct vu_ctx ctx = { .gone = false };
	struct flight f;
	struct ask a;
	uint64_t unique;
	struct pump p;

	pump_start(&p, s.c);
	unique = begin(&s, &ctx, &f, &a, 0);
	atomic_store(&ctx.gone, true);
	CHECK(conn_wait(s.c, &ctx, &f) == -EINTR);
	server_expect(&s, &r, FUSE_INTERRUPT);
	server_say(&s, unique, 0, bytes, LARGE);
	begin(&s, NULL, &f, &a, 1);
	conn_drop(s.c, &f);
	server_expect(&s, &r, FUSE_INTERRUPT);
	memset(bytes, 'y', sizeof(bytes));
	CHECK(answered(&s, 0, LARGE) == LARGE);
	CHECK(!room[1][0]);
	pump_stop(&p);
	server_end(&s);
}

static void server_leaves(void)
{
	struct server s = server_ready();
	struct flight f;
	struct ask a;
	struct pump p;

	pump_start(&p, s.c);
	begin(&s, NULL, &f, &a, 0);
	close(s.fd);
	s.fd = -1;
	CHECK(conn_wait(s.c, NULL, &f) == -ENOTCONN);
	pump_stop(&p);
	CHECK(conn_state(s.c) == CONN_DEAD);
	pump_start(&p, s.c);
	CHECK(!p.conn);
	server_end(&s);
}

/* Of two at once one does it for both; the other's end is no end. */
static void one_is_enough(void)
{
	struct server s = server_ready();
	struct pump p, q;

	pump_start(&p, s.c);
	pump_start(&q, s.c);
	CHECK(!q.conn);
	pump_stop(&q);
	CHECK(answered(&s, 0, LARGE) == LARGE);
	pump_stop(&p);
	pump_start(&q, s.c);
	CHECK(answered(&s, 0, LARGE) == LARGE);
	pump_stop(&q);
	server_end(&s);
}

int main(void)
{
	answers_land();
	answers_are_judged();
	caller_leaves();
	server_leaves();
	one_is_enough();
	return failures != 0;
}
