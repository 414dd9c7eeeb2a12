/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "include/vu/msocket.h"
#include "lib/strbuf.h"
#include "service/client.h"
#include "service/place.h"
#include "service/wire.h"

/* Seconds until a monitor is given up that somebody has stopped. */
#define PATIENCE 5

int service_inside(void)
{
	long fd = syscall(VU_CALL_SERVICE);

	return fd < 0 ? -errno : (int)fd;
}

static int lost(int err)
{
	return err == ECONNRESET ? -EPIPE : err == EAGAIN ? -ETIMEDOUT : -err;
}

static int connect_in(int dir, pid_t pid)
{
	static const struct timeval patience = { .tv_sec = PATIENCE };
	struct sockaddr_un addr;
	int fd, ret;

	ret = service_place_address(&addr, dir, pid);
	if (ret)
		return ret;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	if (!connect(fd, (struct sockaddr *)&addr, sizeof(addr)))
		return fd;
	ret = lost(errno);
	close(fd);
	return ret;
}

void service_soon(int fd)
{
	static const struct timeval patience = { .tv_sec = PATIENCE };

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
}

int service_outside(pid_t pid)
{
	int ret = -ENOENT;
	unsigned i;
	int dir;

	for (i = 0; i < SERVICE_PLACES; i++) {
		dir = service_place_open(i, geteuid(), false);
		if (dir < 0)
			continue;
		ret = connect_in(dir, pid);
		close(dir);
		if (ret != -ENOENT)
			break;
	}
	return ret;
}

/* Pid of a socket's name, or 0. */
static pid_t name_pid(const char *name)
{
	char *end;
	long pid = strtol(name, &end, 10);

	return pid > 0 && !strcmp(end, ".sock") ? pid : 0;
}

static bool known(const pid_t *pid, size_t n, pid_t wanted)
{
	while (n--) {
		if (pid[n] == wanted)
			return true;
	}
	return false;
}

/* A process that is gone leaves a socket behind only when all of umvu's
 * three processes were killed at once. */
static bool is_running(int dir, const char *name, pid_t pid)
{
	if (!kill(pid, 0) || errno != ESRCH)
		return true;
	unlinkat(dir, name, 0);
	return false;
}

static size_t list_place(unsigned i, pid_t *pid, size_t n, size_t max)
{
	int fd = service_place_open(i, geteuid(), false);
	struct dirent *e;
	pid_t found;
	DIR *d;

	if (fd < 0)
		return n;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return n;
	}
	while ((e = readdir(d))) {
		found = name_pid(e->d_name);
		if (!found || !is_running(fd, e->d_name, found))
			continue;
		if (n < max && !known(pid, n, found))
			pid[n++] = found;
	}
	closedir(d);
	return n;
}

size_t service_monitors(pid_t *pid, size_t max)
{
	size_t n = 0;
	unsigned i;

	for (i = 0; i < SERVICE_PLACES; i++)
		n = list_place(i, pid, n, max);
	return n;
}

/* What a reply is collected in. */
struct collector {
	service_record *record;
	void *ctx;
	struct strbuf text;
};

/* Hand on the whole lines that have come so far. */
static void deliver(struct collector *c)
{
	char *field[SERVICE_FIELDS_MAX], *line, *end;
	size_t done = 0, n;

	while ((end = memchr(c->text.data + done, '\n', c->text.len - done))) {
		line = c->text.data + done;
		*end = '\0';
		done = end + 1 - c->text.data;
		n = service_split(line, field);
		if (c->record)
			c->record(c->ctx, field, n);
	}
	strbuf_consume(&c->text, done);
}

/* Receive one packet. Return: its length, or -errno (-EPIPE: the end). */
static ssize_t receive(int fd, char *packet)
{
	ssize_t n;

	do
		n = recv(fd, packet, SERVICE_PACKET_MAX, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return lost(errno);
	return n < (ssize_t)sizeof(struct service_reply) ? -EPIPE : n;
}

static int collect(int fd, struct collector *c, char *packet)
{
	struct service_reply reply;
	ssize_t n;

	do {
		n = receive(fd, packet);
		if (n < 0)
			return n;
		memcpy(&reply, packet, sizeof(reply));
		strbuf_add(&c->text, packet + sizeof(reply), n - sizeof(reply));
		if (c->text.failed)
			return -ENOMEM;
		if (!reply.status && c->text.len)
			deliver(c);
	} while (reply.flags & SERVICE_MORE);
	return reply.status;
}

int service_request(int fd, const char *const *word, int nword,
		    service_record *record, void *ctx,
		    char *message, size_t size)
{
	struct collector c = { .record = record, .ctx = ctx };
	char packet[SERVICE_PACKET_MAX];
	int ret;

	if (size)
		message[0] = '\0';
	ret = service_pack(packet, word, nword > 0 ? nword : 0);
	if (ret < 0)
		return ret;
	if (send(fd, packet, ret, MSG_NOSIGNAL) < 0)
		return lost(errno);
	ret = collect(fd, &c, packet);
	if (ret && size && c.text.len)
		snprintf(message, size, "%s", c.text.data);
	strbuf_free(&c.text);
	return ret;
}
