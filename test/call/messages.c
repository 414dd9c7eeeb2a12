/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sendmmsg and sendmsg to sockets that are named, not connected.
 *
 * inside: yes
 * cow: yes
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "test/lib.h"

#define MANY 1100		/* more than the kernel takes at once */

static struct mmsghdr message[MANY];
static struct sockaddr_un address[MANY];
static struct iovec part[2] = { { "ab", 2 }, { "cde", 3 } };

static int bound(const char *name)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(to.sun_path, name);
	if (bind(s, (struct sockaddr *)&to, sizeof(to)) < 0)
		fail_errno(name);
	return s;
}

/* The i-th message goes to this name; NULL: to where the socket is. */
static void to(int i, const char *name, int parts)
{
	message[i] = (struct mmsghdr){ { .msg_iov = part, .msg_iovlen = parts },
				       77 };
	if (!name)
		return;
	address[i].sun_family = AF_UNIX;
	strcpy(address[i].sun_path, name);
	message[i].msg_hdr.msg_name = &address[i];
	message[i].msg_hdr.msg_namelen = sizeof(address[i]);
}

static void came(const char *what, int s)
{
	char buf[16];
	int n = 0;

	for (ssize_t len; (len = recv(s, buf, sizeof(buf), 0)) >= 0; n++)
		if (n < 4)
			say_bytes(what, buf, len);
	say("%s: %d messages", what, n);
}

/* Send n messages; the lengths that the kernel noted in those sent. */
static void sent(const char *what, int s, unsigned n)
{
	int done;

	errno = 0;
	done = sendmmsg(s, message, n, 0);
	result(what, done);
	for (int i = 0; i < done && i < 4; i++)
		say("%s: message %d: %u bytes", what, i, message[i].msg_len);
}

static void several(int s, int one, int two)
{
	to(0, "one", 2);
	to(1, "two", 1);
	to(2, "dir/../one", 0);
	sent("three", s, 3);
	to(0, "none", 1);
	sent("none", s, 1);
	to(0, "one", 1);
	to(1, "none", 1);
	to(2, "two", 1);
	sent("the second is missing", s, 3);
	to(1, "file", 1);
	sent("the second is a file", s, 3);
	to(1, NULL, 1);
	sent("the second is nowhere", s, 3);
	try(sendmmsg(s, message, 0, 0));
	try(sendmmsg(s, bad_pointer(), 2, 0));
	came("one", one);
	came("two", two);
}

static void single(int s, int one)
{
	to(0, "one", 2);
	try(sendmsg(s, &message[0].msg_hdr, 0));
	to(0, "none", 2);
	try(sendmsg(s, &message[0].msg_hdr, 0));
	try(sendto(s, "x", 1, 0, (struct sockaddr *)&address[0],
		   sizeof(address[0])));
	strcpy(address[0].sun_path, "one");
	try(sendto(s, "x", 1, 0, (struct sockaddr *)&address[0],
		   sizeof(address[0])));
	came("one", one);
}

/* Where the socket already is: names in the messages may go elsewhere. */
static void connected(int s, int one, int two)
{
	struct sockaddr_un peer = { AF_UNIX, "two" };

	try(connect(s, (struct sockaddr *)&peer, sizeof(peer)));
	to(0, NULL, 1);
	to(1, "one", 2);
	to(2, NULL, 2);
	sent("mixed", s, 3);
	came("one", one);
	came("two", two);
}

static void too_many(int s)
{
	for (int i = 0; i < MANY; i++)
		to(i, i % 2 ? "one" : "none", 1);
	sent("many", s, MANY);
	to(0, "one", 1);
	sent("many", s, MANY);
}

int main(void)
{
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int one, two;

	umask(022);
	make_dir("dir", 0755);
	make_file("file", 0644, "");
	one = bound("one");
	two = bound("two");
	several(s, one, two);
	single(s, one);
	connected(s, one, two);
	too_many(s);
	return 0;
}
