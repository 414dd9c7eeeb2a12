/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a FUSE server is not asked twice, what is sent to it without waiting
 * for the answer, or given up, and that all of it comes before the end.
 */
#include "test/unit/vufuse_server.h"

/* --- what it does not know --- */

/* Is it asked? Then it answers that. */
static bool asked(struct server *s, uint32_t opcode, int answer)
{
	static struct request r;
	struct ask a = { .opcode = opcode, .node = 3 };
	struct flight f;
	int ret = conn_begin(s->c, NULL, &f, &a);

	if (ret) {
		CHECK(ret == -ENOSYS);
		CHECK(recv(s->fd, &r, sizeof(r), MSG_DONTWAIT) < 0);
		return false;
	}
	server_expect(s, &r, opcode);
	server_say(s, r.h.unique, answer, NULL, 0);
	CHECK(conn_wait(s->c, NULL, &f) == answer);
	return true;
}

static void is_asked_once(void)
{
	static const uint32_t once[] = {
		FUSE_OPEN, FUSE_OPENDIR, FUSE_CREATE, FUSE_FLUSH, FUSE_FSYNC,
		FUSE_FSYNCDIR, FUSE_ACCESS, FUSE_SETXATTR, FUSE_GETXATTR,
		FUSE_LISTXATTR, FUSE_REMOVEXATTR, FUSE_RENAME2,
	};
	struct server s = server_ready(), other = server_ready();
	struct ask a = { .opcode = FUSE_ACCESS };

	for (size_t i = 0; i < sizeof(once) / sizeof(once[0]); i++) {
		CHECK(asked(&s, once[i], 0));
		CHECK(asked(&s, once[i], -EOPNOTSUPP));
		CHECK(asked(&s, once[i], -ENOSYS));
		CHECK(!asked(&s, once[i], 0));
		CHECK(asked(&other, once[i], 0));
	}
	CHECK(conn_call(s.c, NULL, &a) == -ENOSYS);
	server_end(&s);
	server_end(&other);
}

static void is_asked_again(void)
{
	static const uint32_t again[] = {
		FUSE_LOOKUP, FUSE_GETATTR, FUSE_SETATTR, FUSE_READ, FUSE_WRITE,
		FUSE_MKNOD, FUSE_LINK, FUSE_UNLINK, FUSE_RENAME, FUSE_STATFS,
		FUSE_READDIR, FUSE_RELEASE,
	};
	struct server s = server_ready();

	for (size_t i = 0; i < sizeof(again) / sizeof(again[0]); i++)
		for (int j = 0; j < 3; j++)
			CHECK(asked(&s, again[i], -ENOSYS));
	server_end(&s);
}

/* ENOSYS with bytes behind it is nonsense, and says nothing. */
static void nonsense_is_not_believed(void)
{
	static struct request r;
	struct server s = server_ready();
	struct ask a = { .opcode = FUSE_GETXATTR };
	struct flight f;

	CHECK(conn_begin(s.c, NULL, &f, &a) == 0);
	server_expect(&s, &r, FUSE_GETXATTR);
	server_say(&s, r.h.unique, -ENOSYS, "x", 1);
	CHECK(conn_wait(s.c, NULL, &f) == -EIO);
	CHECK(asked(&s, FUSE_GETXATTR, 0));
	server_end(&s);
}

/* --- what is posted --- */

static int post(struct server *s, uint64_t fh)
{
	struct fuse_release_in in = { .fh = fh };

	return conn_post(s->c, FUSE_RELEASE, 5, &in, sizeof(in));
}

static bool comes(struct server *s, uint64_t fh, struct request *r)
{
	struct fuse_release_in in;

	server_expect(s, r, FUSE_RELEASE);
	memcpy(&in, r->body, sizeof(in));
	return r->h.nodeid == 5 && r->size == sizeof(in) && in.fh == fh;
}

/* Its answer, whatever it is, is nobody's. */
static void posts_are_not_waited_for(void)
{
	static const int answer[] = { 0, -EIO, -ENOSYS, 12 };
	static struct request r;
	struct server s = server_ready();
	uint64_t last = 0;

	for (size_t i = 0; i < sizeof(answer) / sizeof(answer[0]); i++) {
		CHECK(post(&s, i) == 0 && comes(&s, i, &r));
		CHECK(r.h.uid == 7 && r.h.gid == 8 && r.h.unique > last);
		last = r.h.unique;
		server_say(&s, last, answer[i], "some bytes", i ? 0 : 10);
		CHECK(asked(&s, FUSE_STATFS, -ENOENT));
	}
	server_say(&s, last, 0, NULL, 0);	/* once more */
	CHECK(asked(&s, FUSE_STATFS, 0));
	CHECK(conn_post(s.c, FUSE_RELEASEDIR, 6, NULL, 0) == 0);
	server_expect(&s, &r, FUSE_RELEASEDIR);
	CHECK(r.size == 0);
	server_end(&s);
}

/* Until the server has so much to do that it has to be waited for. */
static uint64_t post_many(struct server *s)
{
	uint64_t n = 0;
	int ret;

	while (!(ret = post(s, n)))
		n++;
	CHECK(ret == -EAGAIN && n > POSTS_MAX);
	CHECK(s->c->out.parcels == POSTS_MAX);
	CHECK(post(s, n) == -EAGAIN);
	return n;
}

static void posts_are_bounded(void)
{
	static struct request r;
	struct server s = server_ready();
	struct pollfd p = { .fd = s.fd, .events = POLLIN };
	uint64_t n = post_many(&s), i = 0;

	while (i < n && poll(&p, 1, 0) == 1) {
		CHECK(comes(&s, i++, &r));
		conn_tick(s.c);
	}
	CHECK(i == n && s.c->out.parcels == 0);
	CHECK(post(&s, 77) == 0 && comes(&s, 77, &r));
	server_end(&s);
}

/* --- what is dropped --- */

static void drops(void)
{
	static struct request r[3];
	struct server s = server_ready();
	struct fuse_open_out o = { .fh = 7 };
	struct fuse_interrupt_in in;
	char out[3][sizeof(o)];
	struct flight f[3];
	struct ask a[3];

	memset(out, 'o', sizeof(out));
	for (int i = 0; i < 3; i++) {
		a[i] = (struct ask){ .opcode = i ? FUSE_READ : FUSE_OPEN,
				     .node = 5, .nout = 1,
				     .out = { { out[i], sizeof(out[i]) } } };
		CHECK(conn_begin(s.c, NULL, &f[i], &a[i]) == 0);
		server_expect(&s, &r[i], a[i].opcode);
	}
	server_say(&s, r[2].h.unique, 0, "answered", 8);
	conn_tick(s.c);
	conn_drop(s.c, &f[2]);		/* nobody is told of that */
	conn_drop(s.c, &f[0]);
	conn_drop(s.c, &f[1]);
	server_say(&s, r[1].h.unique, 0, "too late", 8);
	server_say(&s, r[0].h.unique, 0, &o, sizeof(o));
	conn_tick(s.c);
	CHECK(!memcmp(out[2], "answered", 8));
	CHECK(out[0][0] == 'o' && out[1][0] == 'o');
	for (int i = 0; i < 2; i++) {
		static struct request told;

		server_expect(&s, &told, FUSE_INTERRUPT);
		memcpy(&in, told.body, sizeof(in));
		CHECK(in.unique == r[i].h.unique);
	}
	server_expect(&s, &r[0], FUSE_RELEASE);
	CHECK(asked(&s, FUSE_STATFS, 0));
	server_end(&s);
}

/* --- the end --- */

static void *end_it(void *arg)
{
	conn_end(arg);
	return NULL;
}

static void end_comes_last(void)
{
	static struct request r;
	struct server s = server_ready();
	uint64_t n = post_many(&s);
	pthread_t t;

	conn_forget(s.c, 9, 2);
	pthread_create(&t, NULL, end_it, s.c);
	for (uint64_t i = 0; i < n; i++)
		CHECK(comes(&s, i, &r));
	server_expect(&s, &r, FUSE_FORGET);
	server_expect(&s, &r, FUSE_DESTROY);
	server_say(&s, r.h.unique, 0, NULL, 0);
	pthread_join(t, NULL);
	CHECK(conn_state(s.c) == CONN_DEAD);
	CHECK(post(&s, 0) == -ENOTCONN);
	server_end(&s);
}

/* A server that does not read keeps nobody from ending it. */
static void end_without_reader(void)
{
	struct server s = server_ready();

	post_many(&s);
	conn_end(s.c);
	CHECK(conn_state(s.c) == CONN_DEAD);
	server_end(&s);

	s = server_ready();
	post_many(&s);
	close(s.fd);
	s.fd = -1;
	conn_end(s.c);
	CHECK(conn_state(s.c) == CONN_DEAD);
	server_end(&s);
}

int main(void)
{
	is_asked_once();
	is_asked_again();
	nonsense_is_not_believed();
	posts_are_not_waited_for();
	posts_are_bounded();
	drops();
	end_comes_last();
	end_without_reader();
	return failures != 0;
}
