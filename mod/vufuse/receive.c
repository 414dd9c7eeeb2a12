/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Receiving, for all who wait.
 *
 * c->receiving stands for the right to read from the socket and for c->buf;
 * who has it works without the lock while it reads. A listener is called
 * only after the right is given up: what it waits for may be held by
 * somebody who waits for an answer, and has to be able to receive it.
 *
 * Most answers are short, and copied from c->buf. In a large transfer (pump.c)
 * the next one's header is looked at first, and it lands where it is to be.
 *
 * With SO_PASSCRED each packet brings its sender's ids, an empty one too, and
 * only the end of the connection comes without. The room for ids is just so
 * much that descriptors, which a server may send along, are not installed.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "mod/vufuse/conn_inside.h"

enum {
	PACKETS = 64,		/* one after the other, then look around */
	LANDS = 4096,		/* what is shorter is copied as quickly */
	ERROR_MAX = 512,	/* errors from there on never leave a kernel */
};

struct packet {
	struct fuse_out_header head;
	size_t len;
	bool cut;		/* longer than the buffer */
	pid_t pid;
};

enum got { GOT_PACKET, GOT_NOTHING, GOT_END };

static pid_t sender(struct msghdr *m)
{
	struct cmsghdr *cm = CMSG_FIRSTHDR(m);
	struct ucred ids;

	if (!cm || cm->cmsg_level != SOL_SOCKET ||
	    cm->cmsg_type != SCM_CREDENTIALS ||
	    cm->cmsg_len < CMSG_LEN(sizeof(ids)))
		return 0;
	memcpy(&ids, CMSG_DATA(cm), sizeof(ids));
	return ids.pid;
}

/*
 * Where a packet goes: for all to c->buf; that of a landing flight where it is
 * to be, and to c->buf only what is too much. Return: parts
 */
static size_t where(struct conn *c, struct packet *p, const struct flight *f,
		    struct iovec iov[ASK_PARTS + 2])
{
	size_t n = 0;

	if (f) {
		iov[n++] = (struct iovec){ &p->head, sizeof(p->head) };
		for (unsigned i = 0; i < f->ask->nout; i++)
			iov[n++] = f->ask->out[i];
	}
	iov[n++] = (struct iovec){ c->buf, c->bufsize };
	return n;
}

static enum got receive_packet(struct conn *c, struct packet *p,
			       const struct flight *f, int flags)
{
	union {
		char room[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} ids;
	struct iovec iov[ASK_PARTS + 2];
	struct msghdr m = {
		.msg_iov = iov, .msg_iovlen = where(c, p, f, iov),
		.msg_control = &ids, .msg_controllen = sizeof(ids.room),
	};
	ssize_t n = recvmsg(c->fd, &m, flags | MSG_CMSG_CLOEXEC);

	/* ECONNRESET comes before what was sent until then, and once only */
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ||
		       errno == ECONNRESET || errno == ENOMEM ||
		       errno == ENOBUFS ? GOT_NOTHING : GOT_END;
	if (n == 0 && !m.msg_controllen)
		return GOT_END;
	p->len = n;
	p->cut = m.msg_flags & MSG_TRUNC;
	p->pid = sender(&m);
	return GOT_PACKET;
}

static size_t room(const struct ask *a)
{
	size_t n = 0;

	for (unsigned i = 0; i < a->nout; i++)
		n += a->out[i].iov_len;
	return n;
}

static void copy_out(const struct ask *a, const char *bytes, size_t size)
{
	for (unsigned i = 0; i < a->nout && size; i++) {
		size_t n = a->out[i].iov_len < size ? a->out[i].iov_len : size;

		memcpy(a->out[i].iov_base, bytes, n);
		bytes += n;
		size -= n;
	}
}

/* What the asker gets of an answer whose header says its true length. */
static ssize_t judge(const struct ask *a, int error, size_t size)
{
	if (error > 0 || error <= -ERROR_MAX || (error && size))
		return -EIO;
	if (error)
		return error;
	if (size < a->least || size > room(a))
		return -EIO;
	return size;
}

/* What the kernel asks for once, and never again when the answer is ENOSYS. */
static bool is_asked_once(uint32_t opcode)
{
	switch (opcode) {
	case FUSE_OPEN:
	case FUSE_OPENDIR:
	case FUSE_CREATE:
	case FUSE_FLUSH:
	case FUSE_FSYNC:
	case FUSE_FSYNCDIR:
	case FUSE_ACCESS:
	case FUSE_SETXATTR:
	case FUSE_GETXATTR:
	case FUSE_LISTXATTR:
	case FUSE_REMOVEXATTR:
	case FUSE_RENAME2:
		return true;
	default:
		return false;
	}
}

static void settle(struct conn *c, struct flight *f, ssize_t result)
{
	if (result == -ENOSYS && is_asked_once(f->ask->opcode))
		atomic_fetch_or(&c->unknown, 1ull << f->ask->opcode);
	conn_settle(c, f, result);
}

static bool is_whole(const struct packet *p, const struct fuse_out_header *h)
{
	return !p->cut && h->len == p->len;
}

/*
 * The first piece of an answer that was spliced (hello.c)? What the server
 * meant to send is lost; the next one shall be smaller.
 */
static bool is_torn(const struct flight *f, const struct packet *p,
		    const struct fuse_out_header *h)
{
	return f->ask->opcode == FUSE_READ && !h->error && !p->cut &&
	       p->len > sizeof(*h) && p->len < h->len;
}

/* The answer to f, of which there may be anything from the header on. */
static ssize_t judge_packet(struct conn *c, struct flight *f,
			    const struct packet *p,
			    const struct fuse_out_header *h)
{
	if (is_whole(p, h))
		return judge(f->ask, h->error, p->len - sizeof(*h));
	if (is_torn(f, p, h)) {
		f->torn = true;
		atomic_store(&c->read_size, c->spliced_read);
	}
	return -EIO;
}

/* An answer. Lock held. */
static void deliver(struct conn *c, const struct packet *p,
		    const struct fuse_out_header *h)
{
	const char *bytes = c->buf + sizeof(*h);
	size_t size = p->len - sizeof(*h);
	ssize_t result;
	struct flight *f;

	if (h->unique & 1) {	/* of an INTERRUPT */
		c->no_interrupt |= h->unique == c->interrupt &&
				   h->error == -ENOSYS;
		return;
	}
	f = conn_flight(c, h->unique);
	if (f) {
		result = judge_packet(c, f, p, h);
		if (result > 0)
			copy_out(f->ask, bytes, result);
		settle(c, f, result);
	} else if (is_whole(p, h)) {
		late_answer(c, h, bytes, size);
	}
	if (f == &c->hello)
		hello_answered(c);
}

/* Return: is it a notification for the listener? Lock held. */
static bool sort(struct conn *c, const struct packet *p, struct notice *n)
{
	struct fuse_out_header h;

	if (!c->server)
		c->server = p->pid;
	if (p->len < sizeof(h))
		return false;
	memcpy(&h, c->buf, sizeof(h));
	if (h.unique) {
		deliver(c, p, &h);
		return false;
	}
	return conn_state(c) == CONN_READY && !p->cut && h.len == p->len &&
	       notice_read(n, h.error, c->buf + sizeof(h), p->len - sizeof(h));
}

/*
 * In a large transfer: whose answer comes next? It may as well be received
 * where it is to be. NULL: nobody's, or it is not worth while. Lock held, but
 * let go meanwhile.
 */
static struct flight *expect(struct conn *c)
{
	struct fuse_out_header h;
	struct flight *f;
	ssize_t n;

	if (!c->pumped)
		return NULL;
	pthread_mutex_unlock(&c->lock);
	n = recv(c->fd, &h, sizeof(h), MSG_PEEK | MSG_DONTWAIT);
	pthread_mutex_lock(&c->lock);
	if (n != sizeof(h) || h.error || h.len < LANDS ||
	    conn_state(c) != CONN_READY)
		return NULL;
	f = conn_flight(c, h.unique);
	if (!f)
		return NULL;
	conn_take_out(c, f);
	f->landing = true;
	return f;
}

/* Lock held. */
static void landed(struct conn *c, struct flight *f, enum got got,
		   const struct packet *p)
{
	const struct fuse_out_header *h = &p->head;

	f->landing = false;
	if (got == GOT_NOTHING && conn_state(c) == CONN_READY)
		conn_put_back(c, f);
	else if (got != GOT_PACKET)
		conn_settle(c, f, -ENOTCONN);
	else if (p->len < sizeof(*h) || h->unique != f->unique)
		settle(c, f, -EIO);
	else
		settle(c, f, judge_packet(c, f, p, h));
}

/* Give up the right to receive; somebody else goes on. Lock held. */
static void pass_on(struct conn *c)
{
	struct waiter *w = c->waiters;

	c->receiving = false;
	while (w && *w->done)
		w = w->next;
	if (w)
		pthread_cond_signal(&w->wake);
}

bool conn_receive(struct conn *c, const bool *done, bool block)
{
	enum got got = GOT_PACKET;
	struct notice notice;
	bool told = false, any = false;
	struct packet p;

	c->receiving = true;
	for (int i = 0; i < PACKETS && got == GOT_PACKET && !told &&
	     !(done && *done); i++) {
		struct flight *f = expect(c);

		pthread_mutex_unlock(&c->lock);
		got = receive_packet(c, &p, f, block ? 0 : MSG_DONTWAIT);
		pthread_mutex_lock(&c->lock);
		any |= got == GOT_PACKET;
		if (f)
			landed(c, f, got, &p);
		else if (got == GOT_PACKET && conn_state(c) != CONN_DEAD)
			told = sort(c, &p, &notice);
	}
	if (got == GOT_END)
		conn_die(c);
	pass_on(c);
	if (told) {
		pthread_mutex_unlock(&c->lock);
		notice_tell(c, &notice);
		pthread_mutex_lock(&c->lock);
	}
	return any;
}
