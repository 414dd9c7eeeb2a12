/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_PLATFORM_NOTIFY_H
#define TEST_PLATFORM_NOTIFY_H

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "test/lib.h"

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP
#define SECCOMP_USER_NOTIF_FD_SYNC_WAKE_UP (1UL << 0)
#define SECCOMP_IOCTL_NOTIF_SET_FLAGS SECCOMP_IOW(4, __u64)
#endif
#ifndef SECCOMP_ADDFD_FLAG_SEND
#define SECCOMP_ADDFD_FLAG_SEND (1UL << 1)
#endif

/* A child under a filter that notifies one call, and its listener. */
struct probe {
	pid_t pid;
	int listener;
};

/* Install a filter that notifies call nr (of arch). The listener or -1. */
static inline int notify_call(int nr, unsigned arch, unsigned flags)
{
	struct sock_filter insn[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, arch, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog prog = { sizeof(insn) / sizeof(*insn), insn };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -1;
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		       SECCOMP_FILTER_FLAG_NEW_LISTENER | flags, &prog);
}

static inline void send_fd(int socket, int fd)
{
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr h; } c = { 0 };
	struct iovec iov = { "", 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &c, .msg_controllen = sizeof(c) };

	c.h.cmsg_level = SOL_SOCKET;
	c.h.cmsg_type = SCM_RIGHTS;
	c.h.cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(&c.h), &fd, sizeof(fd));
	if (sendmsg(socket, &msg, 0) != 1)
		fail_errno("sendmsg");
}

static inline int receive_fd(int socket)
{
	union { char buf[CMSG_SPACE(sizeof(int))]; struct cmsghdr h; } c;
	char byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = &c, .msg_controllen = sizeof(c) };
	int fd;

	if (recvmsg(socket, &msg, MSG_CMSG_CLOEXEC) != 1 ||
	    !CMSG_FIRSTHDR(&msg))
		return -1;
	memcpy(&fd, CMSG_DATA(&c.h), sizeof(fd));
	return fd;
}

/*
 * The child: filter, hand over the listener, go. An EINVAL for flags means
 * an older kernel; the parent skips on that exit status.
 */
static inline void probe_child(int socket, int nr, unsigned flags,
			       void (*guest)(void *), void *arg)
{
	int listener;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	listener = notify_call(nr, AUDIT_ARCH_X86_64, flags);
	if (listener < 0)
		_exit(errno == EINVAL ? 77 : 99);
	send_fd(socket, listener);
	close(listener);
	close(socket);
	guest(arg);
	_exit(0);
}

/* Start guest(arg) in a child that is notified of native call nr. */
static inline void probe_start(struct probe *p, int nr, unsigned flags,
			       void (*guest)(void *), void *arg)
{
	int pair[2], status;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		fail_errno("socketpair");
	p->pid = fork();
	if (p->pid < 0)
		fail_errno("fork");
	if (!p->pid)
		probe_child(pair[1], nr, flags, guest, arg);
	close(pair[1]);
	p->listener = receive_fd(pair[0]);
	close(pair[0]);
	if (p->listener >= 0)
		return;
	status = wait_for(p->pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip("this kernel does not know filter flags %#x", flags);
	fail("the filter could not be installed: status %x", status);
}

/* 0, or -1 with errno; gives up after five seconds. */
static inline int probe_receive(struct probe *p, struct seccomp_notif *req)
{
	struct pollfd pfd = { .fd = p->listener, .events = POLLIN };

	memset(req, 0, sizeof(*req));
	if (poll(&pfd, 1, 5000) != 1) {
		errno = ETIMEDOUT;
		return -1;
	}
	return ioctl(p->listener, SECCOMP_IOCTL_NOTIF_RECV, req);
}

/* Answer with a value, or -error. */
static inline int probe_answer(struct probe *p, struct seccomp_notif *req,
			       long value, int error)
{
	struct seccomp_notif_resp resp = { .id = req->id, .val = value,
					   .error = -error };

	return ioctl(p->listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

static inline int probe_continue(struct probe *p, struct seccomp_notif *req)
{
	struct seccomp_notif_resp resp = { .id = req->id,
		.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE };

	return ioctl(p->listener, SECCOMP_IOCTL_NOTIF_SEND, &resp);
}

/* Put fd into the guest; with SECCOMP_ADDFD_FLAG_SEND as the answer. */
static inline int probe_addfd(struct probe *p, struct seccomp_notif *req,
			      int fd, unsigned flags, unsigned fd_flags)
{
	struct seccomp_notif_addfd addfd = { .id = req->id, .srcfd = fd,
		.flags = flags, .newfd_flags = fd_flags };

	return ioctl(p->listener, SECCOMP_IOCTL_NOTIF_ADDFD, &addfd);
}

#endif
