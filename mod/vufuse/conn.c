/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation.
 *
 * There is no thread that receives. Whoever waits for an answer and finds
 * nobody receiving does it for all (receive.c), and when it has its own
 * answer wakes one of the others to go on: a lone caller is answered without
 * a switch of threads. When nobody waits, conn_tick() looks. A leader that
 * is not woken in time is no harm: everybody looks each LOOK_MS anyway.
 *
 * One lock guards all; it is not held over anything that waits, over vu_gone()
 * or over the listener. A flight is in the table from the moment its number
 * is chosen until it is settled, or given up by its waiter; both are done
 * under the lock, so that an answer is never copied to a caller that left. One
 * that is landing (its answer is received where it is to be, without the
 * lock) is not in the table, and its waiter stays until that is over.
 *
 * What may not wait for the server to read (FORGET, INTERRUPT, what is posted
 * or given back) goes to the outbox (outbox.c), and out with the next request
 * or tick.
 *
 * The end: when the server's end is closed, or by conn_end(), all flights
 * are settled with -ENOTCONN. Answers that came before are still received.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "lib/clock.h"
#include "mod/vufuse/conn_inside.h"

enum { UNIQUE_STEP = 2, TURNS = 16 };

/* --- life --- */

void conn_room(int fd)
{
	int room = 1 << 20;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
}

static void prepare_socket(int fd)
{
	struct timeval look = { .tv_usec = LOOK_MS * 1000 };
	int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &look, sizeof(look));
	conn_room(fd);
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
}

/*
 * What is left of a torn answer has the bytes of a file where a packet has
 * its header (hello.c): who has written them must not be able to answer.
 */
static uint64_t first_unique(void)
{
	uint64_t n = 0;

	if (getrandom(&n, sizeof(n), GRND_NONBLOCK) != sizeof(n))
		n = (uintptr_t)&n ^ (uint64_t)coarse_ms() << 32;
	return n >> 1 & ~(uint64_t)(UNIQUE_STEP - 1);
}

struct conn *conn_new(int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->bufsize = PAYLOAD_MAX + 65536;
	c->buf = malloc(c->bufsize);
	if (!c->buf) {
		free(c);
		return NULL;
	}
	c->fd = fd;
	c->patience = PATIENCE_MS;
	c->unique = first_unique();
	atomic_init(&c->refs, 1);
	atomic_init(&c->state, CONN_NEW);
	pthread_mutex_init(&c->lock, NULL);
	outbox_init(&c->out);
	prepare_socket(fd);
	return c;
}

struct conn *conn_get(struct conn *c)
{
	atomic_fetch_add(&c->refs, 1);
	return c;
}

void conn_put(struct conn *c)
{
	if (!c || atomic_fetch_sub(&c->refs, 1) != 1)
		return;
	close(c->fd);
	outbox_free(&c->out);
	pthread_mutex_destroy(&c->lock);
	free(c->buf);
	free(c);
}

enum conn_state conn_state(const struct conn *c)
{
	return atomic_load(&c->state);
}

const struct conn_limits *conn_limits(const struct conn *c)
{
	return &c->limits;
}

uint32_t conn_read_size(const struct conn *c)
{
	return atomic_load(&c->read_size);
}

void conn_listen(struct conn *c, const struct conn_listener *l, void *arg)
{
	c->listener = l;
	c->listener_arg = arg;
}

pid_t conn_server(const struct conn *c)
{
	struct conn *whole = (struct conn *)c;
	pid_t pid;

	pthread_mutex_lock(&whole->lock);
	pid = c->server;
	pthread_mutex_unlock(&whole->lock);
	return pid;
}

void conn_wake(struct conn *c, const bool *done)
{
	for (struct waiter *w = c->waiters; w; w = w->next)
		if (!done || w->done == done)
			pthread_cond_signal(&w->wake);
}

void conn_die(struct conn *c)
{
	if (conn_state(c) == CONN_DEAD)
		return;
	atomic_store(&c->state, CONN_DEAD);
	c->settled = true;
	for (size_t i = 0; i < FLIGHT_BUCKETS; i++)
		while (c->flight[i])
			conn_settle(c, c->flight[i], -ENOTCONN);
	outbox_free(&c->out);
	/* wakes who receives, and the server */
	shutdown(c->fd, SHUT_RDWR);
	conn_wake(c, NULL);
}

/* --- flights --- */

static struct flight **bucket(struct conn *c, uint64_t unique)
{
	return &c->flight[unique / UNIQUE_STEP % FLIGHT_BUCKETS];
}

struct flight *conn_flight(struct conn *c, uint64_t unique)
{
	struct flight *f = *bucket(c, unique);

	while (f && f->unique != unique)
		f = f->next;
	return f;
}

void conn_launch(struct conn *c, struct flight *f, struct ask *a)
{
	struct flight **b;

	c->unique += UNIQUE_STEP;
	b = bucket(c, c->unique);
	*f = (struct flight){ .next = *b, .ask = a, .unique = c->unique };
	*b = f;
}

void conn_put_back(struct conn *c, struct flight *f)
{
	struct flight **b = bucket(c, f->unique);

	f->next = *b;
	*b = f;
}

void conn_take_out(struct conn *c, struct flight *f)
{
	struct flight **p = bucket(c, f->unique);

	while (*p && *p != f)
		p = &(*p)->next;
	if (*p)
		*p = f->next;
}

void conn_settle(struct conn *c, struct flight *f, ssize_t result)
{
	conn_take_out(c, f);
	f->result = result;
	f->done = true;
	conn_wake(c, &f->done);
}

/* --- patience --- */

/* *limit may become less while one waits: see conn_hurry(). */
static struct patience patience(struct vu_ctx *ctx, const atomic_long *limit)
{
	long now = coarse_ms();

	return (struct patience){ ctx, now + LOOK_MS, now, ctx ? NULL : limit };
}

/* 0: go on; -EINTR, -ETIMEDOUT */
int patient(struct patience *p)
{
	long now = coarse_ms();

	if (now < p->look)
		return 0;
	p->look = now + LOOK_MS;
	if (p->limit && now - p->begin >= atomic_load(p->limit))
		return -ETIMEDOUT;
	return p->ctx && vu_gone(p->ctx) ? -EINTR : 0;
}

/* --- waiting --- */

static void leave(struct conn *c, struct waiter *w)
{
	struct waiter **p = &c->waiters;

	while (*p != w)
		p = &(*p)->next;
	*p = w->next;
	pthread_cond_destroy(&w->wake);
	/* it may have been woken to receive, and has something better to do */
	if (!c->receiving && c->waiters)
		pthread_cond_signal(&c->waiters->wake);
}

static void join(struct conn *c, struct waiter *w, const bool *done)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&w->wake, &attr);
	pthread_condattr_destroy(&attr);
	w->done = done;
	w->next = c->waiters;
	c->waiters = w;
}

/* Others receive; be woken, or look around after a while. Lock held. */
static void doze(struct conn *c, struct waiter *w)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += LOOK_MS * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000;
	t.tv_nsec %= 1000000000;
	pthread_cond_timedwait(&w->wake, &c->lock, &t);
}

/* Until *done. Lock held. 0, -EINTR or -ETIMEDOUT */
static int await(struct conn *c, struct patience *p, const bool *done)
{
	struct waiter w;
	int ret = 0;

	join(c, &w, done);
	while (!*done && !ret) {
		if (c->receiving || c->pumped)
			doze(c, &w);
		else
			conn_receive(c, done, true);
		if (*done)
			break;
		pthread_mutex_unlock(&c->lock);
		ret = patient(p);
		pthread_mutex_lock(&c->lock);
	}
	leave(c, &w);
	return ret;
}

/* --- requests --- */

static int begin(struct conn *c, struct patience *p, struct flight *f,
		 struct ask *a)
{
	struct iovec iov[ASK_PARTS + 1];
	struct fuse_in_header h;
	int n;

	if (a->nin > ASK_PARTS || a->nout > ASK_PARTS)
		return -EINVAL;
	pthread_mutex_lock(&c->lock);
	if (conn_state(c) == CONN_DEAD) {
		pthread_mutex_unlock(&c->lock);
		return -ENOTCONN;
	}
	outbox_flush(c);
	conn_launch(c, f, a);
	pthread_mutex_unlock(&c->lock);
	send_address(c, p->ctx, f, &h);
	n = send_pack(a, &h, iov);
	if (n >= 0)
		n = send_patiently(c, p, iov, n);
	if (n < 0) {
		pthread_mutex_lock(&c->lock);
		conn_take_out(c, f);
		pthread_mutex_unlock(&c->lock);
	}
	return n;
}

/* Has the server said so? */
static bool is_unknown(struct conn *c, uint32_t opcode)
{
	return opcode < 64 && (atomic_load(&c->unknown) >> opcode & 1);
}

int conn_begin(struct conn *c, struct vu_ctx *ctx, struct flight *f,
	       struct ask *a)
{
	struct patience p = patience(ctx, &c->patience);
	int ret = conn_ready(c, ctx);

	if (!ret && is_unknown(c, a->opcode))
		ret = -ENOSYS;
	/* the server is a guest: somebody has to answer its calls meanwhile */
	vu_may_wait(ctx);
	return ret ? ret : begin(c, &p, f, a);
}

/* Nobody waits any more: the server need not go on. Lock held. */
static void give_up(struct conn *c, struct flight *f)
{
	struct fuse_interrupt_in body = { f->unique };
	struct fuse_in_header h = {
		.opcode = FUSE_INTERRUPT, .unique = f->unique | 1,
	};

	conn_take_out(c, f);
	late_remember(c, f);
	if (!c->no_interrupt && outbox_add(c, &h, &body, sizeof(body)))
		c->interrupt = h.unique;
	outbox_flush(c);
}

/* Nobody may write into its memory any more: that is soon over. Lock held. */
static void see_landed(struct conn *c, const struct flight *f)
{
	while (f->landing) {
		pthread_mutex_unlock(&c->lock);
		sched_yield();
		pthread_mutex_lock(&c->lock);
	}
}

static ssize_t land(struct conn *c, struct patience *p, struct flight *f)
{
	ssize_t ret;

	pthread_mutex_lock(&c->lock);
	ret = await(c, p, &f->done);
	see_landed(c, f);
	if (f->done)
		ret = f->result;
	else
		give_up(c, f);
	pthread_mutex_unlock(&c->lock);
	return ret;
}

ssize_t conn_wait(struct conn *c, struct vu_ctx *ctx, struct flight *f)
{
	struct patience p = patience(ctx, &c->patience);

	return land(c, &p, f);
}

void conn_drop(struct conn *c, struct flight *f)
{
	pthread_mutex_lock(&c->lock);
	see_landed(c, f);
	if (!f->done)
		give_up(c, f);
	pthread_mutex_unlock(&c->lock);
}

ssize_t conn_call(struct conn *c, struct vu_ctx *ctx, struct ask *a)
{
	struct flight f;
	int ret = conn_begin(c, ctx, &f, a);

	return ret ? ret : conn_wait(c, ctx, &f);
}

void conn_forget(struct conn *c, uint64_t node, uint64_t nlookup)
{
	pthread_mutex_lock(&c->lock);
	if (conn_state(c) != CONN_DEAD && nlookup)
		outbox_forget(c, node, nlookup);
	pthread_mutex_unlock(&c->lock);
}

/* --- beginning and end --- */

int conn_start(struct conn *c, uid_t uid, gid_t gid, uint32_t max_read)
{
	struct iovec iov[ASK_PARTS + 1];
	struct fuse_in_header h;
	int ret = -EALREADY;

	pthread_mutex_lock(&c->lock);
	if (conn_state(c) == CONN_NEW) {
		c->uid = uid;
		c->gid = gid;
		hello_prepare(c, max_read);
		conn_launch(c, &c->hello, &c->hello_ask);
		send_address(c, NULL, &c->hello, &h);
		atomic_store(&c->state, CONN_STARTING);
		ret = conn_send(c, iov, send_pack(&c->hello_ask, &h, iov));
		if (ret)
			conn_die(c);
	}
	pthread_mutex_unlock(&c->lock);
	return ret;
}

int conn_ready(struct conn *c, struct vu_ctx *ctx)
{
	struct patience p = patience(ctx, &c->patience);
	int ret = 0;

	if (conn_state(c) == CONN_READY)
		return 0;
	if (conn_state(c) == CONN_NEW)
		return -ENOTCONN;
	/* also when somebody asks: a server that says nothing is none */
	p.limit = &c->patience;
	pthread_mutex_lock(&c->lock);
	ret = await(c, &p, &c->settled);
	pthread_mutex_unlock(&c->lock);
	if (ret == -EINTR)
		return ret;
	return conn_state(c) == CONN_READY ? 0 : -ENOTCONN;
}

void conn_hurry(struct conn *c, long ms)
{
	pthread_mutex_lock(&c->lock);
	if (c->patience > ms)
		c->patience = ms;
	pthread_mutex_unlock(&c->lock);
}

void conn_tick(struct conn *c)
{
	bool more = true;

	pthread_mutex_lock(&c->lock);
	if (conn_state(c) != CONN_NEW && conn_state(c) != CONN_DEAD)
		outbox_flush(c);
	/* a server that never stops talking is left to the next tick */
	for (int i = 0; i < TURNS && more && !c->receiving &&
	     conn_state(c) != CONN_DEAD; i++)
		more = conn_receive(c, NULL, false);
	pthread_mutex_unlock(&c->lock);
}

/* What was to be sent comes before the end. */
static void send_rest(struct conn *c, struct patience *p)
{
	bool all;

	do {
		pthread_mutex_lock(&c->lock);
		all = conn_state(c) == CONN_DEAD || outbox_flush(c);
		pthread_mutex_unlock(&c->lock);
		if (!all)
			send_wait(c, 0);
	} while (!all && !patient(p));
}

void conn_end(struct conn *c)
{
	static const atomic_long goodbye = GOODBYE_MS;
	struct patience p = patience(NULL, &goodbye);
	struct ask a = { .opcode = FUSE_DESTROY };
	struct flight f;

	if (conn_state(c) == CONN_READY) {
		send_rest(c, &p);
		if (!begin(c, &p, &f, &a))
			land(c, &p, &f);
	}
	pthread_mutex_lock(&c->lock);
	conn_die(c);
	pthread_mutex_unlock(&c->lock);
}
