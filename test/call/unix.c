/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * AF_UNIX: addresses are names.
 *
 * inside: root user
 * cow: root user
 * (In the cage sockets cannot be fetched; others are told the real names.)
 */
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "test/lib.h"

static int new_socket(int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		fail_errno("socket");
	return fd;
}

static socklen_t fill(struct sockaddr_un *sun, const char *path)
{
	size_t len = strlen(path);

	memset(sun, 0, sizeof(*sun));
	sun->sun_family = AF_UNIX;
	if (len > sizeof(sun->sun_path))
		len = sizeof(sun->sun_path);
	memcpy(sun->sun_path, path, len);
	return offsetof(struct sockaddr_un, sun_path) + len +
		(len < sizeof(sun->sun_path));
}

static int bind_to(int fd, const char *path)
{
	struct sockaddr_un sun;
	socklen_t len = fill(&sun, path);
	char what[160];

	snprintf(what, sizeof(what), "bind %.60s", path);
	errno = 0;
	return result(what, bind(fd, (struct sockaddr *)&sun, len));
}

static int connect_to(int fd, const char *path)
{
	struct sockaddr_un sun;
	socklen_t len = fill(&sun, path);
	char what[160];

	snprintf(what, sizeof(what), "connect %.60s", path);
	errno = 0;
	return result(what, connect(fd, (struct sockaddr *)&sun, len));
}

static void say_address(const char *what, int fd,
			int (*get)(int, struct sockaddr *, socklen_t *))
{
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);

	memset(&sun, 0xa5, sizeof(sun));
	errno = 0;
	if (get(fd, (struct sockaddr *)&sun, &len) < 0)
		say("%s: %s", what, error_name(errno));
	else
		say("%s: length %u family %d path %.*s", what, len,
		    sun.sun_family, (int)(len - sizeof(sa_family_t)),
		    len > sizeof(sa_family_t) ? sun.sun_path : "");
}

static void names(void)
{
	static const char *const path[] = { "new", "file", "dir", "link",
		"dangling", "none/s", "file/s", "dir/s", "dir/", "", ".", "/",
		"shut/s", "loop", "./dir/../dotted", "new2/" };

	for (size_t i = 0; i < sizeof(path) / sizeof(*path); i++) {
		int s = new_socket(SOCK_STREAM), c = new_socket(SOCK_STREAM);

		if (path[i][0] && bind_to(s, path[i]) == 0) {
			say_lstat(path[i]);
			say_address("bound", s, getsockname);
		}
		connect_to(c, path[i]);
		try(listen(s, 1));
		connect_to(c, path[i]);
		say_address("peer", c, getpeername);
		close(s);
		close(c);
	}
}

static void lengths(void)
{
	char *path = repeat('p', 120);
	struct sockaddr_un sun;
	int s;

	path[109] = 0;
	for (int n = 109; n >= 106; n--) {
		path[n] = 0;
		s = new_socket(SOCK_STREAM);
		bind_to(s, path);
		say_address("long", s, getsockname);
		close(s);
	}
	s = new_socket(SOCK_STREAM);
	fill(&sun, "short");
	try(bind(s, (struct sockaddr *)&sun, 1));
	try(bind(s, (struct sockaddr *)&sun, 2000));
	try(bind(s, (struct sockaddr *)&sun, sizeof(sun) + 1));
	try(bind(s, (struct sockaddr *)&sun, offsetof(struct sockaddr_un,
						     sun_path) + 3));
	say_address("cut", s, getsockname);
	say_lstat("sho");
	try(bind(s, (struct sockaddr *)&sun, 8));
	close(s);
	s = new_socket(SOCK_STREAM);
	sun.sun_family = AF_INET;
	try(bind(s, (struct sockaddr *)&sun, sizeof(sun)));
	try(connect(s, (struct sockaddr *)&sun, sizeof(sun)));
	try(bind(s, bad_pointer(), sizeof(sun)));
	try(connect(s, bad_pointer(), sizeof(sun)));
	try(bind(999, (struct sockaddr *)&sun, sizeof(sun)));
	try(connect(0, (struct sockaddr *)&sun, sizeof(sun)));
	close(s);
	free(path);
}

static void abstract(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int s = new_socket(SOCK_STREAM), c = new_socket(SOCK_STREAM);
	socklen_t len;

	len = offsetof(struct sockaddr_un, sun_path) + 1 +
		snprintf(sun.sun_path + 1, 90, "vu-test-%d", getpid());
	try(connect(c, (struct sockaddr *)&sun, len));
	try(bind(s, (struct sockaddr *)&sun, len));
	try(listen(s, 1));
	try(connect(c, (struct sockaddr *)&sun, len));
	try(bind(new_socket(SOCK_STREAM), (struct sockaddr *)&sun, len));
	close(s);
	close(c);
	s = new_socket(SOCK_DGRAM);
	try(bind(s, (struct sockaddr *)&sun, sizeof(sa_family_t)));
	len = sizeof(sun);
	getsockname(s, (struct sockaddr *)&sun, &len);
	say("autobound: length %u first %d", len, sun.sun_path[0]);
	close(s);
}

static void stream(void)
{
	struct sockaddr_un sun;
	socklen_t len = sizeof(sun);
	int s = new_socket(SOCK_STREAM), c = new_socket(SOCK_STREAM), a;
	struct ucred cred;
	char buf[8] = "";

	bind_to(s, "stream");
	connect_to(c, "stream");
	try(listen(s, 5));
	bind_to(c, "client");
	connect_to(c, "stream");
	a = accept4(s, (struct sockaddr *)&sun, &len, SOCK_CLOEXEC);
	result_fd("accept4", a);
	say("from %s length %u", sun.sun_path, len);
	say_address("server side", a, getsockname);
	say_address("server's peer", a, getpeername);
	try(write(c, "hello", 5));
	try(read(a, buf, 5));
	say("%s", buf);
	len = sizeof(cred);
	try(getsockopt(a, SOL_SOCKET, SO_PEERCRED, &cred, &len));
	say("peer is me: %d %d", cred.pid == getpid(), cred.uid == geteuid());
	connect_to(c, "stream");
	try(chmod("stream", 0));
	connect_to(new_socket(SOCK_STREAM), "stream");
	try(unlink("stream"));
	connect_to(new_socket(SOCK_STREAM), "stream");
	connect_to(new_socket(SOCK_DGRAM), "client");
	close(a);
	close(c);
	close(s);
}

static void datagrams(void)
{
	struct sockaddr_un sun, from;
	int s = new_socket(SOCK_DGRAM), c = new_socket(SOCK_DGRAM);
	struct iovec iov = { "two", 3 };
	struct msghdr msg = { .msg_name = &sun, .msg_iov = &iov,
			      .msg_iovlen = 1 };
	struct mmsghdr many[3];
	socklen_t len = fill(&sun, "dgram");
	char buf[16];

	msg.msg_namelen = len;
	try(sendto(c, "one", 3, 0, (struct sockaddr *)&sun, len));
	bind_to(s, "dgram");
	bind_to(c, "sender");
	try(sendto(c, "one", 3, 0, (struct sockaddr *)&sun, len));
	try(sendmsg(c, &msg, 0));
	for (int i = 0; i < 3; i++)
		many[i].msg_hdr = msg;
	try(sendmmsg(c, many, 3, 0));
	for (int i = 0; i < 6; i++) {
		len = sizeof(from);
		memset(&from, 0, sizeof(from));
		try(recvfrom(s, buf, sizeof(buf), 0, (struct sockaddr *)&from,
			     &len));
		say("from %s", from.sun_path);
	}
	connect_to(c, "dgram");
	try(send(c, "three", 5, 0));
	try(recv(s, buf, sizeof(buf), 0));
	len = fill(&sun, "none");
	msg.msg_namelen = len;
	try(sendto(c, "x", 1, 0, (struct sockaddr *)&sun, len));
	try(sendmsg(c, &msg, 0));
	try(sendto(c, "x", 1, 0, bad_pointer(), len));
	try(sendmsg(c, bad_pointer(), 0));
	msg.msg_name = bad_pointer();
	try(sendmsg(c, &msg, 0));
	close(s);
	close(c);
}

static void passing(void)
{
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr h; } c;
	struct iovec iov = { "x", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &c, .msg_controllen = sizeof(c) };
	struct sockaddr_un sun;
	int s = new_socket(SOCK_DGRAM), out = new_socket(SOCK_DGRAM), fd;
	char byte[2];

	bind_to(s, "rights");
	msg.msg_name = &sun;
	msg.msg_namelen = fill(&sun, "rights");
	fd = open("file", O_RDONLY | O_CLOEXEC);
	memset(&c, 0, sizeof(c));
	c.h.cmsg_level = SOL_SOCKET;
	c.h.cmsg_type = SCM_RIGHTS;
	c.h.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	try(sendmsg(out, &msg, 0));
	close(fd);
	iov.iov_base = byte;
	msg.msg_name = NULL;
	msg.msg_controllen = sizeof(c);
	try(recvmsg(s, &msg, MSG_CMSG_CLOEXEC));
	memcpy(&fd, CMSG_DATA(&c.h), sizeof(fd));
	say("received: flags %x", fcntl(fd, F_GETFD));
	try(read(fd, byte, 2));
	close(fd);
	close(s);
	close(out);
}

/* A blocking connect to a full queue, ended by the server's accept. */
static void blocking(void)
{
	int s = new_socket(SOCK_STREAM), c;
	pid_t pid;

	bind_to(s, "full");
	try(listen(s, 0));
	for (int i = 0; i < 2; i++)
		connect_to(new_socket(SOCK_STREAM), "full");
	pid = fork();
	if (!pid) {
		struct pollfd pfd = { .fd = s, .events = POLLIN };

		for (int i = 0; i < 2; i++) {
			usleep(100000);
			poll(&pfd, 1, 1000);
			accept(s, NULL, NULL);
		}
		_exit(0);
	}
	c = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	connect_to(c, "full");
	say("acceptor %x", wait_for(pid));
}

int main(void)
{
	umask(022);
	make_dir("dir", 0755);
	make_file("file", 0644, "text");
	make_dir("shut", 0);
	if (symlink("linked", "link") < 0 || symlink("none/x", "dangling") < 0 ||
	    symlink("loop", "loop") < 0)
		fail_errno("setup");
	names();
	lengths();
	abstract();
	stream();
	datagrams();
	passing();
	blocking();
	return 0;
}
