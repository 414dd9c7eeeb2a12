/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * INIT: what we offer, and what comes of it.
 *
 * A flag is offered only when we do what it says. Sizes are bounded by what
 * one packet may bear: of ours by our socket's buffer, of the server's by
 * its own, which is what ours was when both were made.
 *
 * libfuse answers a READ by splice from a pipe when protocol and program let
 * it (minor 14 on; there is no flag of INIT to forbid it, and none that says
 * whether it does). A socket makes a packet of each page before Linux 6.5,
 * and of each 16 buffers of the pipe later on: the answer comes torn. What
 * this kernel does is tried; where a packet were tiny, we say that we are of
 * minor 13. test/platform/splice_packets.c shows it all.
 *
 * Few programs splice, and large answers cost a quarter less. So the first
 * READs are as large as a packet may be. When an answer comes torn, all are
 * made again and from then on so small that an answer, its header, and data
 * that begins within a page are one packet. The pieces that follow the first
 * one are dropped as what they are: packets with an id that no request has.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mod/vufuse/conn_inside.h"

enum {
	MAJOR = 7,
	MINOR_MAX = 38,		/* what is newer has nothing for us */
	MINOR_UNSPLICED = 13,
	MINOR_LONG_INIT = 36,	/* servers of that age expect it all */
	SHORT_INIT = offsetof(struct fuse_init_in, flags) + sizeof(uint32_t),
	PIPE_PAGES = 32,
	WORTH_PAGES = 8,	/* smaller reads cost more than splicing saves */
	SOCKET_OWN = 32,	/* a packet is so much smaller than the buffer */
	READ_LEAST = 4096,
	OFFERED = FUSE_ASYNC_READ | FUSE_BIG_WRITES | FUSE_DO_READDIRPLUS |
		  FUSE_READDIRPLUS_AUTO | FUSE_ASYNC_DIO |
		  FUSE_NO_OPEN_SUPPORT | FUSE_PARALLEL_DIROPS |
		  FUSE_HANDLE_KILLPRIV | FUSE_MAX_PAGES |
		  FUSE_NO_OPENDIR_SUPPORT,
};

/* --- what splice does --- */

/* Fill a pipe page by page, splice it, and see how long the first packet is. */
static size_t first_packet(const int pipe[2], const int sock[2], size_t page)
{
	size_t size = PIPE_PAGES * page;
	char *buf = calloc(1, size), byte;
	ssize_t n = -1;

	if (buf && fcntl(pipe[1], F_SETPIPE_SZ, size) >= (int)size &&
	    write(pipe[1], buf, size) == (ssize_t)size &&
	    splice(pipe[0], NULL, sock[0], NULL, size, SPLICE_F_NONBLOCK) > 0)
		n = recv(sock[1], &byte, 1, MSG_TRUNC | MSG_DONTWAIT);
	free(buf);
	return n > 0 ? n : 0;
}

/* Buffers of a pipe that become one packet; 0: not known. */
static size_t spliced_together(void)
{
	size_t page = sysconf(_SC_PAGESIZE), len = 0;
	int pipe[2], sock[2];

	if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK))
		return 0;
	if (!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
			0, sock)) {
		len = first_packet(pipe, sock, page);
		close(sock[0]);
		close(sock[1]);
	}
	close(pipe[0]);
	close(pipe[1]);
	return len / page;
}

/* --- the offer --- */

static uint32_t at_most(uint32_t n, uint32_t most)
{
	return n < most ? n : most;
}

/* What fits into one packet of a socket with such a buffer. */
static uint32_t payload(int fd)
{
	socklen_t len = sizeof(int);
	int size = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, &len) ||
	    size < READ_LEAST + HEADERS + SOCKET_OWN)
		return READ_LEAST;
	return at_most(size - HEADERS - SOCKET_OWN, PAYLOAD_MAX);
}

/* The server's end was made like this one, and may be as it was made. */
static uint32_t payload_back(void)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	uint32_t size = READ_LEAST;

	if (fd < 0)
		return size;
	size = payload(fd);
	close(fd);
	return size;
}

void hello_prepare(struct conn *c, uint32_t max_read)
{
	size_t together = spliced_together();
	bool splice = together >= WORTH_PAGES;
	uint32_t page = sysconf(_SC_PAGESIZE), size = payload_back();

	if (max_read)
		size = at_most(size, max_read);
	c->limits = (struct conn_limits){
		.minor = splice ? at_most(FUSE_KERNEL_MINOR_VERSION, MINOR_MAX) :
				  MINOR_UNSPLICED,
		.max_read = size < READ_LEAST ? READ_LEAST : size,
		.max_write = payload(c->fd),
		.together = TOGETHER,
	};
	/* a buffer is the header's, and one more is begun within a page */
	c->spliced_read = splice ? at_most(size, (together - 2) * page) : size;
	atomic_store(&c->read_size, c->limits.max_read);
	c->hello_in = (struct fuse_init_in){
		.major = MAJOR, .minor = c->limits.minor,
		.max_readahead = c->limits.max_read, .flags = OFFERED,
	};
	c->hello_ask = (struct ask){
		.opcode = FUSE_INIT,
		.in = { { &c->hello_in, sizeof(c->hello_in) } }, .nin = 1,
		.out = { { &c->hello_out, sizeof(c->hello_out) } }, .nout = 1,
		.least = FUSE_COMPAT_INIT_OUT_SIZE,
	};
	if (c->limits.minor < MINOR_LONG_INIT)
		c->hello_ask.in[0].iov_len = SHORT_INIT;
}

/* --- the answer --- */

/*
 * A server that answers with another major speaks another protocol: there is
 * none older than 7 that we could say INIT in again.
 */
static bool agree(struct conn *c, size_t size)
{
	const struct fuse_init_out *o = &c->hello_out;
	struct conn_limits *l = &c->limits;

	if (o->major != MAJOR)
		return false;
	l->minor = at_most(l->minor, o->minor);
	/* before minor 5 nothing more is said; later all that we need is */
	if (o->minor >= 5 && size < FUSE_COMPAT_22_INIT_OUT_SIZE)
		return false;
	if (o->minor < 5) {
		l->flags = 0;
		l->max_write = READ_LEAST;
		return true;
	}
	l->flags = o->minor < 6 ? 0 : o->flags & OFFERED;
	/* without BIG_WRITES a WRITE is a page at most */
	l->max_write = at_most(l->max_write, o->max_write);
	if (l->max_write < READ_LEAST || !(l->flags & FUSE_BIG_WRITES))
		l->max_write = READ_LEAST;
	return true;
}

void hello_answered(struct conn *c)
{
	if (c->hello.result < 0 || !agree(c, c->hello.result)) {
		conn_die(c);
		return;
	}
	c->settled = true;
	atomic_store(&c->state, CONN_READY);
	conn_wake(c, &c->settled);
}
