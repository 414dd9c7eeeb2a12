/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which name a Unix socket has, and how it was said in the view. */
#include "sys/sockname.h"

#include <errno.h>
#include <linux/net.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "engine/memory.h"
#include "lib/procfd.h"
#include "sys/address.h"
#include "sys/handlers.h"
#include "sys/procfs.h"
#include "sys/real.h"

#define PATH_OFFSET offsetof(struct sockaddr_un, sun_path)

/* The number of a socket, 0 when the descriptor is none. */
static unsigned long socket_number(const struct request *rq, int fd)
{
	char text[64];
	unsigned long ino = 0;
	ssize_t n;

	n = procfd_readlink(rq->call->tid, fd, text, sizeof(text) - 1);
	if (n > 0) {
		text[n] = '\0';
		if (sscanf(text, "socket:[%lu]", &ino) != 1)
			ino = 0;
	}
	return ino;
}

/* How the table of addresses calls the other end of a socket. */
static void peer_key(unsigned long ino, char *buf, size_t size)
{
	snprintf(buf, size, "peer of %lu", ino);
}

void socket_note_peer(struct request *rq, const char *real, const char *said)
{
	char key[64], given[ADDRESS_MAX + 1];

	if (can_fetch())
		return;
	peer_key(socket_number(rq, (int)rq->call->arg[0]), key, sizeof(key));
	/* as it was bound, if that is known */
	address_note(key, address_given(real, given, sizeof(given)) ? said
								   : given);
}

/*
 * Where the monitor cannot ask the socket itself: what the list of all Unix
 * sockets says of it. name: what it is bound to, or ""
 * Return: true when it is listed
 */
static bool listed(const struct request *rq, unsigned long ino,
		   bool *connected, char *name, size_t size)
{
	char list[64], line[512], path[110];
	unsigned long number;
	bool found = false;
	unsigned state;
	FILE *f;

	snprintf(list, sizeof(list), "/proc/%d/net/unix", rq->call->tid);
	f = ino ? fopen(list, "re") : NULL;
	while (f && !found && fgets(line, sizeof(line), f)) {
		path[0] = '\0';
		found = sscanf(line, "%*s %*s %*s %*s %*s %x %lu %109[^\n]",
			       &state, &number, path) >= 2 && number == ino;
	}
	if (f)
		fclose(f);
	if (found) {
		*connected = state == SS_CONNECTED;
		snprintf(name, size, "%s", path);
	}
	return found;
}

/* The kernel's name, or a key of the table of addresses. 0 or -errno */
static int unasked_name(struct request *rq, bool own, char *name, size_t size)
{
	unsigned long ino = socket_number(rq, (int)rq->call->arg[0]);
	bool connected;

	if (!listed(rq, ino, &connected, name, size))
		return -ENOENT;
	if (own)
		return name[0] == '/' ? 0 : -ENOENT;
	peer_key(ino, name, size);
	return connected ? 0 : -ENOTCONN;
}

/* A name in the file system, as the kernel says it. 0 or -errno */
static int asked_name(struct request *rq, bool own, char *name, size_t size)
{
	struct sockaddr_un sun = { 0 };
	socklen_t len = sizeof(sun);
	int fd = fetch_descriptor(rq, (int)rq->call->arg[0]), err;

	if (fd < 0)
		return fd;
	err = own ? getsockname(fd, (struct sockaddr *)&sun, &len)
		  : getpeername(fd, (struct sockaddr *)&sun, &len);
	close(fd);
	if (err || sun.sun_family != AF_UNIX || sun.sun_path[0] != '/')
		return -ENOENT;
	snprintf(name, size, "%.*s", (int)sizeof(sun.sun_path), sun.sun_path);
	return 0;
}

struct verdict call_sockname(struct request *rq)
{
	bool own = !strcmp(rq->row->name, "getsockname");
	struct { sa_family_t family; char path[ADDRESS_MAX + 1]; } sun = {
		.family = AF_UNIX,
	};
	char real[ADDRESS_MAX + 1], name[PATH_MAX];
	socklen_t len, room;
	int err = can_fetch() ? asked_name(rq, own, real, sizeof(real))
			      : unasked_name(rq, own, real, sizeof(real));

	if (err)
		return verdict_native();
	if (address_given(real, name, sizeof(name)) &&
	    procfs_name_in_view(rq, real, name, sizeof(name)) < 0)
		return verdict_native();
	if (strlen(name) > ADDRESS_MAX ||
	    guest_read(rq->call, rq->call->arg[2], &room, sizeof(room)))
		return verdict_native();
	strcpy(sun.path, name);
	len = PATH_OFFSET + strlen(name) + 1;
	err = guest_write(rq->call, rq->call->arg[1], &sun,
			  room < len ? room : len);
	if (!err)
		err = guest_write(rq->call, rq->call->arg[2], &len, sizeof(len));
	return verdict_value(err);
}

/* --- binding --- */

/* What the socket itself says: as socket_may_bind(). */
static int asked_unbound(struct request *rq)
{
	struct sockaddr_un sun = { 0 };
	socklen_t len = sizeof(sun);
	int fd = fetch_descriptor(rq, (int)rq->call->arg[0]), err;

	if (fd < 0)
		return fd;
	err = getsockname(fd, (struct sockaddr *)&sun, &len) ? -errno : 0;
	close(fd);
	if (err || sun.sun_family != AF_UNIX)
		return err ?: 1;
	return len > PATH_OFFSET ? -EINVAL : 0;
}

int socket_may_bind(struct request *rq, mode_t *mode)
{
	int fd = (int)rq->call->arg[0], err = 1;
	char name[110];
	bool connected;
	struct stat st;

	if (can_fetch())
		err = asked_unbound(rq);
	else if (listed(rq, socket_number(rq, fd), &connected, name,
			sizeof(name)))
		err = name[0] ? -EINVAL : 0;
	if (!err && !procfd_stat(rq->call->tid, fd, &st))
		*mode = st.st_mode & 07777;
	return err;
}
