/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A socketpair of packets with SO_PASSCRED at one end: each packet says which
 * process has written it, however the other end came to that process, and an
 * empty packet does, but the end of the connection does not. Descriptors are
 * not installed when there is room for the ids only. A packet is bounded by
 * the sender's SO_SNDBUF; what was sent before the other end was closed is
 * received after ECONNRESET.
 */
#include <sys/socket.h>
#include "test/lib.h"

struct got {
	ssize_t n;
	pid_t pid;		/* 0: no ids */
	int error, flags;
};

static struct got receive(int fd)
{
	union {
		char room[CMSG_SPACE(sizeof(struct ucred))];
		struct cmsghdr align;
	} u;
	char bytes[64];
	struct iovec iov = { bytes, sizeof(bytes) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &u,
			    .msg_controllen = sizeof(u.room) };
	struct got g = { .n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC) };
	struct cmsghdr *cm;
	struct ucred ids;

	g.error = g.n < 0 ? errno : 0;
	g.flags = m.msg_flags;
	cm = g.n < 0 ? NULL : CMSG_FIRSTHDR(&m);
	if (!cm)
		return g;
	expect(cm->cmsg_type == SCM_CREDENTIALS);
	expect(!CMSG_NXTHDR(&m, cm));
	memcpy(&ids, CMSG_DATA(cm), sizeof(ids));
	g.pid = ids.pid;
	return g;
}

static void send_descriptor(int to, int fd)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u = { { 0 } };
	struct iovec iov = { "d", 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &u,
			    .msg_controllen = sizeof(u.room) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&m);

	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &fd, sizeof(int));
	expect(sendmsg(to, &m, 0) == 1);
}

/* A grandchild writes: not who made the socket, and not who took it first. */
static pid_t write_elsewhere(int fd)
{
	int pids[2];
	pid_t writer, child;

	expect(pipe(pids) == 0);
	child = fork();
	if (!child) {
		writer = fork();
		if (!writer) {
			writer = getpid();
			expect(write(pids[1], &writer, sizeof(writer)) > 0);
			_exit(write(fd, "x", 1) != 1);
		}
		_exit(wait_for(writer) != 0);
	}
	expect(child > 0 && wait_for(child) == 0);
	expect(read(pids[0], &writer, sizeof(writer)) == sizeof(writer));
	close(pids[0]);
	close(pids[1]);
	return writer;
}

static void sizes(int fd)
{
	static char bytes[1 << 23];
	socklen_t len = sizeof(int);
	int size;

	expect(getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &len) == 0);
	expect(size > 0 && (size_t)size < sizeof(bytes));
	expect(send(fd, bytes, size, MSG_DONTWAIT) < 0 && errno == EMSGSIZE);
	expect(send(fd, bytes, size - 32, MSG_DONTWAIT) == size - 32);
	expect(send(fd, bytes, size - 32, MSG_DONTWAIT) < 0 && errno == EAGAIN);
}

int main(void)
{
	int ends[2], on = 1, before, after;
	struct got g;
	pid_t writer;

	expect(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
	expect(setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on,
			  sizeof(on)) == 0);
	writer = write_elsewhere(ends[1]);
	g = receive(ends[0]);
	expect(g.n == 1 && g.pid == writer && writer != getpid());
	expect(send(ends[1], "", 0, 0) == 0);
	g = receive(ends[0]);
	expect(g.n == 0 && g.pid == getpid());

	before = dup(0);
	close(before);
	send_descriptor(ends[1], 0);
	g = receive(ends[0]);
	expect(g.n == 1 && g.pid == getpid() && (g.flags & MSG_CTRUNC));
	after = dup(0);
	expect(after == before);
	close(after);

	sizes(ends[0]);		/* leaves something that is not read */
	expect(send(ends[1], "last", 4, 0) == 4);
	close(ends[1]);
	expect(receive(ends[0]).error == ECONNRESET);
	expect(receive(ends[0]).n == 4);
	g = receive(ends[0]);
	expect(g.n == 0 && g.pid == 0);
	expect(send(ends[0], "x", 1, MSG_NOSIGNAL) < 0 && errno == EPIPE);
	return 0;
}
