/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What splice from a pipe to a socket of packets makes of the pipe's buffers:
 * never is a packet put together from more than 16 (Linux 6.5 and later; one
 * before), so a FUSE server's answer of a header and more than 15 pages
 * comes in pieces. A header and data that begins within a page, of 14
 * pages in all, are one packet wherever several pages are. What the server
 * splices from the socket is one packet, whatever follows it.
 */
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include "test/lib.h"

enum { PAGES = 24, HEADER = 16, MAX = (PAGES + 1) * 65536 };

static size_t page;
static char buf[MAX];

struct ends {
	int pipe[2], sock[2];
};

static struct ends ends_new(void)
{
	struct ends e;

	expect(pipe2(e.pipe, O_CLOEXEC | O_NONBLOCK) == 0);
	expect(fcntl(e.pipe[1], F_SETPIPE_SZ, 2 * PAGES * page) > 0);
	expect(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC |
			  SOCK_NONBLOCK, 0, e.sock) == 0);
	return e;
}

static void ends_close(struct ends *e)
{
	close(e->pipe[0]);
	close(e->pipe[1]);
	close(e->sock[0]);
	close(e->sock[1]);
}

/*
 * As libfuse answers: a header by vmsplice, then size bytes of a file from
 * off on. Length of the first packet.
 */
static size_t answer(int file, loff_t off, size_t size, size_t *packets)
{
	static char header[HEADER];
	struct iovec iov = { header, sizeof(header) };
	struct ends e = ends_new();
	size_t all = HEADER + size, first = 0;
	ssize_t n;

	expect(vmsplice(e.pipe[1], &iov, 1, SPLICE_F_NONBLOCK) == HEADER);
	while (size) {
		n = splice(file, &off, e.pipe[1], NULL, size, SPLICE_F_NONBLOCK);
		expect(n > 0);
		size -= n;
	}
	expect(splice(e.pipe[0], NULL, e.sock[0], NULL, all,
		      SPLICE_F_NONBLOCK) == (ssize_t)all);
	for (*packets = 0; (n = recv(e.sock[1], buf, sizeof(buf), 0)) > 0;
	     ++*packets) {
		first = first ? first : (size_t)n;
		all -= n;
	}
	expect(all == 0);
	ends_close(&e);
	return first;
}

static void answers(int file)
{
	size_t packets, first = answer(file, 0, 15 * page, &packets);
	size_t together = packets == 1 ? 16 : 1;

	printf("%zu buffers of a pipe are one packet\n", together);
	for (size_t n = 2; n <= 17; n++) {
		first = answer(file, 0, n * page, &packets);
		expect(packets == (n + 1 + together - 1) / together);
		if (packets > 1)
			expect(first == HEADER + (together - 1) * page);
	}
	if (together == 1)
		return;
	expect(answer(file, 5, 14 * page, &packets) == HEADER + 14 * page);
	expect(packets == 1);
	expect(answer(file, 5, 15 * page, &packets) < HEADER + 15 * page);
	expect(packets == 2);
}

/* How the module asks: written pages instead of a file's. */
static void probe(void)
{
	struct ends e = ends_new();
	char byte;
	ssize_t n;

	expect(write(e.pipe[1], buf, 20 * page) == (ssize_t)(20 * page));
	expect(splice(e.pipe[0], NULL, e.sock[0], NULL, 20 * page,
		      SPLICE_F_NONBLOCK) > 0);
	n = recv(e.sock[1], &byte, 1, MSG_TRUNC);
	expect(n == (ssize_t)(16 * page) || n == (ssize_t)page);
	ends_close(&e);
}

static void requests(void)
{
	struct ends e = ends_new();

	expect(send(e.sock[0], buf, 3 * page, 0) == (ssize_t)(3 * page));
	expect(send(e.sock[0], buf, 100, 0) == 100);
	expect(splice(e.sock[1], NULL, e.pipe[1], NULL, 2 * PAGES * page, 0) ==
	       (ssize_t)(3 * page));
	expect(splice(e.sock[1], NULL, e.pipe[1], NULL, PAGES * page, 0) ==
	       100);
	close(e.sock[0]);
	expect(splice(e.sock[1], NULL, e.pipe[1], NULL, page, 0) == 0);
	e.sock[0] = dup(e.pipe[0]);
	ends_close(&e);
}

int main(void)
{
	int file = open(".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	page = sysconf(_SC_PAGESIZE);
	if (file < 0)
		file = memfd_create("file", MFD_CLOEXEC);
	expect(file >= 0);
	for (int i = 0; i < PAGES; i++)
		expect(write(file, buf, page) == (ssize_t)page);
	probe();
	answers(file);
	requests();
	return 0;
}
