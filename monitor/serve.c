/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The service: connections, each in one of these states.
 *
 *	IDLE	 waits for a request
 *	BUSY	 a thread of its own works on a slow request; nothing is read
 *	SENDING	 the reply did not fit into the socket; nothing is read
 *	TRACING	 gets lines until it closes; a slow reader loses lines and is
 *		 told how many by a record `lost N`
 *
 * So a client has one request and one reply in the monitor at most, and
 * can delay nobody but itself. All connections belong to the event loop's
 * thread. Others come in by two locked lists, which wake the loop through an
 * eventfd: `arrived`, connections that receiver threads have made for
 * guests, and `done`, requests that worker threads have finished. A
 * connection whose peer leaves while BUSY is freed when its request is done.
 *
 * A child view lives as long as the connection that opened it. When that
 * closes without `leave`, a thread kills the view's guests (umvu was killed).
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>
#include "engine/task.h"
#include "lib/events.h"
#include "lib/log.h"
#include "monitor/serve.h"
#include "monitor/trace.h"

enum {
	INSIDE_MAX	= 56,		/* connections of guests, */
	OUTSIDE_MAX	= 8,		/* of others */
	VIEWS_MAX	= 16,		/* child views of one connection */
	BACKLOG_MAX	= 256 << 10,	/* unsent bytes of a trace */
};

enum state { IDLE, BUSY, SENDING, TRACING };

struct conn {
	struct service *service;
	struct conn *next;		/* in arrived */
	struct conn *next_open;		/* in open */
	struct source source;
	enum state state;
	pid_t pid;			/* 0: outside */
	bool gone;			/* closed while BUSY */
	bool leave;
	unsigned view[VIEWS_MAX];
	size_t nview;
	struct request *request;	/* BUSY: the thread's; SENDING */
	struct conn *next_done;
	bool first_sent;		/* a packet of this reply has gone */
	unsigned long lost;		/* TRACING */
	struct strbuf backlog;
	struct request_effect filter;
};

struct service {
	struct events *events;
	struct room room;
	struct source listen, wake, lines;
	pthread_mutex_t lock;		/* arrived, done */
	struct conn *arrived, *done;
	struct conn *open;
	atomic_int inside;
	int outside, tracing;
	struct strbuf taken;
};

static void on_conn(void *ctx, uint32_t events);

static void wake(struct service *s)
{
	const uint64_t one = 1;

	if (write(s->wake.fd, &one, sizeof(one)) < 0)
		log_debug("service: eventfd: %s", strerror(errno));
}

static void request_free(struct request *rq)
{
	if (!rq)
		return;
	strbuf_free(&rq->text);
	free(rq);
}

/* --- the end of a connection ------------------------------------------ */

struct ending {
	struct sys *sys;
	bool orderly;
	size_t n;
	unsigned view[VIEWS_MAX];
};

static void kill_view(struct sys *sys, unsigned view)
{
	pid_t pid[256];
	size_t n, i;

	while ((n = sys_view_pids(sys, view, pid, 256))) {
		for (i = 0; i < n && i < 256; i++)
			kill(pid[i], SIGKILL);
		poll(NULL, 0, 2);
	}
}

static void *end_views(void *arg)
{
	struct ending *e = arg;
	size_t i;

	for (i = 0; i < e->n; i++) {
		if (!e->orderly)
			kill_view(e->sys, e->view[i]);
		sys_drop_view(e->sys, e->view[i]);
	}
	free(e);
	return NULL;
}

static int run_thread(void *(*run)(void *), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	int ret;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	ret = -pthread_create(&thread, &attr, run, arg);
	pthread_attr_destroy(&attr);
	return ret;
}

static void leave_views(struct conn *c)
{
	struct ending *e;

	if (!c->nview)
		return;
	e = malloc(sizeof(*e));
	if (!e)
		return;
	*e = (struct ending){ c->service->room.sys, c->leave, c->nview, { 0 } };
	memcpy(e->view, c->view, sizeof(e->view));
	if (run_thread(end_views, e))
		end_views(e);
}

static void conn_unlink(struct conn *c)
{
	struct conn **p = &c->service->open;

	while (*p != c)
		p = &(*p)->next_open;
	*p = c->next_open;
}

static void conn_free(struct conn *c)
{
	struct service *s = c->service;

	if (c->state == TRACING) {
		s->tracing--;
		trace_subscribe(s->room.trace, false);
	}
	if (c->pid)
		s->inside--;
	else
		s->outside--;
	leave_views(c);
	conn_unlink(c);
	request_free(c->request);
	strbuf_free(&c->backlog);
	free(c);
}

static void conn_close(struct conn *c)
{
	if (!c->gone) {
		events_remove(c->service->events, &c->source);
		close(c->source.fd);
		c->gone = true;
	}
	if (c->state != BUSY)
		conn_free(c);
}

/* --- sending ----------------------------------------------------------- */

/*
 * Send one packet with the beginning of a text.
 * @more:	the reply goes on after this text
 * Return: bytes sent, or -errno (-EAGAIN: no room)
 */
static ssize_t send_part(int fd, int status, const struct strbuf *text,
			 bool more)
{
	size_t n = text->len < SERVICE_TEXT_MAX ? text->len : SERVICE_TEXT_MAX;
	struct service_reply head = {
		.status = status,
		.flags = more || n < text->len ? SERVICE_MORE : 0,
	};
	struct iovec iov[2] = {
		{ &head, sizeof(head) }, { text->data, n },
	};
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = n ? 2 : 1 };

	if (sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		return -errno;
	return n;
}

static void become_idle(struct conn *c)
{
	request_free(c->request);
	c->request = NULL;
	c->state = IDLE;
	events_change(c->service->events, &c->source, EPOLLIN);
}

/* Send what the socket takes of the reply. The connection may be freed. */
static void send_reply(struct conn *c)
{
	struct request *rq = c->request;
	ssize_t n;

	do {
		n = send_part(c->source.fd, rq->status, &rq->text, false);
		if (n == -EAGAIN) {
			c->state = SENDING;
			events_change(c->service->events, &c->source, EPOLLOUT);
			return;
		}
		if (n < 0) {
			conn_close(c);
			return;
		}
		strbuf_consume(&rq->text, n);
	} while (rq->text.len);
	become_idle(c);
}

static void send_lines(struct conn *c)
{
	uint32_t wanted = EPOLLIN;
	ssize_t n;

	while (c->backlog.len) {
		n = send_part(c->source.fd, 0, &c->backlog, true);
		if (n == -EAGAIN) {
			wanted |= EPOLLOUT;
			break;
		}
		if (n < 0) {
			conn_close(c);
			return;
		}
		strbuf_consume(&c->backlog, n);
	}
	events_change(c->service->events, &c->source, wanted);
}

/* --- tracing ----------------------------------------------------------- */

/* Does this subscriber want the line "VIEW\tcall\tTID\t..."? */
static bool wants(const struct conn *c, const char *line)
{
	const struct request_effect *f = &c->filter;
	char path[64];
	unsigned view;
	int tid;

	if (!f->stream_pid && !f->stream_view)
		return true;
	if (sscanf(line, "%u\tcall\t%d", &view, &tid) != 2)
		return false;
	if (f->stream_view)
		return view == f->stream_view;
	if (tid == f->stream_pid)
		return true;
	snprintf(path, sizeof(path), "/proc/%d/task/%d", (int)f->stream_pid,
		 tid);
	return !access(path, F_OK);
}

static void add_line(struct conn *c, const char *line, size_t len)
{
	const char *record = memchr(line, '\t', len);

	if (!record || !wants(c, line))
		return;
	if (c->backlog.len + len > BACKLOG_MAX) {
		c->lost++;
		return;
	}
	if (c->lost)
		strbuf_printf(&c->backlog, "lost\t%lu\n", c->lost);
	c->lost = 0;
	record++;
	strbuf_add(&c->backlog, record, line + len - record);
}

static void add_lines(struct conn *c, const struct strbuf *text)
{
	const char *line = text->data, *end;

	while (line && (end = strchr(line, '\n'))) {
		end++;
		add_line(c, line, end - line);
		line = end;
	}
	send_lines(c);
}

static void on_lines(void *ctx, uint32_t events)
{
	struct service *s = ctx;
	struct conn *c, *next;
	unsigned long lost;

	(void)events;
	lost = lines_take(trace_subscribers(s->room.trace), &s->taken);
	for (c = s->open; c; c = next) {
		next = c->next_open;
		if (c->state != TRACING || c->gone)
			continue;
		c->lost += lost;
		add_lines(c, &s->taken);
	}
}

static void start_tracing(struct conn *c)
{
	c->filter = c->request->effect;
	request_free(c->request);
	c->request = NULL;
	c->state = TRACING;
	c->service->tracing++;
	trace_subscribe(c->service->room.trace, true);
}

/* --- requests ---------------------------------------------------------- */

static void complete(struct conn *c)
{
	const struct request_effect *e = &c->request->effect;

	c->state = SENDING;
	if (e->opened)
		c->view[c->nview++] = e->opened;
	c->leave |= e->leave;
	if (c->gone)
		conn_free(c);
	else if (e->stream)
		start_tracing(c);
	else
		send_reply(c);
}

static void *work(void *arg)
{
	struct conn *c = arg;
	struct service *s = c->service;

	request_run(c->request);
	pthread_mutex_lock(&s->lock);
	c->next_done = s->done;
	s->done = c;
	pthread_mutex_unlock(&s->lock);
	wake(s);
	return NULL;
}

static void run_request(struct conn *c)
{
	if (!request_is_slow(c->request)) {
		request_run(c->request);
		complete(c);
		return;
	}
	c->state = BUSY;
	events_change(c->service->events, &c->source, 0);
	if (run_thread(work, c)) {
		c->request->status = -EAGAIN;
		complete(c);
	}
}

/* A packet that cannot be a request: say so, and close. */
static void malformed(struct conn *c)
{
	struct strbuf none = { 0 };

	send_part(c->source.fd, -EINVAL, &none, false);
	conn_close(c);
}

static void on_packet(struct conn *c)
{
	struct request *rq = calloc(1, sizeof(*rq));
	ssize_t n;
	int ret;

	if (!rq) {
		conn_close(c);
		return;
	}
	c->request = rq;
	rq->room = &c->service->room;
	rq->pid = c->pid;
	n = recv(c->source.fd, rq->packet, sizeof(rq->packet),
		 MSG_DONTWAIT | MSG_TRUNC);
	if (n < 0 && errno == EAGAIN) {
		become_idle(c);
		return;
	}
	if (n <= 0) {
		conn_close(c);
		return;
	}
	ret = n > SERVICE_PACKET_MAX ? -EINVAL : request_read(rq, n);
	if (ret && !rq->status)
		malformed(c);
	else if (ret)
		send_reply(c);
	else if (c->nview == VIEWS_MAX && !strcmp(rq->word[0], "newview"))
		malformed(c);
	else
		run_request(c);
}

static void on_conn(void *ctx, uint32_t events)
{
	struct conn *c = ctx;

	switch (c->state) {
	case IDLE:
		on_packet(c);
		break;
	case BUSY:
		/* Only an end of the connection is reported in this state. */
		conn_close(c);
		break;
	case SENDING:
		if (events & (EPOLLERR | EPOLLHUP))
			conn_close(c);
		else
			send_reply(c);
		break;
	case TRACING:
		if (events & ~EPOLLOUT)
			conn_close(c);
		else
			send_lines(c);
		break;
	}
}

/* --- connections ------------------------------------------------------- */

static struct conn *conn_new(struct service *s, int fd, pid_t pid)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->service = s;
	c->pid = pid;
	c->source = (struct source){ fd, on_conn, c };
	return c;
}

static void conn_open(struct conn *c)
{
	struct service *s = c->service;

	c->next_open = s->open;
	s->open = c;
	if (events_add(s->events, &c->source, EPOLLIN)) {
		close(c->source.fd);
		c->gone = true;
		conn_free(c);
	}
}

static bool welcome(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len))
		return false;
	return peer.uid == geteuid() || peer.uid == 0;
}

static void on_listen(void *ctx, uint32_t events)
{
	struct service *s = ctx;
	struct conn *c;
	int fd;

	(void)events;
	fd = accept4(s->listen.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return;
	c = s->outside < OUTSIDE_MAX && welcome(fd) ? conn_new(s, fd, 0) : NULL;
	if (!c) {
		close(fd);
		return;
	}
	s->outside++;
	conn_open(c);
}

int service_connect(void *ctx, pid_t tid)
{
	struct service *s = ctx;
	struct task_ids ids;
	struct conn *c;
	int pair[2], ret;

	ret = task_read_ids(tid, &ids);
	if (ret)
		return ret;
	if (s->inside++ >= INSIDE_MAX) {
		s->inside--;
		return -EAGAIN;
	}
	ret = socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) ?
	      -errno : 0;
	c = ret ? NULL : conn_new(s, pair[0], ids.tgid);
	if (!c) {
		s->inside--;
		if (ret)
			return ret;
		close(pair[0]);
		close(pair[1]);
		return -ENOMEM;
	}
	pthread_mutex_lock(&s->lock);
	c->next = s->arrived;
	s->arrived = c;
	pthread_mutex_unlock(&s->lock);
	wake(s);
	return pair[1];
}

static void on_wake(void *ctx, uint32_t events)
{
	struct service *s = ctx;
	struct conn *arrived, *done, *next;
	uint64_t count;

	(void)events;
	if (read(s->wake.fd, &count, sizeof(count)) < 0)
		return;
	pthread_mutex_lock(&s->lock);
	arrived = s->arrived;
	done = s->done;
	s->arrived = s->done = NULL;
	pthread_mutex_unlock(&s->lock);
	for (; arrived; arrived = next) {
		next = arrived->next;
		conn_open(arrived);
	}
	for (; done; done = next) {
		next = done->next_done;
		complete(done);
	}
}

int service_new(struct service **out, struct events *ev, int listen)
{
	struct service *s = calloc(1, sizeof(*s));
	int fd;

	if (!s)
		return -ENOMEM;
	fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (fd < 0) {
		free(s);
		return -errno;
	}
	s->events = ev;
	pthread_mutex_init(&s->lock, NULL);
	s->wake = (struct source){ fd, on_wake, s };
	s->listen = (struct source){ listen, on_listen, s };
	*out = s;
	return 0;
}

int service_open_room(struct service *s, const struct room *room)
{
	int ret;

	s->room = *room;
	s->lines = (struct source){
		trace_subscribers(room->trace)->event, on_lines, s
	};
	ret = events_add(s->events, &s->wake, EPOLLIN);
	if (!ret)
		ret = events_add(s->events, &s->lines, EPOLLIN);
	if (!ret && s->listen.fd >= 0)
		ret = events_add(s->events, &s->listen, EPOLLIN);
	return ret;
}
