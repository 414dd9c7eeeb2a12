/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * An ordinary user who may make no name space may yet have the system's
 * fusermount3, a set-user-id program, which mounts FUSE in a directory of his.
 * The monitor runs it: for a guest it would gain nothing. The mount is made in
 * a new directory that only the user can enter, opened, and taken out of sight
 * at once, by the same program; the root that is open keeps it, as with a name
 * space that has ended (carrier.c). For this moment it is seen in the system's
 * table of mounts.
 *
 * fusermount3 hands over the device through a socket, whose number is in its
 * environment. What it has to say of a failure is kept.
 */
#include "mod/vufuse/lent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CANNOT_EXECUTE = 127 };

/* One run of the program. */
struct run {
	const char *argv[8];
	int comm;		/* its end of the socket; -1: none */
	int said;		/* a memfd, or -1 */
};

static const char *const programs[] = {
	"/usr/bin/fusermount3", "/bin/fusermount3",
	"/usr/bin/fusermount", "/bin/fusermount",
};

/* After a fork of many threads: nothing but system calls. */
static _Noreturn void become(const struct run *r, char *comm)
{
	char *const env[] = { (char *)"PATH=/usr/bin:/bin", comm, NULL };
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(null, 0);
	dup2(null, 1);
	dup2(r->said >= 0 ? r->said : null, 2);
	if (r->comm >= 0)
		fcntl(r->comm, F_SETFD, 0);
	for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		execve(programs[i], (char *const *)r->argv, env);
	_exit(CANNOT_EXECUTE);
}

static pid_t start(const struct run *r)
{
	char comm[32];
	pid_t pid;

	snprintf(comm, sizeof(comm), "_FUSE_COMMFD=%d", r->comm);
	pid = fork();
	if (!pid)
		become(r, comm);
	return pid < 0 ? -errno : pid;
}

/* 0, -ENOENT: there is no such program, -EPERM: it has refused */
static int end(pid_t pid)
{
	int status = 0;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!status)
		return 0;
	return WIFEXITED(status) && WEXITSTATUS(status) == CANNOT_EXECUTE ?
	       -ENOENT : -EPERM;
}

/* Return: the descriptor, or -errno when none has come */
static int receive(int from)
{
	union {
		char room[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} u;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &u,
			    .msg_controllen = sizeof(u.room) };
	struct cmsghdr *c;
	ssize_t n;
	int fd;

	do
		n = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (!c || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(int)))
		return -EIO;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

static void mount_words(const struct fs_options *o, bool rdonly, char *list,
			size_t size)
{
	size_t n = snprintf(list, size, "nosuid,nodev,fsname=vufuse%s%s",
			    rdonly ? ",ro" : "", o->default_permissions ?
			    ",default_permissions" : "");

	if (o->max_read)
		snprintf(list + n, size - n, ",max_read=%u", o->max_read);
}

/* Return: the device, or -errno */
static int mount_in(const char *dir, const struct fs_options *o, bool rdonly,
		    int said)
{
	char list[128];
	struct run r = { { "fusermount3", "-o", list, "--", dir }, -1, said };
	int pair[2], device, err;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	mount_words(o, rdonly, list, sizeof(list));
	r.comm = pair[1];
	pid = start(&r);
	close(pair[1]);
	device = pid < 0 ? pid : receive(pair[0]);
	close(pair[0]);
	err = pid < 0 ? pid : end(pid);
	if (!err)
		return device;
	if (device >= 0)
		close(device);
	return err;
}

static int hide(const char *dir, int said)
{
	struct run r = {
		{ "fusermount3", "-u", "-q", "-z", "--", dir }, -1, said,
	};
	pid_t pid = start(&r);

	return pid < 0 ? pid : end(pid);
}

/* The first line of what it said. */
static void explain(int said, int err, struct vu_message *why)
{
	char text[160];
	ssize_t n = said < 0 ? 0 : pread(said, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	vu_message_set(why, "%s", text[0] ? text : strerror(-err));
}

static int make_directory(char *dir, size_t size)
{
	static const char *const places[] = { "/tmp", "/dev/shm", "/var/tmp" };

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(dir, size, "%s/.vu-XXXXXX", places[i]);
		if (mkdtemp(dir))
			return 0;
	}
	return -errno;
}

/*
 * What is not taken out of sight must not be used. Whatever the program says
 * of it: a directory in which something is mounted cannot be removed.
 */
static int open_and_hide(const char *dir, struct lent *l, int said)
{
	int err;

	l->root = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	err = l->root < 0 ? -errno : 0;
	err = hide(dir, said) ?: err;
	if (rmdir(dir) && !err)
		err = -errno;
	if (!err)
		return 0;
	if (l->root >= 0)
		close(l->root);
	close(l->device);
	return err;
}

int lent_mount(const struct fs_options *o, bool rdonly, struct lent *l,
	       struct vu_message *why)
{
	char dir[32];
	int said, err = make_directory(dir, sizeof(dir));

	if (err) {
		vu_message_set(why, "a directory: %s", strerror(-err));
		return err;
	}
	said = memfd_create("said", MFD_CLOEXEC);
	l->device = mount_in(dir, o, rdonly, said);
	err = l->device < 0 ? l->device : open_and_hide(dir, l, said);
	if (err)
		explain(said, err, why);
	if (said >= 0)
		close(said);
	rmdir(dir);
	return err;
}
