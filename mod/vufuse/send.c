/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sending. Packets are whole: threads need not take turns. When the socket is
 * full the sender receives, too: the server may be waiting for room for its
 * answers before it reads on.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "mod/vufuse/conn_inside.h"

enum { NAP_MS = 1 };

int conn_send(struct conn *c, struct iovec *iov, size_t n)
{
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = n };
	ssize_t ret;

	do
		ret = sendmsg(c->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (ret < 0 && errno == EINTR);
	return ret < 0 ? -errno : 0;
}

/* The server has to read, or the kernel to find memory. */
void send_wait(struct conn *c, int why)
{
	struct pollfd p = { .fd = c->fd, .events = POLLOUT };
	bool full = why == -EAGAIN, other;

	pthread_mutex_lock(&c->lock);
	other = c->receiving;
	pthread_mutex_unlock(&c->lock);
	if (!other)
		p.events |= POLLIN;
	poll(&p, full, full ? LOOK_MS : NAP_MS);
	pthread_mutex_lock(&c->lock);
	if (!c->receiving)
		conn_receive(c, NULL, false);
	pthread_mutex_unlock(&c->lock);
}

int send_patiently(struct conn *c, struct patience *p, struct iovec *iov,
		   size_t n)
{
	int ret = conn_send(c, iov, n), lost;

	while (ret == -EAGAIN || ret == -ENOBUFS || ret == -ENOMEM) {
		lost = patient(p);
		if (lost)
			return lost;
		send_wait(c, ret);
		ret = conn_send(c, iov, n);
	}
	if (ret == -EPIPE || ret == -ECONNRESET) {
		/* see the end, after what came before it */
		conn_tick(c);
		return -ENOTCONN;
	}
	return ret;
}

void send_address(const struct conn *c, const struct vu_ctx *ctx,
		  const struct flight *f, struct fuse_in_header *h)
{
	const struct vu_who *who = ctx ? vu_who(ctx) : NULL;

	*h = (struct fuse_in_header){
		.opcode = f->ask->opcode, .unique = f->unique,
		.nodeid = f->ask->node,
		.uid = who ? who->uid : c->uid, .gid = who ? who->gid : c->gid,
	};
}

int send_pack(const struct ask *a, struct fuse_in_header *h, struct iovec *iov)
{
	size_t len = sizeof(*h);

	iov[0] = (struct iovec){ h, sizeof(*h) };
	for (unsigned i = 0; i < a->nin; i++) {
		if (__builtin_add_overflow(len, a->in[i].iov_len, &len))
			return -EINVAL;
		iov[i + 1] = a->in[i];
	}
	h->len = len;
	return len > UINT32_MAX ? -EINVAL : (int)a->nin + 1;
}
