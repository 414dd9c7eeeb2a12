/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections to a FUSE server: INIT, answers, many callers, notifications. */
#include "test/unit/vufuse_server.h"

enum { CALLERS = 64, CALLS = 50 };

/* --- INIT --- */

static void init_is_answered(void)
{
	struct server s = server_new();
	struct fuse_init_out o = init_answer();
	const struct conn_limits *l = conn_limits(s.c);
	struct ask a = { .opcode = FUSE_STATFS };

	CHECK(conn_state(s.c) == CONN_NEW);
	CHECK(conn_ready(s.c, NULL) == -ENOTCONN);
	CHECK(conn_call(s.c, NULL, &a) == -ENOTCONN);
	CHECK(conn_server(s.c) == 0);
	CHECK(server_greet(&s, &o, sizeof(o)) == 0);
	CHECK(conn_state(s.c) == CONN_READY);
	CHECK(conn_server(s.c) == getpid());
	CHECK(l->minor == 31 || l->minor == 13);
	/* what was not offered is not agreed on */
	CHECK(l->flags == (FUSE_ASYNC_READ | FUSE_BIG_WRITES));
	CHECK(l->max_write >= 4096 && l->max_write <= PAYLOAD_MAX);
	CHECK(l->max_read >= 4096 && l->max_read <= PAYLOAD_MAX);
	CHECK(l->together >= 1);
	CHECK(conn_start(s.c, 0, 0, 0) == -EALREADY);
	server_end(&s);
}

static void init_offers(void)
{
	static struct request r;
	struct server s = server_new();
	struct fuse_init_in in;

	CHECK(conn_start(s.c, 7, 8, 4096) == 0);
	CHECK(conn_state(s.c) == CONN_STARTING);
	server_expect(&s, &r, FUSE_INIT);
	CHECK(r.h.uid == 7 && r.h.gid == 8 && r.h.nodeid == 0);
	CHECK(r.size == sizeof(in) || r.size == 16);
	memcpy(&in, r.body, sizeof(in));
	CHECK(in.major == 7 && in.minor >= 13);
	CHECK(in.flags & FUSE_DO_READDIRPLUS);
	CHECK(!(in.flags & (FUSE_WRITEBACK_CACHE | FUSE_ATOMIC_O_TRUNC |
			    FUSE_POSIX_LOCKS | FUSE_FLOCK_LOCKS |
			    FUSE_DONT_MASK | FUSE_EXPORT_SUPPORT)));
	CHECK(conn_limits(s.c)->max_read == 4096);
	server_end(&s);
}

static void init_of_minors(void)
{
	static const struct {
		uint32_t major, minor;
		size_t size;
		int ret;
	} t[] = {
		{ 7, 4, 8, 0 }, { 7, 5, 24, 0 }, { 7, 22, 24, 0 },
		{ 7, 23, 64, 0 }, { 7, 38, 64, 0 }, { 7, 99, 64, 0 },
		{ 7, 31, 8, -ENOTCONN },	/* says too little */
		{ 7, 31, 23, -ENOTCONN }, { 6, 1, 8, -ENOTCONN },
		{ 8, 0, 64, -ENOTCONN }, { 7, 31, 65, -ENOTCONN },
		{ 7, 31, 7, -ENOTCONN }, { 7, 31, 0, -ENOTCONN },
	};

	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		char bytes[80] = { 0 };
		struct fuse_init_out o = init_answer();
		struct server s = server_new();

		o.major = t[i].major;
		o.minor = t[i].minor;
		memcpy(bytes, &o, sizeof(o));
		CHECK(server_greet(&s, (void *)bytes, t[i].size) == t[i].ret);
		CHECK(t[i].ret || conn_limits(s.c)->minor <= t[i].minor);
		CHECK(t[i].ret || conn_limits(s.c)->max_write >= 4096);
		CHECK(t[i].ret || t[i].minor >= 5 ||
		      conn_limits(s.c)->max_write == 4096);
		server_end(&s);
	}
}

static void init_is_refused(void)
{
	static struct request r;
	struct server s = server_new();

	CHECK(conn_start(s.c, 0, 0, 0) == 0);
	server_expect(&s, &r, FUSE_INIT);
	server_say(&s, r.h.unique, -EPROTO, NULL, 0);
	CHECK(conn_ready(s.c, NULL) == -ENOTCONN);
	CHECK(conn_state(s.c) == CONN_DEAD);
	server_end(&s);
}

/* --- answers --- */

/* The parts of a request, and an answer in two parts. */
static void parts_go_and_come(void)
{
	static struct request r;
	struct server s = server_ready();
	struct vu_ctx ctx = { .who = { 1000, 100, 022 } };
	char name[] = "name", first[4] = "", second[8] = "";
	struct ask a = {
		.opcode = FUSE_LOOKUP, .node = 9,
		.in = { { name, 2 }, { name + 2, 3 } }, .nin = 2,
		.out = { { first, 4 }, { second, 8 } }, .nout = 2, .least = 5,
	};
	struct flight f;

	CHECK(conn_begin(s.c, &ctx, &f, &a) == 0);
	server_expect(&s, &r, FUSE_LOOKUP);
	CHECK(r.h.nodeid == 9 && r.h.uid == 1000 && r.h.gid == 100);
	CHECK(r.h.pid == 0);
	CHECK(r.size == 5 && !memcmp(r.body, "name", 5));
	server_say(&s, r.h.unique, 0, "abcdefg", 7);
	CHECK(conn_wait(s.c, &ctx, &f) == 7);
	CHECK(!memcmp(first, "abcd", 4) && !memcmp(second, "efg\0", 4));
	server_end(&s);
}

/* What a server answers, and what the asker is told. */
static void answers_are_checked(void)
{
	static const struct {
		int error;
		size_t size;
		ssize_t ret;
	} t[] = {
		{ 0, 8, 8 }, { 0, 16, 16 }, { 0, 12, 12 },
		{ 0, 7, -EIO }, { 0, 0, -EIO }, { 0, 17, -EIO },
		{ 0, 60000, -EIO }, { -ENOENT, 0, -ENOENT }, { -511, 0, -511 },
		{ -ENOENT, 8, -EIO }, { 1, 0, -EIO }, { 2, 8, -EIO },
		{ -512, 0, -EIO }, { INT32_MIN, 0, -EIO }, { INT32_MAX, 8, -EIO },
	};
	static struct request r;
	static char bytes[60000];
	struct server s = server_ready();
	char out[24];
	struct ask a = { .opcode = FUSE_GETATTR, .out = { { out, 16 } },
			 .nout = 1, .least = 8 };

	memset(bytes, 'x', sizeof(bytes));
	for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
		struct flight f;

		memset(out, 'o', sizeof(out));
		CHECK(conn_begin(s.c, NULL, &f, &a) == 0);
		server_expect(&s, &r, FUSE_GETATTR);
		server_say(&s, r.h.unique, t[i].error, bytes, t[i].size);
		CHECK(conn_wait(s.c, NULL, &f) == t[i].ret);
		CHECK(out[t[i].ret > 0 ? t[i].ret : 0] == 'o');
	}
	server_end(&s);
}

/* Packets that are no answers, before the one that is. */
static void nonsense_is_dropped(void)
{
	static struct request r;
	static char large[180000];
	struct fuse_out_header h = { 0 };
	struct server s = server_ready();
	char out[16];
	struct ask a = { .opcode = FUSE_GETATTR, .out = { { out, 16 } },
			 .nout = 1 };
	struct flight f;

	CHECK(conn_begin(s.c, NULL, &f, &a) == 0);
	server_expect(&s, &r, FUSE_GETATTR);
	send(s.fd, "", 0, 0);
	send(s.fd, "x", 1, 0);
	send(s.fd, &h, sizeof(h) - 1, 0);
	memset(large, 0xff, sizeof(large));
	send(s.fd, large, sizeof(large), 0);
	server_say(&s, r.h.unique + 2, 0, "12345678", 8);
	server_say(&s, r.h.unique | 1, -EAGAIN, NULL, 0);
	server_say(&s, UINT64_MAX, 0, "12345678", 8);
	server_say(&s, r.h.unique, 0, "12345678", 8);
	CHECK(conn_wait(s.c, NULL, &f) == 8);
	server_say(&s, r.h.unique, 0, "12345678", 8);	/* once more */
	conn_tick(s.c);
	CHECK(conn_state(s.c) == CONN_READY);

	/* a header that says another length than the packet has */
	CHECK(conn_begin(s.c, NULL, &f, &a) == 0);
	server_expect(&s, &r, FUSE_GETATTR);
	h = (struct fuse_out_header){ sizeof(h) + 8, 0, r.h.unique };
	send(s.fd, &h, sizeof(h), 0);
	CHECK(conn_wait(s.c, NULL, &f) == -EIO);
	server_end(&s);
}

/*
 * An answer that was spliced comes in pieces: the first one with a header
 * for all. From then on less is asked for, and what follows is nothing.
 */
static void torn_answers(void)
{
	static const uint32_t opcode[] = { FUSE_GETXATTR, FUSE_READ };
	static struct request r;
	static char bytes[PAYLOAD_MAX];
	struct server s = server_ready();
	struct ask a = { .out = { { bytes, sizeof(bytes) } }, .nout = 1 };
	uint32_t whole = conn_read_size(s.c);
	struct {
		struct fuse_out_header h;
		char bytes[1000];
	} first = { .h.len = 5000 };
	struct flight f;

	CHECK(whole == conn_limits(s.c)->max_read);
	for (int i = 0; i < 2; i++) {
		a.opcode = opcode[i];
		CHECK(conn_begin(s.c, NULL, &f, &a) == 0);
		server_expect(&s, &r, opcode[i]);
		first.h.unique = r.h.unique;
		send(s.fd, &first, sizeof(first), 0);
		send(s.fd, bytes, 4000, 0);
		CHECK(conn_wait(s.c, NULL, &f) == -EIO && f.torn == (i == 1));
	}
	CHECK(conn_read_size(s.c) <= whole);
	CHECK(conn_read_size(s.c) < 16 * 4096 || conn_limits(s.c)->minor == 13);
	CHECK(conn_limits(s.c)->max_read == whole);
	conn_tick(s.c);
	CHECK(conn_state(s.c) == CONN_READY);
	server_end(&s);
}

/* Ids of requests are not to be guessed by who writes into served files. */
static void ids_are_secret(void)
{
	uint64_t id[2];

	for (int i = 0; i < 2; i++) {
		static struct request r;
		struct server s = server_new();

		CHECK(conn_start(s.c, 0, 0, 0) == 0);
		server_expect(&s, &r, FUSE_INIT);
		id[i] = r.h.unique;
		CHECK(id[i] && !(id[i] & 1) && id[i] <= INT64_MAX);
		server_end(&s);
	}
	CHECK(id[0] >> 16 != id[1] >> 16);
}

/* Descriptors that a server sends along are not taken. */
static void descriptors_are_refused(void)
{
	struct fuse_out_header h = { sizeof(h), 0, 1234 };
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = { { 0 } };
	struct iovec iov = { &h, sizeof(h) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &u,
			    .msg_controllen = sizeof(u.room) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&m);
	struct server s = server_ready();
	int before = dup(0), after, one = 1;

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &one, sizeof(int));
	close(before);
	CHECK(sendmsg(s.fd, &m, 0) == sizeof(h));
	conn_tick(s.c);
	after = dup(0);
	CHECK(before == after);
	close(after);
	CHECK(conn_state(s.c) == CONN_READY);
	server_end(&s);
}

/* --- many --- */

struct crowd {
	struct server s;
	atomic_int wrong;
};

/* Answers in packs, the last request first; each brings its own bytes. */
static void *answer_backwards(void *arg)
{
	static struct request r[CALLERS / 2];
	struct crowd *w = arg;
	struct pollfd p = { .fd = w->s.fd, .events = POLLIN };
	int n = 0;

	for (;;) {
		/* all that is there, or one when nothing more comes */
		while (n < CALLERS / 2 && (!n || poll(&p, 1, 0) == 1))
			if (!server_read(&w->s, &r[n++]))
				return NULL;
		while (n)
			n--, server_say(&w->s, r[n].h.unique, 0, r[n].body,
					r[n].size);
	}
}

static void *call_often(void *arg)
{
	struct crowd *w = arg;
	static atomic_uint number;
	uint32_t in[256], out[256];

	for (int i = 0; i < CALLS; i++) {
		struct ask a = {
			.opcode = FUSE_READ, .least = sizeof(out),
			.in = { { in, sizeof(in) } }, .nin = 1,
			.out = { { out, sizeof(out) } }, .nout = 1,
		};

		in[0] = in[255] = atomic_fetch_add(&number, 1);
		if (conn_call(w->s.c, NULL, &a) != sizeof(out) ||
		    out[0] != in[0] || out[255] != in[255])
			atomic_fetch_add(&w->wrong, 1);
		conn_forget(w->s.c, 5, 0);
	}
	return NULL;
}

static void crowd_is_served(void)
{
	struct crowd w = { .s = server_ready() };
	pthread_t server, caller[CALLERS];

	pthread_create(&server, NULL, answer_backwards, &w);
	for (int i = 0; i < CALLERS; i++)
		pthread_create(&caller[i], NULL, call_often, &w);
	for (int i = 0; i < CALLERS; i++)
		pthread_join(caller[i], NULL);
	CHECK(w.wrong == 0);
	shutdown(w.s.fd, SHUT_RDWR);
	pthread_join(server, NULL);
	server_end(&w.s);
}

/* More in flight than the sockets bear, both ways, and one thread each. */
static void full_both_ways(void)
{
	enum { MANY = 200, LARGE = 32768 };
	static struct flight f[MANY];
	static struct ask a[MANY];
	static char in[LARGE], out[LARGE];
	struct crowd w = { .s = server_ready() };
	pthread_t server;

	pthread_create(&server, NULL, answer_backwards, &w);
	for (int i = 0; i < MANY; i++) {
		a[i] = (struct ask){
			.opcode = FUSE_READ, .least = LARGE,
			.in = { { in, LARGE } }, .nin = 1,
			.out = { { out, LARGE } }, .nout = 1,
		};
		CHECK(conn_begin(w.s.c, NULL, &f[i], &a[i]) == 0);
	}
	for (int i = MANY - 1; i >= 0; i--)
		CHECK(conn_wait(w.s.c, NULL, &f[i]) == LARGE);
	shutdown(w.s.fd, SHUT_RDWR);
	pthread_join(server, NULL);
	server_end(&w.s);
}

int main(void)
{
	init_is_answered();
	init_offers();
	init_of_minors();
	init_is_refused();
	parts_go_and_come();
	answers_are_checked();
	nonsense_is_dropped();
	torn_answers();
	ids_are_secret();
	descriptors_are_refused();
	crowd_is_served();
	full_both_ways();
	return failures != 0;
}
