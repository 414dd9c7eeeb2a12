/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a FUSE server says by itself, forgets, callers that leave, and the end
 * of a connection.
 */
#include "test/unit/vufuse_server.h"

/* --- notifications --- */

struct heard {
	int nodes, entries;
	uint64_t node;
	int64_t off, len;
	char name[NAME_LONGEST + 1];
};

static void stale_node(void *arg, uint64_t node, int64_t off, int64_t len)
{
	struct heard *h = arg;

	h->nodes++;
	h->node = node;
	h->off = off;
	h->len = len;
}

static void stale_entry(void *arg, uint64_t dir, const char *name)
{
	struct heard *h = arg;

	h->entries++;
	h->node = dir;
	snprintf(h->name, sizeof(h->name), "%s", name);
}

static const struct conn_listener listener = { stale_node, stale_entry };

static struct server server_heard(struct heard *h)
{
	struct server s = server_new();
	struct fuse_init_out o = init_answer();

	*h = (struct heard){ 0 };
	conn_listen(s.c, &listener, h);
	CHECK(server_greet(&s, &o, sizeof(o)) == 0);
	return s;
}

/* A structure, then a name as it is said to be. */
static void say_name(struct server *s, int code, const void *o, size_t size,
		     const char *name, size_t len)
{
	char bytes[1024];

	memcpy(bytes, o, size);
	memcpy(bytes + size, name, len);
	server_say(s, 0, code, bytes, size + len);
	conn_tick(s->c);
}

static void hears_of_inodes(void)
{
	struct fuse_notify_inval_inode_out o = { 5, -1, 70 };
	struct heard h;
	struct server s = server_heard(&h);

	server_say(&s, 0, FUSE_NOTIFY_INVAL_INODE, &o, sizeof(o));
	conn_tick(s.c);
	CHECK(h.nodes == 1 && h.node == 5 && h.off == -1 && h.len == 70);
	server_say(&s, 0, FUSE_NOTIFY_INVAL_INODE, &o, sizeof(o) - 1);
	say_name(&s, FUSE_NOTIFY_INVAL_INODE, &o, sizeof(o), "x", 1);
	server_say(&s, 0, FUSE_NOTIFY_POLL, &o, 8);
	server_say(&s, 0, FUSE_NOTIFY_CODE_MAX + 100, &o, sizeof(o));
	server_say(&s, 0, 0, &o, sizeof(o));
	server_say(&s, 0, -ENOENT, NULL, 0);
	conn_tick(s.c);
	CHECK(h.nodes == 1 && h.entries == 0);
	CHECK(conn_state(s.c) == CONN_READY);
	server_end(&s);
}

static void hears_of_names(void)
{
	struct fuse_notify_inval_entry_out e = { .parent = 3, .namelen = 3 };
	struct fuse_notify_delete_out d = { .parent = 4, .namelen = 2 };
	static char longest[NAME_LONGEST + 2];
	struct heard h;
	struct server s = server_heard(&h);

	memset(longest, 'l', NAME_LONGEST + 1);
	say_name(&s, FUSE_NOTIFY_INVAL_ENTRY, &e, sizeof(e), "abc", 4);
	CHECK(h.entries == 1 && h.node == 3 && !strcmp(h.name, "abc"));
	say_name(&s, FUSE_NOTIFY_DELETE, &d, sizeof(d), "xy", 3);
	CHECK(h.entries == 2 && h.node == 4 && !strcmp(h.name, "xy"));
	e.namelen = NAME_LONGEST;
	say_name(&s, FUSE_NOTIFY_INVAL_ENTRY, &e, sizeof(e), longest + 1,
		 NAME_LONGEST + 1);
	CHECK(h.entries == 3 && strlen(h.name) == NAME_LONGEST);
	e.namelen = NAME_LONGEST + 1;
	say_name(&s, FUSE_NOTIFY_INVAL_ENTRY, &e, sizeof(e), longest,
		 NAME_LONGEST + 2);
	e.namelen = 3;
	say_name(&s, FUSE_NOTIFY_INVAL_ENTRY, &e, sizeof(e), "abc", 3);
	say_name(&s, FUSE_NOTIFY_INVAL_ENTRY, &e, sizeof(e), "abcd", 5);
	say_name(&s, FUSE_NOTIFY_INVAL_ENTRY, &e, sizeof(e), "abcd", 4);
	say_name(&s, FUSE_NOTIFY_INVAL_ENTRY, &e, sizeof(e), "a/c", 4);
	say_name(&s, FUSE_NOTIFY_INVAL_ENTRY, &e, sizeof(e), "a\0c", 4);
	say_name(&s, FUSE_NOTIFY_DELETE, &d, sizeof(d), "..", 3);
	e.namelen = UINT32_MAX;
	say_name(&s, FUSE_NOTIFY_INVAL_ENTRY, &e, sizeof(e), "", 0);
	e.namelen = 0;
	say_name(&s, FUSE_NOTIFY_INVAL_ENTRY, &e, sizeof(e), "", 1);
	CHECK(h.entries == 3);
	server_end(&s);
}

static void stores_and_retrieves(void)
{
	struct fuse_notify_store_out st = { 6, 4096, 5, 0 };
	struct fuse_notify_retrieve_out re = { 77, 6, 4096, 100, 0 };
	struct fuse_notify_retrieve_in in;
	static struct request r;
	struct heard h;
	struct server s = server_heard(&h);

	say_name(&s, FUSE_NOTIFY_STORE, &st, sizeof(st), "12345", 5);
	CHECK(h.nodes == 1 && h.node == 6 && h.off == 4096 && h.len == 5);
	say_name(&s, FUSE_NOTIFY_STORE, &st, sizeof(st), "1234", 4);
	st.offset = INT64_MAX;
	say_name(&s, FUSE_NOTIFY_STORE, &st, sizeof(st), "12345", 5);
	CHECK(h.nodes == 1);
	server_say(&s, 0, FUSE_NOTIFY_RETRIEVE, &re, sizeof(re));
	conn_tick(s.c);
	server_expect(&s, &r, FUSE_NOTIFY_REPLY);
	CHECK(r.h.unique == 77 && r.h.nodeid == 6 && r.size == sizeof(in));
	memcpy(&in, r.body, sizeof(in));
	CHECK(in.size == 0 && in.offset == 4096);
	server_end(&s);
}

/* --- forgets --- */

static void forgets_in_batches(void)
{
	struct fuse_batch_forget_in b;
	struct fuse_forget_one one;
	struct fuse_forget_in single;
	static struct request r;
	struct server s = server_ready();
	int count = FORGET_BATCH + 2;

	s.c->limits.minor = 31;
	for (int i = 0; i < count; i++)
		conn_forget(s.c, 100 + i, 1 + i);
	conn_forget(s.c, 99, 0);
	conn_tick(s.c);
	server_expect(&s, &r, FUSE_BATCH_FORGET);
	memcpy(&b, r.body, sizeof(b));
	CHECK(b.count == FORGET_BATCH);
	CHECK(r.size == sizeof(b) + b.count * sizeof(one));
	memcpy(&one, r.body + sizeof(b) + sizeof(one), sizeof(one));
	CHECK(one.nodeid == 101 && one.nlookup == 2);
	server_expect(&s, &r, FUSE_BATCH_FORGET);
	memcpy(&b, r.body, sizeof(b));
	CHECK(b.count == 2);

	s.c->limits.minor = 15;
	conn_forget(s.c, 5, 50);
	conn_forget(s.c, 6, 60);
	conn_tick(s.c);
	for (int i = 5; i <= 6; i++) {
		server_expect(&s, &r, FUSE_FORGET);
		memcpy(&single, r.body, sizeof(single));
		CHECK(r.h.nodeid == (uint64_t)i && r.size == sizeof(single));
		CHECK(single.nlookup == (uint64_t)i * 10);
	}
	server_end(&s);
}

/* More than the socket bears: nobody is blocked, nothing is lost. */
static void forgets_wait_for_room(void)
{
	enum { MANY = 20000 };
	static struct request r;
	struct server s = server_ready();
	struct pollfd p = { .fd = s.fd, .events = POLLIN };
	int n = 0;

	s.c->limits.minor = 15;
	for (int i = 0; i < MANY; i++) {
		conn_forget(s.c, i + 2, 1);
		if (i % 64 == 0)
			conn_tick(s.c);
	}
	while (n < MANY) {
		conn_tick(s.c);
		if (poll(&p, 1, 0) != 1)
			break;
		while (poll(&p, 1, 0) == 1) {
			server_expect(&s, &r, FUSE_FORGET);
			CHECK(r.h.nodeid == (uint64_t)n + 2);
			n++;
		}
	}
	CHECK(n == MANY);
	server_end(&s);
}

/* --- callers that leave --- */

/* The caller leaves; returns the number of its request. */
static uint64_t leave(struct server *s, uint32_t opcode, uint32_t flags)
{
	static struct request r;
	struct vu_ctx ctx = { .gone = true };
	struct fuse_interrupt_in in;
	char out[256];
	struct ask a = { .opcode = opcode, .node = 40,
			 .in = { { &flags, sizeof(flags) } }, .nin = 1,
			 .out = { { out, sizeof(out) } }, .nout = 1 };
	uint64_t unique;

	CHECK(conn_call(s->c, &ctx, &a) == -EINTR);
	server_expect(s, &r, opcode);
	unique = r.h.unique;
	server_expect(s, &r, FUSE_INTERRUPT);
	memcpy(&in, r.body, sizeof(in));
	CHECK(in.unique == unique && r.size == sizeof(in));
	return unique;
}

static void late_names_are_forgotten(void)
{
	static const uint32_t opcode[] = { FUSE_LOOKUP, FUSE_MKNOD, FUSE_MKDIR,
					   FUSE_SYMLINK, FUSE_LINK };
	struct fuse_entry_out e = { .nodeid = 50 };
	static struct request r;
	struct server s = server_ready();

	for (size_t i = 0; i < sizeof(opcode) / sizeof(opcode[0]); i++) {
		uint64_t unique = leave(&s, opcode[i], 0);

		server_say(&s, unique, 0, &e, sizeof(e));
		server_say(&s, unique, 0, &e, sizeof(e));	/* once only */
		conn_tick(s.c);
		server_expect(&s, &r, FUSE_FORGET);
		CHECK(r.h.nodeid == 50);
	}
	/* neither an error, nor half an entry, nor what gives nothing */
	server_say(&s, leave(&s, FUSE_LOOKUP, 0), -ENOENT, NULL, 0);
	server_say(&s, leave(&s, FUSE_LOOKUP, 0), 0, &e, sizeof(e) - 1);
	server_say(&s, leave(&s, FUSE_GETATTR, 0), 0, &e, sizeof(e));
	conn_tick(s.c);
	CHECK(recv(s.fd, &r, sizeof(r), MSG_DONTWAIT) < 0);
	server_end(&s);
}

static void late_files_are_released(void)
{
	struct {
		struct fuse_entry_out e;
		struct fuse_open_out o;
	} made = { { .nodeid = 51 }, { .fh = 71 } };
	struct fuse_release_in in;
	static struct request r;
	struct server s = server_ready();

	server_say(&s, leave(&s, FUSE_OPEN, 2), 0, &made.o, sizeof(made.o));
	conn_tick(s.c);
	server_expect(&s, &r, FUSE_RELEASE);
	memcpy(&in, r.body, sizeof(in));
	CHECK(r.h.nodeid == 40 && in.fh == 71 && in.flags == 2);
	server_say(&s, leave(&s, FUSE_OPENDIR, 0), 0, &made.o, sizeof(made.o));
	conn_tick(s.c);
	server_expect(&s, &r, FUSE_RELEASEDIR);
	server_say(&s, leave(&s, FUSE_CREATE, 1), 0, &made, sizeof(made));
	conn_tick(s.c);
	server_expect(&s, &r, FUSE_RELEASE);
	memcpy(&in, r.body, sizeof(in));
	CHECK(r.h.nodeid == 51 && in.fh == 71 && in.flags == 1);
	server_expect(&s, &r, FUSE_FORGET);
	CHECK(r.h.nodeid == 51);
	server_end(&s);
}

/* A listing counts lookups, too; it may be nonsense at any place. */
static void late_lists_are_forgotten(void)
{
	static char bytes[1024];
	static const char *const name[] = { ".", "..", "a", "..." };
	static struct request r;
	struct server s = server_ready();
	size_t at = 0;

	for (int i = 0; i < 4; i++) {
		struct fuse_direntplus *d = (void *)(bytes + at);

		d->entry_out.nodeid = 60 + i;
		d->dirent.namelen = strlen(name[i]);
		memcpy(d->dirent.name, name[i], d->dirent.namelen);
		at += FUSE_DIRENTPLUS_SIZE(d);
	}
	((struct fuse_direntplus *)(bytes + at))->dirent.namelen = UINT32_MAX;
	s.c->limits.minor = 15;
	server_say(&s, leave(&s, FUSE_READDIRPLUS, 0), 0, bytes, at + 200);
	conn_tick(s.c);
	server_expect(&s, &r, FUSE_FORGET);
	CHECK(r.h.nodeid == 62);
	server_expect(&s, &r, FUSE_FORGET);
	CHECK(r.h.nodeid == 63);
	CHECK(recv(s.fd, &r, sizeof(r), MSG_DONTWAIT) < 0);
	server_end(&s);
}

/* A server that does not know INTERRUPT is not told again. */
static void interrupt_is_unknown(void)
{
	static struct request r;
	struct vu_ctx ctx = { .gone = true };
	struct ask a = { .opcode = FUSE_STATFS };
	struct server s = server_ready();

	server_say(&s, leave(&s, FUSE_GETATTR, 0) | 1, -ENOSYS, NULL, 0);
	CHECK(conn_call(s.c, &ctx, &a) == -EINTR);
	server_expect(&s, &r, FUSE_STATFS);
	CHECK(recv(s.fd, &r, sizeof(r), MSG_DONTWAIT) < 0);
	server_end(&s);
}

static void nobody_is_the_caller(void)
{
	struct ask a = { .opcode = FUSE_STATFS };
	struct server s = server_ready();

	s.c->patience = 1;
	CHECK(conn_call(s.c, NULL, &a) == -ETIMEDOUT);
	server_end(&s);
}

/* The socket is full and nobody reads: the sender leaves as well. */
static void server_does_not_read(void)
{
	enum { MANY = 1000 };
	static struct flight f[MANY];
	static char bytes[PAYLOAD_MAX];
	struct vu_ctx ctx = { .gone = true };
	struct ask a = { .opcode = FUSE_WRITE,
			 .in = { { bytes, sizeof(bytes) } }, .nin = 1 };
	struct server s = server_ready();
	int n = 0, ret = 0;

	while (n < MANY && !ret)
		ret = conn_begin(s.c, &ctx, &f[n++], &a);
	CHECK(ret == -EINTR && n > 1);
	s.c->patience = 1;
	CHECK(conn_begin(s.c, NULL, &f[n - 1], &a) == -ETIMEDOUT);
	conn_forget(s.c, 8, 1);
	conn_tick(s.c);
	close(s.fd);
	s.fd = -1;
	while (--n)
		CHECK(conn_wait(s.c, &ctx, &f[n - 1]) == -ENOTCONN);
	server_end(&s);
}

/* --- the end --- */

static void *wait_for_ready(void *arg)
{
	struct conn *c = arg;

	return (void *)(long)conn_ready(c, NULL);
}

static void server_dies_at_start(void)
{
	struct server s = server_new();
	struct vu_ctx ctx = { .gone = true };
	pthread_t t;
	void *ret;

	CHECK(conn_start(s.c, 0, 0, 0) == 0);
	CHECK(conn_ready(s.c, &ctx) == -EINTR);
	pthread_create(&t, NULL, wait_for_ready, s.c);
	close(s.fd);
	s.fd = -1;
	pthread_join(t, &ret);
	CHECK((long)ret == -ENOTCONN);
	CHECK(conn_state(s.c) == CONN_DEAD);
	server_end(&s);

	s = server_new();
	s.c->patience = 1;
	CHECK(conn_start(s.c, 0, 0, 0) == 0);
	CHECK(conn_ready(s.c, NULL) == -ENOTCONN);	/* says nothing */
	server_end(&s);
}

static void server_dies_in_the_middle(void)
{
	static struct request r;
	struct server s = server_ready();
	struct ask a = { .opcode = FUSE_STATFS };
	struct flight f[3];

	for (int i = 0; i < 3; i++)
		CHECK(conn_begin(s.c, NULL, &f[i], &a) == 0);
	server_expect(&s, &r, FUSE_STATFS);
	/* what it has said before its end counts, though not all was read */
	server_say(&s, r.h.unique, -ENOSYS, NULL, 0);
	close(s.fd);
	s.fd = -1;
	CHECK(conn_wait(s.c, NULL, &f[2]) == -ENOTCONN);
	CHECK(conn_wait(s.c, NULL, &f[1]) == -ENOTCONN);
	CHECK(conn_wait(s.c, NULL, &f[0]) == -ENOSYS);
	CHECK(conn_state(s.c) == CONN_DEAD);
	CHECK(conn_call(s.c, NULL, &a) == -ENOTCONN);
	conn_forget(s.c, 5, 5);
	conn_tick(s.c);
	conn_end(s.c);
	server_end(&s);
}

static void idle_end_is_noticed(void)
{
	struct server s = server_ready();

	close(s.fd);
	s.fd = -1;
	conn_tick(s.c);
	CHECK(conn_state(s.c) == CONN_DEAD);
	server_end(&s);
}

static void *end_it(void *arg)
{
	conn_end(arg);
	return NULL;
}

static void *wait_for_answer(void *arg)
{
	struct ask a = { .opcode = FUSE_STATFS };

	return (void *)conn_call(arg, NULL, &a);
}

static void end_is_said(void)
{
	static struct request r;
	struct server s = server_ready();
	pthread_t t, waiter;
	void *ret;

	pthread_create(&waiter, NULL, wait_for_answer, s.c);
	server_expect(&s, &r, FUSE_STATFS);
	pthread_create(&t, NULL, end_it, s.c);
	server_expect(&s, &r, FUSE_DESTROY);
	server_say(&s, r.h.unique, 0, NULL, 0);
	pthread_join(t, NULL);
	pthread_join(waiter, &ret);
	CHECK((long)ret == -ENOTCONN);
	CHECK(conn_state(s.c) == CONN_DEAD);
	CHECK(!server_read(&s, &r));		/* sees the end */
	server_end(&s);
}

/* A server that never stops talking keeps nobody from leaving. */
static void *talk(void *arg)
{
	struct fuse_notify_inval_inode_out o = { 5, 0, 0 };
	struct fuse_out_header h = { sizeof(h) + sizeof(o),
				     FUSE_NOTIFY_INVAL_INODE, 0 };
	struct iovec iov[] = { { &h, sizeof(h) }, { &o, sizeof(o) } };
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };
	struct server *s = arg;

	while (sendmsg(s->fd, &m, MSG_NOSIGNAL) > 0)
		;
	return NULL;
}

static void server_never_stops(void)
{
	struct heard h;
	struct server s = server_heard(&h);
	struct vu_ctx ctx = { .gone = true };
	struct ask a = { .opcode = FUSE_STATFS };
	pthread_t t;

	pthread_create(&t, NULL, talk, &s);
	CHECK(conn_call(s.c, &ctx, &a) == -EINTR);
	conn_tick(s.c);
	CHECK(h.nodes > 0);
	shutdown(s.fd, SHUT_RDWR);
	pthread_join(t, NULL);
	server_end(&s);
}

int main(void)
{
	hears_of_inodes();
	hears_of_names();
	stores_and_retrieves();
	forgets_in_batches();
	forgets_wait_for_room();
	late_names_are_forgotten();
	late_files_are_released();
	late_lists_are_forgotten();
	interrupt_is_unknown();
	nobody_is_the_caller();
	server_does_not_read();
	server_dies_at_start();
	server_dies_in_the_middle();
	idle_end_is_noticed();
	end_is_said();
	server_never_stops();
	return failures != 0;
}
