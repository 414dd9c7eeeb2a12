/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * Where the kernel's FUSE may be mounted, in a name space that nobody sees,
 * it is the best cache there is. A child of ours makes the name space (an
 * ordinary user needs a user name space for that), opens the kernel's
 * /dev/fuse in it, mounts, and hands us both the device and the root of the
 * mount; then it ends, and its name space with it. The mount stays as long
 * as we have its root open, and cannot be named by anybody: there is nothing
 * to clean up, whatever happens to us (test/platform/detached_mount.c).
 *
 * The server has opened the view's /dev/fuse and is in the middle of
 * mount(2), or its fusermount is: the device is put in the place of that
 * descriptor before it can be read. From then on server and kernel are alone
 * with each other, and the monitor works on the files as on any others.
 *
 * Whether anybody still has the device open, once the mount has ended, is
 * known by an epoll descriptor that we keep: it knows of a file as long as
 * that is open anywhere, and does not keep it open; and the device of a mount
 * that has ended answers with POLLERR (test/platform/epoll_last_close.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "mod/vufuse/carrier.h"
#include "mod/vufuse/lent.h"
#include "mod/vufuse/mounting.h"

/* Where the child mounts: any directory will do that is always there. */
static const char point[] = "/proc";

enum { DEVICE, ROOT, FDS };

/* What the child says, with the descriptors when nothing went wrong. */
struct report {
	int err;
	char what[32];
};

/* --- the child: after a fork of many threads, so nothing but system calls -- */

struct plan {
	const char *source, *type;
	const struct fs_options *o;
	unsigned long flags;
	uid_t uid;
	gid_t gid;
};

static int write_text(const char *name, const char *text)
{
	int fd = open(name, O_WRONLY | O_CLOEXEC), err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* A user name space that knows the user himself. */
static int be_user_of_own(uid_t uid, gid_t gid)
{
	char map[64];
	int err;

	if (unshare(CLONE_NEWUSER))
		return -errno;
	snprintf(map, sizeof(map), "%u %u 1\n", uid, uid);
	err = write_text("/proc/self/uid_map", map);
	if (err)
		return err;
	write_text("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "%u %u 1\n", gid, gid);
	return write_text("/proc/self/gid_map", map);
}

static int make_spaces(const struct plan *p)
{
	int err = p->uid ? be_user_of_own(p->uid, p->gid) : 0;

	if (!err && unshare(CLONE_NEWNS))
		err = -errno;
	if (!err && mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL))
		err = -errno;
	return err;
}

static int mount_device(const struct plan *p, int device)
{
	const struct fs_options *o = p->o;
	char data[256];
	size_t n;

	n = snprintf(data, sizeof(data),
		     "fd=%d,rootmode=%o,user_id=%u,group_id=%u%s%s", device,
		     o->rootmode, o->uid, o->gid,
		     o->default_permissions ? ",default_permissions" : "",
		     /* who may see it is asked by us (seen_by) */
		     p->uid ? "" : ",allow_other");
	if (o->max_read)
		snprintf(data + n, sizeof(data) - n, ",max_read=%u",
			 o->max_read);
	if (mount(p->source, point, p->type, p->flags, data))
		return -errno;
	return 0;
}

static void send_report(int to, const struct report *r, const int *fd)
{
	union {
		char room[CMSG_SPACE(FDS * sizeof(int))];
		struct cmsghdr align;
	} u;
	struct iovec iov = { (void *)r, sizeof(*r) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *c;

	memset(&u, 0, sizeof(u));
	if (!r->err) {
		m.msg_control = &u;
		m.msg_controllen = sizeof(u.room);
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(FDS * sizeof(int));
		memcpy(CMSG_DATA(c), fd, FDS * sizeof(int));
	}
	sendmsg(to, &m, MSG_NOSIGNAL);
}

static void set_error(struct report *r, int err, const char *what)
{
	r->err = err;
	snprintf(r->what, sizeof(r->what), "%s", what);
}

static void child(const struct plan *p, int to)
{
	struct report r = { 0 };
	int fd[FDS] = { -1, -1 };
	int err = make_spaces(p);

	if (err)
		set_error(&r, err, "a mount name space");
	if (!err) {
		fd[DEVICE] = open("/dev/fuse", O_RDWR | O_CLOEXEC);
		if (fd[DEVICE] < 0)
			set_error(&r, err = -errno, "/dev/fuse");
	}
	if (!err) {
		err = mount_device(p, fd[DEVICE]);
		if (err)
			set_error(&r, err, "mounting");
	}
	if (!err) {
		fd[ROOT] = open(point, O_PATH | O_CLOEXEC);
		if (fd[ROOT] < 0)
			set_error(&r, -errno, "its root");
	}
	send_report(to, &r, fd);
	_exit(0);
}

/* --- the parent ----------------------------------------------------------- */

static int receive(int from, struct report *r, int *fd)
{
	union {
		char room[CMSG_SPACE(FDS * sizeof(int))];
		struct cmsghdr align;
	} u;
	struct iovec iov = { r, sizeof(*r) };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = &u,
			    .msg_controllen = sizeof(u.room) };
	struct cmsghdr *c;
	ssize_t n;

	do
		n = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(*r)) {
		*r = (struct report){ -EIO, "the child" };
		return -EIO;
	}
	r->what[sizeof(r->what) - 1] = '\0';
	c = CMSG_FIRSTHDR(&m);
	if (!r->err && (!c || c->cmsg_len != CMSG_LEN(FDS * sizeof(int))))
		set_error(r, -EIO, "its descriptors");
	else if (!r->err)
		memcpy(fd, CMSG_DATA(c), FDS * sizeof(int));
	return r->err;
}

static int run_child(const struct plan *p, struct report *r, int *fd)
{
	int pair[2], err;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		set_error(r, -errno, "a socket");
		return r->err;
	}
	pid = fork();
	if (!pid)
		child(p, pair[1]);
	err = pid < 0 ? -errno : 0;
	close(pair[1]);
	if (err)
		set_error(r, err, "a child");
	else
		err = receive(pair[0], r, fd);
	close(pair[0]);
	while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	return err;
}

/* "fuseblk" needs a block device, which only its server knows of. */
static const char *kernel_type(const char *type)
{
	return strncmp(type, "fuseblk", 7) ? type : "fuse";
}

/* Return: an epoll descriptor that watches the device, or -1 */
static int watch_device(int device)
{
	struct epoll_event e = { .events = 0 };	/* POLLERR comes anyhow */
	int watch = epoll_create1(EPOLL_CLOEXEC);

	if (watch < 0 || !epoll_ctl(watch, EPOLL_CTL_ADD, device, &e))
		return watch;
	close(watch);
	return -1;
}

/* What is ours of a mount, beside its root. */
struct carrier {
	int watch;
};

static struct carrier *carrier_new(int device)
{
	struct carrier *c = malloc(sizeof(*c));

	if (c)
		c->watch = watch_device(device);
	return c;
}

static void carrier_free(struct carrier *c)
{
	if (c && c->watch >= 0)
		close(c->watch);
	free(c);
}

static void lacking(struct vu_message *msg, const struct report *r, int err)
{
	vu_message_set(msg, "fuse: via=carrier: %s: %s", r->what[0] ? r->what :
		       "a file system that is one file", strerror(-err));
}

/*
 * By a name space of our own; or, for a user who may have none, lent.
 * Return: 0 and what people are told of it in *how, or -errno and a message
 */
static int make(const struct plan *p, int *fd, const char **how,
		struct vu_message *msg)
{
	struct report r = { 0 };
	struct vu_message first, why = { "" };
	struct lent l;
	int err = S_ISDIR(p->o->rootmode) ? 0 : -ENOTDIR;

	if (!err)
		err = run_child(p, &r, fd);
	*how = "via=carrier";
	if (!err)
		return 0;
	if (!p->uid || err == -ENOTDIR) {
		lacking(msg, &r, err);
		return err;
	}
	if (!lent_mount(p->o, p->flags & MS_RDONLY, &l, &why)) {
		*how = "via=carrier,by=fusermount3";
		fd[DEVICE] = l.device;
		fd[ROOT] = l.root;
		return 0;
	}
	lacking(&first, &r, err);
	vu_message_set(msg, "%.200s; fusermount3: %.200s", first.text,
		       why.text);
	return err;
}

int carrier_mount(struct vu_ctx *ctx, struct vu_mount *m,
		  const struct fs_options *o, struct vu_message *msg)
{
	struct plan p = {
		.source = m->source, .type = kernel_type(m->type), .o = o,
		.flags = MS_NOSUID | MS_NODEV |
			 (m->flags & VU_MOUNT_RDONLY ? MS_RDONLY : 0),
		.uid = geteuid(), .gid = getegid(),
	};
	const char *how;
	struct carrier *c;
	int fd[FDS], err = make(&p, fd, &how, msg);

	if (err)
		return -EPERM;	/* libfuse then tries fusermount */
	c = carrier_new(fd[DEVICE]);
	err = c ? vu_replace_fd(ctx, o->fd, fd[DEVICE]) : -ENOMEM;
	close(fd[DEVICE]);
	if (err) {
		close(fd[ROOT]);
		carrier_free(c);
		vu_message_set(msg, "fuse: via=carrier: fd=%d: %s", o->fd,
			       strerror(-err));
		return -EPERM;
	}
	m->root = fd[ROOT];
	m->priv = c;
	m->flags |= VU_MOUNT_APART;
	m->seen_by = o->allow_other ? -1 : (long)o->uid;
	m->how = how;
	return 0;
}

bool carrier_suits(void)
{
	return geteuid() == 0;
}

bool carrier_is(const struct vu_mount *m)
{
	return m->root >= 0 && (m->flags & VU_MOUNT_APART);
}

bool carrier_device(const struct stat *st)
{
	return S_ISCHR(st->st_mode) &&
	       st->st_rdev == makedev(MISC_MAJOR, FUSE_MINOR);
}

static bool is_device(void *arg, const struct stat *st)
{
	(void)arg;
	return carrier_device(st);
}

/* The kernel does not say which: every process that has a /dev/fuse. */
int carrier_serves(pid_t pid)
{
	return pid && vu_has_open(pid, is_device, NULL);
}

void carrier_quit(struct vu_mount *m)
{
	int fd = openat(m->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return;
	syncfs(fd);
	close(fd);
}

/* --- its end ---------------------------------------------------------------- */

struct carrier_rest carrier_rest(struct vu_mount *m)
{
	struct carrier *c = m->priv;
	struct carrier_rest rest = { m->root, c->watch };

	m->root = c->watch = -1;
	carrier_drop(m);
	return rest;
}

void carrier_drop(struct vu_mount *m)
{
	carrier_free(m->priv);
	m->priv = NULL;
}

void carrier_close(struct carrier_rest *rest)
{
	close(rest->root);
	rest->root = -1;
}

void carrier_forget(struct carrier_rest *rest)
{
	if (rest->watch >= 0)
		close(rest->watch);
	rest->watch = -1;
}
