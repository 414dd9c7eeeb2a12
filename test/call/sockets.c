/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sockets that have no names: families, types, options, loopback.
 *
 * inside: yes
 * cow: yes
 */
#include <arpa/inet.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "test/lib.h"

static void families(void)
{
	static const int domain[] = { AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6,
		AF_NETLINK, AF_PACKET, AF_ALG, AF_VSOCK, 99, -1 };
	static const int type[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW,
		SOCK_SEQPACKET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		0, 77, SOCK_STREAM | 0x10000000 };
	char what[64];
	int fd;

	for (size_t d = 0; d < sizeof(domain) / sizeof(*domain); d++)
		for (size_t t = 0; t < sizeof(type) / sizeof(*type); t++) {
			snprintf(what, sizeof(what), "socket %d %#x", domain[d],
				 type[t]);
			errno = 0;
			fd = result_fd(what, socket(domain[d], type[t], 0));
			if (fd >= 0)
				say("flags %x", fcntl(fd, F_GETFL));
			close(fd);
		}
	try(socket(AF_INET, SOCK_STREAM, IPPROTO_UDP));
	try(socket(AF_INET, SOCK_STREAM, 999));
}

static void pairs(void)
{
	int pair[2];

	try(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair));
	say("numbers %d %d flags %x", pair[0], pair[1], fcntl(pair[0], F_GETFD));
	try(write(pair[0], "x", 1));
	try(socketpair(AF_INET, SOCK_STREAM, 0, pair));
	try(socketpair(AF_UNIX, SOCK_STREAM, 0, bad_pointer()));
	say("next %d", dup(0));
}

static struct sockaddr_in loopback(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };

	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return in;
}

static void tcp(void)
{
	struct sockaddr_in in = loopback(), peer;
	socklen_t len = sizeof(in);
	int s = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int c = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), a, one = 1;
	char buf[16] = "";

	try(setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)));
	try(bind(s, (struct sockaddr *)&in, sizeof(in)));
	try(bind(s, (struct sockaddr *)&in, 3));
	try(getsockname(s, (struct sockaddr *)&in, &len));
	say("port given: %d", in.sin_port != 0);
	try(connect(c, (struct sockaddr *)&in, sizeof(in)));
	try(listen(s, 5));
	try(connect(c, (struct sockaddr *)&in, sizeof(in)));
	len = sizeof(peer);
	a = accept4(s, (struct sockaddr *)&peer, &len, SOCK_CLOEXEC);
	result_fd("accept4", a);
	say("length %u family %d", len, peer.sin_family);
	try(send(c, "hello", 5, 0));
	try(recv(a, buf, sizeof(buf), 0));
	try(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)));
	try(setsockopt(c, IPPROTO_TCP, TCP_NODELAY, bad_pointer(), 4));
	try(shutdown(c, SHUT_WR));
	try(recv(a, buf, sizeof(buf), 0));
	try(getpeername(c, (struct sockaddr *)&peer, &len));
	try(connect(c, bad_pointer(), 16));
	close(a);
	close(c);
	close(s);
}

static void udp(void)
{
	struct sockaddr_in in = loopback(), from;
	socklen_t len = sizeof(in);
	int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int c = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct iovec iov = { "two", 3 };
	struct msghdr msg = { .msg_name = &in, .msg_namelen = sizeof(in),
			      .msg_iov = &iov, .msg_iovlen = 1 };
	char buf[16];

	try(bind(s, (struct sockaddr *)&in, sizeof(in)));
	try(getsockname(s, (struct sockaddr *)&in, &len));
	try(sendto(c, "one", 3, 0, (struct sockaddr *)&in, sizeof(in)));
	try(sendmsg(c, &msg, 0));
	try(recvfrom(s, buf, sizeof(buf), 0, (struct sockaddr *)&from, &len));
	try(recvfrom(s, buf, sizeof(buf), 0, bad_pointer(), &len));
	try(sendto(c, "x", 1, 0, (struct sockaddr *)&in, 4));
	try(recv(s, buf, sizeof(buf), MSG_DONTWAIT));
	in.sin_family = AF_UNSPEC;
	try(connect(c, (struct sockaddr *)&in, sizeof(in)));
	close(s);
	close(c);
}

static void netlink(void)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	try(bind(fd, (struct sockaddr *)&nl, sizeof(nl)));
	close(fd);
	try(bind(0, (struct sockaddr *)&nl, sizeof(nl)));
	try(listen(0, 1));
	try(accept(999, NULL, NULL));
}

int main(void)
{
	families();
	pairs();
	tcp();
	udp();
	netlink();
	return 0;
}
