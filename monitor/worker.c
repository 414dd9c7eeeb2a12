/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A server may have started others before it became a daemon: sshfs starts
 * ssh, and when it serves neither is the other's parent any more. What still
 * tells is that ssh's standard input comes from sshfs. Both ends of a pipe
 * have the same inode; which is the other end of a socket the kernel tells by
 * NETLINK_SOCK_DIAG, where it is there.
 */
#include "lib/proc.h"
#include "monitor/worker.h"

#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <linux/unix_diag.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct question {
	struct nlmsghdr head;
	struct unix_diag_req req;
};

union answer {
	struct nlmsghdr head;
	char room[1024];
};

/* The other end's inode in the answer, 0: it is not there. */
static uint32_t peer_told(const union answer *a, size_t size)
{
	const struct nlmsghdr *h = &a->head;
	const size_t fixed = NLMSG_SPACE(sizeof(struct unix_diag_msg));
	const struct rtattr *t;
	uint32_t peer = 0;
	size_t left;

	if (!NLMSG_OK(h, size) || h->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
	    h->nlmsg_len < fixed)
		return 0;
	left = h->nlmsg_len - fixed;
	t = (const struct rtattr *)(a->room + fixed);
	for (; RTA_OK(t, left); t = RTA_NEXT(t, left))
		if (t->rta_type == UNIX_DIAG_PEER &&
		    RTA_PAYLOAD(t) >= sizeof(peer))
			memcpy(&peer, RTA_DATA(t), sizeof(peer));
	return peer;
}

static uint32_t socket_peer(ino_t ino)
{
	struct question q = {
		.head = {
			.nlmsg_len = sizeof(q),
			.nlmsg_type = SOCK_DIAG_BY_FAMILY,
			.nlmsg_flags = NLM_F_REQUEST,
		},
		.req = {
			.sdiag_family = AF_UNIX,
			.udiag_states = -1,
			.udiag_ino = ino,
			.udiag_show = UDIAG_SHOW_PEER,
			.udiag_cookie = { -1, -1 },
		},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC,
			NETLINK_SOCK_DIAG);
	union answer a;
	ssize_t n = -1;

	if (fd < 0)
		return 0;
	if (send(fd, &q, sizeof(q), 0) == sizeof(q))
		n = recv(fd, &a, sizeof(a), MSG_DONTWAIT);
	close(fd);
	return n > 0 ? peer_told(&a, n) : 0;
}

/* What the other end of is looked for. */
struct end {
	struct stat st;
	uint32_t peer;
};

/* Is this descriptor the other end? */
static bool is_other_end(void *arg, int dir, const char *name)
{
	const struct end *e = arg;
	struct stat end, link;

	if (fstatat(dir, name, &end, 0) || end.st_dev != e->st.st_dev)
		return false;
	if (e->peer)
		return S_ISSOCK(end.st_mode) &&
		       (uint32_t)end.st_ino == e->peer;
	/* the link's mode says what the descriptor is open for */
	return end.st_ino == e->st.st_ino &&
	       !fstatat(dir, name, &link, AT_SYMLINK_NOFOLLOW) &&
	       (link.st_mode & S_IWUSR);
}

bool works_for(pid_t pid, pid_t master)
{
	struct end e = { .peer = 0 };
	char path[32];

	snprintf(path, sizeof(path), "/proc/%d/fd/0", (int)pid);
	if (stat(path, &e.st))
		return false;
	if (S_ISSOCK(e.st.st_mode))
		e.peer = socket_peer(e.st.st_ino);
	else if (!S_ISFIFO(e.st.st_mode))
		return false;
	return (e.peer || S_ISFIFO(e.st.st_mode)) &&
	       proc_find_fd(master, is_other_end, &e);
}
