/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who is at the other end of a socket. Who asks (SO_PEERCRED) is told the
 * virtual ids that the other process has by now; where the monitor cannot
 * fetch descriptors, the kernel's. Who names itself (SCM_CREDENTIALS) by its
 * virtual ids is named by the kernel's, which alone are let through: what a
 * receiver reads from a message is always the kernel's.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/memory.h"
#include "engine/rewrite.h"
#include "sys/handlers.h"
#include "sys/real.h"
#include "sys/state.h"

#define CONTROL_MAX 4096	/* longer control messages are left alone */

/* What the kernel says of the peer. 0 or -errno */
static int ask_kernel(struct request *rq, struct ucred *peer)
{
	int fd = fetch_descriptor(rq, (int)rq->call->arg[0]), err;
	socklen_t len = sizeof(*peer);

	if (fd < 0)
		return fd;
	err = getsockopt(fd, SOL_SOCKET, SO_PEERCRED, peer, &len) ? -errno : 0;
	close(fd);
	return err;
}

static int give_peer(struct request *rq, const struct ucred *peer)
{
	uint64_t addr = rq->call->arg[4];
	int room, err = guest_read(rq->call, addr, &room, sizeof(room));

	if (err || room < 0)
		return err ?: -EINVAL;
	if ((size_t)room > sizeof(*peer))
		room = sizeof(*peer);
	err = guest_write(rq->call, rq->call->arg[3], peer, room);
	return err ?: guest_write(rq->call, addr, &room, sizeof(room));
}

struct verdict call_getsockopt(struct request *rq)
{
	struct ucred peer;
	struct ids *ids;
	bool told;

	if ((int)rq->call->arg[1] != SOL_SOCKET || ask_kernel(rq, &peer) ||
	    peer.pid <= 0)
		return verdict_native();
	ids = ids_of_thread(rq, peer.pid);
	told = ids && ids->users;
	if (told) {
		peer.uid = ids->uid[ID_EFFECTIVE];
		peer.gid = ids->gid[ID_EFFECTIVE];
	}
	ids_put(ids);
	return told ? verdict_value(give_peer(rq, &peer)) : verdict_native();
}

/* --- sending --- */

static bool is_own(const uid_t own[ID_KINDS], uid_t id)
{
	return id == own[ID_REAL] || id == own[ID_EFFECTIVE] ||
	       id == own[ID_SAVED];
}

/* By the kernel's rules for virtual ids, may it say that it is that one? */
static bool may_say(const struct ids *ids, const struct ucred *cred)
{
	return (is_own(ids->uid, cred->uid) || ids_able(ids, CAP_SETUID)) &&
	       (is_own(ids->gid, cred->gid) || ids_able(ids, CAP_SETGID));
}

/* Put the kernel's ids into control data. Return: were there any? */
static bool name_really(const struct request *rq, const struct ids *ids,
			struct msghdr *m)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(m);
	struct ucred cred;
	bool any = false;

	for (; c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET ||
		    c->cmsg_type != SCM_CREDENTIALS ||
		    c->cmsg_len != CMSG_LEN(sizeof(cred)))
			continue;
		memcpy(&cred, CMSG_DATA(c), sizeof(cred));
		if (!may_say(ids, &cred))
			continue;
		cred.uid = rq->ids.uid[ID_EFFECTIVE];
		cred.gid = rq->ids.gid[ID_EFFECTIVE];
		memcpy(CMSG_DATA(c), &cred, sizeof(cred));
		any = true;
	}
	return any;
}

struct verdict ids_send(struct request *rq)
{
	const struct ids *ids = ids_of_user(rq);
	char control[CONTROL_MAX] __attribute__((aligned(16)));
	struct rewrite *rw;
	struct msghdr m;
	int err;

	if (!ids || rq->call->abi != ABI_NATIVE || request_ids(rq) ||
	    guest_read(rq->call, rq->call->arg[1], &m, sizeof(m)) ||
	    !m.msg_control || m.msg_controllen > sizeof(control) ||
	    guest_read(rq->call, (uintptr_t)m.msg_control, control,
		       m.msg_controllen))
		return verdict_native();
	rw = rewrite_new(rq->call);
	if (!rw)
		return verdict_native();
	err = rewrite_bytes(rw, 1, &m, sizeof(m));
	m.msg_control = control;
	if (!name_really(rq, ids, &m)) {
		rewrite_free(rw);
		return verdict_native();
	}
	if (!err)
		err = rewrite_inner(rw, 1, offsetof(struct msghdr, msg_control),
				    control, m.msg_controllen);
	if (!err)
		return verdict_rewritten(rw);
	rewrite_free(rw);
	return verdict_value(err);
}
