/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The calls that only the 32-bit table has: older and wider ones, and
 * socketcall.
 *
 * inside: yes
 */
#include "test/lib.h"

#ifdef __i386__
#include <linux/net.h>
#include <sys/socket.h>
#include <sys/statfs.h>
#include <sys/un.h>

static const char *const names[] = { "file", "dir", "link", "hang", "none",
	"none/x", "file/", "../work/file" };
#define NNAMES (sizeof(names) / sizeof(names[0]))

static long call(int nr, const void *a, long b, long c, long d)
{
	return syscall(nr, a, b, c, d);
}

static void told(const char *what, const char *name, long ret)
{
	char text[64];

	snprintf(text, sizeof(text), "%s %s", what, name);
	result(text, ret);
}
#define TOLD(what, name, call) (errno = 0, told(what, name, (call)))

/* struct stat64 of the kernel: mode at 16, size at 44 */
static void looking(const char *n)
{
	static unsigned char st[128];
	unsigned mode;

	memset(st, 0xaa, sizeof(st));
	TOLD("stat64", n, call(195, n, (long)st, 0, 0));
	memcpy(&mode, st + 16, 4);
	say("mode %o size %u", mode, st[44]);
	TOLD("lstat64", n, call(196, n, (long)st, 0, 0));
	memcpy(&mode, st + 16, 4);
	say("mode %o size %u", mode, st[44]);
	TOLD("oldstat", n, call(18, n, (long)st, 0, 0));
	TOLD("oldlstat", n, call(84, n, (long)st, 0, 0));
	TOLD("statfs64", n, call(268, n, sizeof(struct statfs64), (long)st, 0));
}

static void changing(const char *n)
{
	static const int64_t times[4] = { 1000000000, 0, 1100000000, 0 };

	TOLD("truncate64", n, call(193, n, 3, 0, 0));
	TOLD("truncate64 longer", n, call(193, n, 5, 1, 0));
	TOLD("truncate64 back", n, call(193, n, 4, 0, 0));
	TOLD("truncate64 below", n, call(193, n, -1, -1, 0));
	TOLD("chown16", n, call(182, n, 0xffff, 0xffff, 0));
	TOLD("lchown16", n, call(16, n, 0xffff, 0xffff, 0));
	TOLD("utimensat64", n, syscall(412, AT_FDCWD, n, times, 0));
	TOLD("utimensat64 odd", n, syscall(412, AT_FDCWD, n, times, 0x8000));
	say_lstat(n);
}

static void by_number(void)
{
	static unsigned char st[128];
	int fd = open("file", O_RDWR | O_CLOEXEC);

	try(syscall(197, fd, st));
	try(syscall(28, fd, st) < 0 && errno != EOVERFLOW);
	try(syscall(269, fd, sizeof(struct statfs64), st));
	try(syscall(95, fd, 0xffff, 0xffff));
	try(syscall(412, fd, NULL, NULL, 0));
	try(syscall(197, 999, st));
	close(fd);
}

/* --- sockets --- */

static long socket_call(const char *what, int nr, const uint32_t *arg)
{
	errno = 0;
	return result(what, syscall(102, nr, arg));
}

static void address(struct sockaddr_un *sun, const char *name)
{
	*sun = (struct sockaddr_un){ .sun_family = AF_UNIX };
	strcpy(sun->sun_path, name);
}

static void sockets(void)
{
	struct sockaddr_un sun;
	struct iovec iov = { "text", 4 };
	struct msghdr msg = { .msg_name = &sun, .msg_namelen = sizeof(sun),
			      .msg_iov = &iov, .msg_iovlen = 1 };
	uint32_t at = (uintptr_t)&sun, size = sizeof(sun);
	int one = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	int two = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
	char buf[16];

	address(&sun, "socket");
	socket_call("bind", SYS_BIND, (uint32_t[]){ one, at, size });
	socket_call("bind again", SYS_BIND, (uint32_t[]){ two, at, size });
	socket_call("sendto", SYS_SENDTO, (uint32_t[]){ two,
		    (uintptr_t)"data", 4, 0, at, size });
	socket_call("sendmsg", SYS_SENDMSG, (uint32_t[]){ two,
		    (uintptr_t)&msg, 0 });
	socket_call("connect", SYS_CONNECT, (uint32_t[]){ two, at, size });
	address(&sun, "none");
	socket_call("connect", SYS_CONNECT, (uint32_t[]){ two, at, size });
	socket_call("sendto", SYS_SENDTO, (uint32_t[]){ two,
		    (uintptr_t)"data", 4, 0, at, size });
	socket_call("bad", SYS_BIND, bad_pointer());
	socket_call("none", 99, (uint32_t[]){ 0 });
	while (recv(one, buf, sizeof(buf), 0) >= 0)
		say("came: %.4s", buf);
	say_lstat("socket");
	close(one);
	close(two);
}

static void ids(void)
{
	if (geteuid())
		return;
	make_file("theirs", 0600, "");
	try(syscall(81, 0, NULL));		/* setgroups */
	try(syscall(164, 65534, 65534, 65534));	/* setresuid */
	try(open("theirs", O_RDONLY));
	try(mkdir("not mine to make", 0700));
}

static void all(void)
{
	for (size_t i = 0; i < NNAMES; i++) {
		looking(names[i]);
		changing(names[i]);
	}
	looking("");
	by_number();
	sockets();
	try(syscall(22, "none"));		/* umount */
	try(syscall(22, bad_pointer()));
	in_child("16-bit ids", ids);
}
#else
static void all(void)
{
	skip("the 32-bit table is asked by 32-bit programs");
}
#endif

int main(void)
{
	umask(022);
	make_dir("dir", 0755);
	make_file("file", 0644, "text");
	if (symlink("file", "link") < 0 || symlink("nothing", "hang") < 0)
		fail_errno("symlink");
	all();
	return 0;
}
