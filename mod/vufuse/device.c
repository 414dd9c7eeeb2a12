/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The view's /dev/fuse.
 *
 * Who opens it gets one end of a socket; the other end is a connection, which
 * waits here until mount(2) is told the descriptor. The server may have given
 * its end to somebody else by then (fusermount opens and mounts, and sends it
 * to the server), so it is the socket's inode by which it is recognized.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mod/vufuse/fs.h"

struct waiting {
	struct waiting *next;
	struct conn *conn;
	ino_t ino;		/* of the server's end */
	int watch;		/* duplicate of our end, to see it closed */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct waiting *list;	/* guarded by lock */

static void waiting_free(struct waiting *w)
{
	conn_put(w->conn);
	if (w->watch >= 0)
		close(w->watch);
	free(w);
}

static bool abandoned(const struct waiting *w)
{
	struct pollfd p = { .fd = w->watch, .events = POLLIN };

	return poll(&p, 1, 0) == 1 && (p.revents & POLLHUP);
}

/* Forget those whose program has ended before it mounted. Lock held. */
static void sweep(void)
{
	struct waiting **p = &list, *w;

	while ((w = *p)) {
		if (abandoned(w)) {
			*p = w->next;
			waiting_free(w);
		} else {
			p = &w->next;
		}
	}
}

static int enlist(int ours, ino_t ino)
{
	struct waiting *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	w->ino = ino;
	w->watch = dup(ours);
	w->conn = w->watch < 0 ? NULL : conn_new(ours);
	if (!w->conn) {
		if (w->watch >= 0)
			close(w->watch);
		free(w);
		return -ENOMEM;
	}
	pthread_mutex_lock(&lock);
	sweep();
	w->next = list;
	list = w;
	pthread_mutex_unlock(&lock);
	return 0;
}

/* A server sends its answers ahead of our reading them. */
static int make_ends(int ends[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	conn_room(ends[1]);
	return 0;
}

struct conn *device_replace(struct vu_ctx *ctx, int fd, ino_t *ino)
{
	struct conn *c = NULL;
	struct stat st;
	int ends[2];

	if (make_ends(ends))
		return NULL;
	if (!fstat(ends[1], &st) && !vu_replace_fd(ctx, fd, ends[1]))
		c = conn_new(ends[0]);
	if (!c)
		close(ends[0]);
	close(ends[1]);
	*ino = st.st_ino;
	return c;
}

int device_open(void)
{
	struct stat st;
	int ends[2], err = make_ends(ends);

	if (err)
		return err;
	if (fstat(ends[1], &st))
		err = -errno;
	if (!err)
		err = enlist(ends[0], st.st_ino);
	if (!err)
		return ends[1];
	close(ends[0]);
	close(ends[1]);
	return err;
}

struct conn *device_find(const struct stat *st)
{
	struct conn *c = NULL;

	if (!S_ISSOCK(st->st_mode))
		return NULL;
	pthread_mutex_lock(&lock);
	for (struct waiting *w = list; w && !c; w = w->next)
		if (w->ino == st->st_ino && conn_state(w->conn) == CONN_NEW)
			c = conn_get(w->conn);
	pthread_mutex_unlock(&lock);
	return c;
}

void device_mounted(const struct conn *c)
{
	struct waiting **p = &list, *w;

	pthread_mutex_lock(&lock);
	while ((w = *p) && w->conn != c)
		p = &w->next;
	if (w) {
		*p = w->next;
		waiting_free(w);
	}
	pthread_mutex_unlock(&lock);
}

void device_fini(void)
{
	while (list) {
		struct waiting *w = list;

		list = w->next;
		waiting_free(w);
	}
}
