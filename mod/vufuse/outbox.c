/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is sent and not waited for: FORGET, INTERRUPT, what is posted, and
 * giving back what comes when its asker has left. It is kept until there is
 * room; when the memory for it is lacking it is lost: the server keeps a node
 * or a file open until its end, which is no harm to us.
 *
 * An asker that leaves is remembered only when its answer may bring
 * something, and only so many: the oldest are lost.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mod/vufuse/conn_inside.h"

enum { MINOR_BATCH = 16, FORGETS_FIRST = 64 };

void outbox_init(struct outbox *o)
{
	*o = (struct outbox){ 0 };
	o->last = &o->first;
}

void outbox_free(struct outbox *o)
{
	struct parcel *p, *next;

	for (p = o->first; p; p = next) {
		next = p->next;
		free(p);
	}
	free(o->forget);
	outbox_init(o);
}

bool outbox_add(struct conn *c, struct fuse_in_header *h, const void *body,
		size_t size)
{
	struct outbox *o = &c->out;
	struct parcel *p;

	if (o->parcels >= PARCELS_MAX || conn_state(c) == CONN_DEAD)
		return false;
	p = malloc(sizeof(*p) + sizeof(*h) + size);
	if (!p)
		return false;
	h->len = sizeof(*h) + size;
	h->uid = c->uid;
	h->gid = c->gid;
	p->next = NULL;
	p->len = h->len;
	memcpy(p->bytes, h, sizeof(*h));
	if (size)
		memcpy(p->bytes + sizeof(*h), body, size);
	*o->last = p;
	o->last = &p->next;
	o->parcels++;
	return true;
}

void outbox_forget(struct conn *c, uint64_t node, uint64_t nlookup)
{
	struct outbox *o = &c->out;
	size_t room = o->room ? 2 * o->room : FORGETS_FIRST;
	struct fuse_forget_one *more;

	if (o->nforget == o->room) {
		more = reallocarray(o->forget, room, sizeof(*more));
		if (!more)
			return;
		o->forget = more;
		o->room = room;
	}
	o->forget[o->nforget++] = (struct fuse_forget_one){ node, nlookup };
}

/* --- sending --- */

static bool flush_parcels(struct conn *c)
{
	struct outbox *o = &c->out;
	struct parcel *p;
	struct iovec iov;

	while ((p = o->first)) {
		iov = (struct iovec){ p->bytes, p->len };
		if (conn_send(c, &iov, 1))
			return false;
		o->first = p->next;
		if (!o->first)
			o->last = &o->first;
		o->parcels--;
		free(p);
	}
	return true;
}

/* Node numbers of all of a batch; it is addressed to none. */
static int send_batch(struct conn *c, struct fuse_forget_one *one, size_t n)
{
	struct fuse_batch_forget_in body = { .count = n };
	struct fuse_in_header h = {
		.len = sizeof(h) + sizeof(body) + n * sizeof(*one),
		.opcode = FUSE_BATCH_FORGET, .unique = c->unique += 2,
	};
	struct iovec iov[] = {
		{ &h, sizeof(h) }, { &body, sizeof(body) },
		{ one, n * sizeof(*one) },
	};

	return conn_send(c, iov, 3);
}

static int send_forget(struct conn *c, const struct fuse_forget_one *one)
{
	struct fuse_forget_in body = { one->nlookup };
	struct fuse_in_header h = {
		.len = sizeof(h) + sizeof(body), .opcode = FUSE_FORGET,
		.unique = c->unique += 2, .nodeid = one->nodeid,
	};
	struct iovec iov[] = { { &h, sizeof(h) }, { &body, sizeof(body) } };

	return conn_send(c, iov, 2);
}

static bool flush_forgets(struct conn *c)
{
	struct outbox *o = &c->out;
	bool batch = c->limits.minor >= MINOR_BATCH;
	size_t sent = 0, n;

	while (sent < o->nforget) {
		n = batch ? o->nforget - sent : 1;
		if (n > FORGET_BATCH)
			n = FORGET_BATCH;
		if (n > 1 ? send_batch(c, o->forget + sent, n) :
			    send_forget(c, o->forget + sent))
			break;
		sent += n;
	}
	o->nforget -= sent;
	if (sent)
		memmove(o->forget, o->forget + sent,
			o->nforget * sizeof(*o->forget));
	return !o->nforget;
}

bool outbox_flush(struct conn *c)
{
	return flush_parcels(c) && flush_forgets(c);
}

int conn_post(struct conn *c, uint32_t opcode, uint64_t node, const void *body,
	      size_t size)
{
	struct fuse_in_header h = { .opcode = opcode, .nodeid = node };
	int ret = 0;

	pthread_mutex_lock(&c->lock);
	if (conn_state(c) != CONN_READY) {
		ret = -ENOTCONN;
	} else if (c->out.parcels >= POSTS_MAX) {
		ret = -EAGAIN;
	} else {
		h.unique = c->unique += 2;
		if (!outbox_add(c, &h, body, size))
			ret = -ENOMEM;
		outbox_flush(c);
	}
	pthread_mutex_unlock(&c->lock);
	return ret;
}

/* --- late answers --- */

void late_remember(struct conn *c, const struct flight *f)
{
	const struct ask *a = f->ask;
	struct late *l = &c->late[c->next_late % LATE_MAX];
	uint32_t flags = 0;

	switch (a->opcode) {
	case FUSE_OPEN:
	case FUSE_OPENDIR:
	case FUSE_CREATE:
		/* their requests begin with them */
		if (a->nin && a->in[0].iov_len >= sizeof(flags))
			memcpy(&flags, a->in[0].iov_base, sizeof(flags));
		break;
	case FUSE_LOOKUP:
	case FUSE_MKNOD:
	case FUSE_MKDIR:
	case FUSE_SYMLINK:
	case FUSE_LINK:
	case FUSE_READDIRPLUS:
		break;
	default:
		return;
	}
	*l = (struct late){ f->unique, a->node, a->opcode, flags };
	c->next_late++;
}

static bool late_take(struct conn *c, uint64_t unique, struct late *l)
{
	for (size_t i = 0; i < LATE_MAX; i++) {
		if (c->late[i].unique != unique)
			continue;
		*l = c->late[i];
		c->late[i].unique = 0;
		return true;
	}
	return false;
}

static void give_back_node(struct conn *c, const char *bytes, size_t size,
			   uint64_t *node)
{
	struct fuse_entry_out e;

	*node = 0;
	if (size < sizeof(e))
		return;
	memcpy(&e, bytes, sizeof(e));
	*node = e.nodeid;
	if (e.nodeid && e.nodeid != FUSE_ROOT_ID)
		outbox_forget(c, e.nodeid, 1);
}

/* The names of a READDIRPLUS count as lookups, but for "." and "..". */
static void give_back_list(struct conn *c, const char *bytes, size_t size)
{
	struct fuse_direntplus d;
	uint64_t node;
	size_t len;

	while (size >= FUSE_NAME_OFFSET_DIRENTPLUS) {
		memcpy(&d, bytes, FUSE_NAME_OFFSET_DIRENTPLUS);
		len = d.dirent.namelen;
		if (!len || len > NAME_LONGEST || FUSE_DIRENTPLUS_SIZE(&d) > size)
			return;
		bytes += FUSE_NAME_OFFSET_DIRENTPLUS;
		if (bytes[0] != '.' || (len > 1 && (len > 2 || bytes[1] != '.')))
			give_back_node(c, (const char *)&d.entry_out,
				       sizeof(d.entry_out), &node);
		bytes += FUSE_DIRENTPLUS_SIZE(&d) - FUSE_NAME_OFFSET_DIRENTPLUS;
		size -= FUSE_DIRENTPLUS_SIZE(&d);
	}
}

static void give_back_file(struct conn *c, const struct late *l,
			   const char *bytes, size_t size)
{
	struct fuse_release_in body = { .flags = l->flags };
	struct fuse_in_header h = {
		.opcode = l->opcode == FUSE_OPENDIR ? FUSE_RELEASEDIR :
						      FUSE_RELEASE,
		.unique = c->unique += 2, .nodeid = l->node,
	};
	struct fuse_open_out o;

	if (size < sizeof(o))
		return;
	memcpy(&o, bytes, sizeof(o));
	body.fh = o.fh;
	outbox_add(c, &h, &body, sizeof(body));
}

void late_answer(struct conn *c, const struct fuse_out_header *h,
		 const char *bytes, size_t size)
{
	size_t entry = sizeof(struct fuse_entry_out);
	struct late l;

	if (!late_take(c, h->unique, &l) || h->error)
		return;
	if (l.opcode == FUSE_READDIRPLUS) {
		give_back_list(c, bytes, size);
	} else if (l.opcode == FUSE_OPEN || l.opcode == FUSE_OPENDIR) {
		give_back_file(c, &l, bytes, size);
	} else if (l.opcode != FUSE_CREATE) {
		give_back_node(c, bytes, size, &l.node);
	} else if (size >= entry) {
		give_back_node(c, bytes, size, &l.node);
		give_back_file(c, &l, bytes + entry, size - entry);
	}
	outbox_flush(c);
}
