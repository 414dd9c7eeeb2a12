/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the server says by itself. Its error field bears the kind, what
 * follows is checked as a kernel does it. What we have no use for (POLL, or
 * what is not known) is dropped.
 *
 * The kernel would keep what STORE brings; we say instead that what was kept
 * is stale, so that it is read. RETRIEVE asks for what is cached: nothing.
 */
#include <string.h>

#include "mod/vufuse/conn_inside.h"

static bool take(void *to, size_t n, const char **bytes, size_t *size)
{
	if (*size < n)
		return false;
	memcpy(to, *bytes, n);
	*bytes += n;
	*size -= n;
	return true;
}

/* A name and its NUL, and no more; one component. */
static bool read_name(struct notice *n, const char *bytes, size_t size,
		      uint32_t len)
{
	if (!len || len > NAME_LONGEST || size != (size_t)len + 1 ||
	    bytes[len] || memchr(bytes, '\0', len) || memchr(bytes, '/', len))
		return false;
	memcpy(n->name, bytes, size);
	return strcmp(n->name, ".") && strcmp(n->name, "..");
}

static bool read_inode(struct notice *n, const char *bytes, size_t size)
{
	struct fuse_notify_inval_inode_out o;

	if (!take(&o, sizeof(o), &bytes, &size) || size)
		return false;
	n->node = o.ino;
	n->off = o.off;
	n->len = o.len;
	return true;
}

static bool read_entry(struct notice *n, const char *bytes, size_t size)
{
	struct fuse_notify_inval_entry_out o;

	if (!take(&o, sizeof(o), &bytes, &size))
		return false;
	n->node = o.parent;
	return read_name(n, bytes, size, o.namelen);
}

static bool read_delete(struct notice *n, const char *bytes, size_t size)
{
	struct fuse_notify_delete_out o;

	if (!take(&o, sizeof(o), &bytes, &size))
		return false;
	n->node = o.parent;
	return read_name(n, bytes, size, o.namelen);
}

static bool read_store(struct notice *n, const char *bytes, size_t size)
{
	struct fuse_notify_store_out o;

	if (!take(&o, sizeof(o), &bytes, &size) || size != o.size ||
	    o.offset > (uint64_t)INT64_MAX - o.size)
		return false;
	n->node = o.nodeid;
	n->off = o.offset;
	n->len = o.size;
	return true;
}

static bool read_retrieve(struct notice *n, const char *bytes, size_t size)
{
	struct fuse_notify_retrieve_out o;

	if (!take(&o, sizeof(o), &bytes, &size) || size)
		return false;
	n->unique = o.notify_unique;
	n->node = o.nodeid;
	n->off = o.offset;
	return true;
}

bool notice_read(struct notice *n, int code, const char *bytes, size_t size)
{
	*n = (struct notice){ .code = code };
	switch (code) {
	case FUSE_NOTIFY_INVAL_INODE:
		return read_inode(n, bytes, size);
	case FUSE_NOTIFY_INVAL_ENTRY:
		return read_entry(n, bytes, size);
	case FUSE_NOTIFY_DELETE:
		return read_delete(n, bytes, size);
	case FUSE_NOTIFY_STORE:
		return read_store(n, bytes, size);
	case FUSE_NOTIFY_RETRIEVE:
		return read_retrieve(n, bytes, size);
	default:
		return false;
	}
}

static void nothing_cached(struct conn *c, const struct notice *n)
{
	struct fuse_notify_retrieve_in body = { .offset = n->off };
	struct fuse_in_header h = {
		.opcode = FUSE_NOTIFY_REPLY, .unique = n->unique,
		.nodeid = n->node,
	};

	pthread_mutex_lock(&c->lock);
	outbox_add(c, &h, &body, sizeof(body));
	outbox_flush(c);
	pthread_mutex_unlock(&c->lock);
}

void notice_tell(struct conn *c, const struct notice *n)
{
	const struct conn_listener *l = c->listener;

	if (n->code == FUSE_NOTIFY_RETRIEVE)
		nothing_cached(c, n);
	else if (l && n->name[0])
		l->stale_entry(c->listener_arg, n->node, n->name);
	else if (l)
		l->stale_node(c->listener_arg, n->node, n->off, n->len);
}
