/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The listener is made by the child, on whom the filter is, and sent here
 * over a socket: pidfd_getfd may be denied where this still works.
 */
#include "tools/probe_lab.h"

#include <errno.h>
#include <linux/filter.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "tools/probe.h"

#define RECEIVE_MS 2000

/*
 * Without a privilege the kernel wants no_new_privs for a filter; it is set
 * only after that was said. Return: listener or -errno
 */
static int install(unsigned flags)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, LAB_CALL, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(code) / sizeof(code[0]), code };
	long fd;

	flags |= SECCOMP_FILTER_FLAG_NEW_LISTENER;
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
	if (fd < 0 && errno == EACCES) {
		if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
			return -errno;
		fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags,
			     &program);
	}
	return fd < 0 ? -errno : (int)fd;
}

/* One message: an error, or 0 and a descriptor. */
union ancillary {
	struct cmsghdr header;
	char room[CMSG_SPACE(sizeof(int))];
};

static int send_listener(int to, int fd)
{
	union ancillary a = { 0 };
	int err = fd < 0 ? fd : 0;
	struct iovec iov = { &err, sizeof(err) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		msg.msg_control = a.room;
		msg.msg_controllen = sizeof(a.room);
		a.header.cmsg_level = SOL_SOCKET;
		a.header.cmsg_type = SCM_RIGHTS;
		a.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&a.header), &fd, sizeof(fd));
	}
	if (sendmsg(to, &msg, MSG_NOSIGNAL) < 0)
		return -errno;
	return err;
}

static int receive_listener(int from)
{
	union ancillary a = { 0 };
	int err = -EIO, fd;
	struct iovec iov = { &err, sizeof(err) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
			      .msg_control = a.room,
			      .msg_controllen = sizeof(a.room) };
	ssize_t n = recvmsg(from, &msg, MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -errno;
	if (n != sizeof(err))
		return -EIO;
	if (err)
		return err;
	if (msg.msg_controllen < sizeof(struct cmsghdr))
		return -EIO;
	memcpy(&fd, CMSG_DATA(&a.header), sizeof(fd));
	return fd;
}

static _Noreturn void be_guest(int to, unsigned flags, int (*guest)(void))
{
	int fd;

	signal(SIGALRM, SIG_DFL);
	alarm(PROBE_SECONDS);
	fd = install(flags);
	if (send_listener(to, fd) < 0)
		_exit(0);
	close(fd);
	close(to);
	_exit(-guest());
}

int lab_open(struct lab *lab, unsigned flags, int (*guest)(void))
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	lab->pid = fork();
	if (!lab->pid)
		be_guest(pair[1], flags, guest);
	close(pair[1]);
	lab->listener = lab->pid < 0 ? -errno : receive_listener(pair[0]);
	close(pair[0]);
	if (lab->listener >= 0)
		return 0;
	if (lab->pid > 0)
		probe_reap(lab->pid);
	return lab->listener;
}

int lab_close(struct lab *lab)
{
	close(lab->listener);
	return probe_reap(lab->pid);
}

int lab_receive(const struct lab *lab, union lab_call *call)
{
	struct pollfd pfd = { .fd = lab->listener, .events = POLLIN };
	int n = poll(&pfd, 1, RECEIVE_MS);

	if (n < 0)
		return -errno;
	if (!(pfd.revents & POLLIN))
		return -ETIMEDOUT;
	memset(call, 0, sizeof(*call));
	if (ioctl(lab->listener, SECCOMP_IOCTL_NOTIF_RECV, &call->notif) < 0)
		return -errno;
	return 0;
}

static int send_answer(const struct lab *lab, struct seccomp_notif_resp *resp)
{
	int n = ioctl(lab->listener, SECCOMP_IOCTL_NOTIF_SEND, resp);

	return n < 0 ? -errno : 0;
}

int lab_answer(const struct lab *lab, uint64_t id, long value)
{
	struct seccomp_notif_resp resp = { .id = id, .val = value };

	return send_answer(lab, &resp);
}

int lab_continue(const struct lab *lab, uint64_t id)
{
	struct seccomp_notif_resp resp = {
		.id = id,
		.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE,
	};

	return send_answer(lab, &resp);
}
