/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a FUSE server sends: answers to INIT, to requests and to those that
 * were given up, and notifications.
 *
 * Input: a byte whether INIT is answered well or is part of what follows,
 * then packets, each after two bytes with its length. The requests under way
 * have the numbers 4, 6, ...; INIT has 2.
 *
 * What must hold: an answer is an errno, or as long as its asker said and
 * nothing is written beyond; a listener gets names of one component; the
 * connection lives on, except when INIT was answered badly.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz/fuzz.h"
#include "mod/vufuse/conn_inside.h"

const char fuzz_name[] = "fuse_answers";

enum { FIRST = 16, SECOND = 200, LEAST = 8, PACKET_MAX = 4096 };

static const uint32_t opcode[] = {
	FUSE_GETATTR, FUSE_READ, FUSE_LOOKUP, FUSE_OPEN, FUSE_OPENDIR,
	FUSE_CREATE, FUSE_READDIRPLUS, FUSE_LINK,
};

enum { FLIGHTS = 2 * sizeof(opcode) / sizeof(opcode[0]) };

struct asker {
	struct flight f;
	struct ask a;
	uint8_t first[FIRST + 8], second[SECOND + 8];
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	return 0;
}

static void stale_node(void *arg, uint64_t node, int64_t off, int64_t len)
{
	(void)arg, (void)node, (void)off, (void)len;
}

static void stale_entry(void *arg, uint64_t dir, const char *name)
{
	(void)arg, (void)dir;
	fuzz_check(*name && strlen(name) <= NAME_LONGEST, "%s", name);
	fuzz_check(!strchr(name, '/') && strcmp(name, "..") &&
		   strcmp(name, "."), "%s", name);
}

static const struct conn_listener listener = { stale_node, stale_entry };

/* Half of them were given up. */
static void ask(struct conn *c, struct asker *w, unsigned i)
{
	w->a = (struct ask){
		.opcode = opcode[i / 2], .node = 9, .least = LEAST,
		.out = { { w->first, FIRST }, { w->second, SECOND } },
		.nout = 2,
	};
	memset(w->first, 0xaa, sizeof(w->first));
	memset(w->second, 0xaa, sizeof(w->second));
	pthread_mutex_lock(&c->lock);
	conn_launch(c, &w->f, &w->a);
	if (i % 2) {
		late_remember(c, &w->f);
		conn_settle(c, &w->f, -1);
	}
	pthread_mutex_unlock(&c->lock);
}

static void untouched(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		fuzz_check(bytes[i] == 0xaa, "byte %zu is %x", i, bytes[i]);
}

static void check(const struct asker *w)
{
	ssize_t n = w->f.result;
	size_t used = n > 0 ? n : 0;

	fuzz_check(!w->f.done || n > -512, "%zd", n);
	fuzz_check(n <= 0 || (n >= LEAST && n <= FIRST + SECOND), "%zd", n);
	untouched(w->first + FIRST, 8);
	if (used <= FIRST)
		untouched(w->first + used, FIRST - used);
	used = used > FIRST ? used - FIRST : 0;
	untouched(w->second + used, SECOND + 8 - used);
}

static void init_well(struct conn *c, int fd)
{
	struct {
		struct fuse_out_header h;
		struct fuse_init_out o;
	} answer = {
		{ sizeof(answer), 0, 2 },
		{ .major = 7, .minor = 31, .max_write = 1 << 17 },
	};

	fuzz_check(send(fd, &answer, sizeof(answer), 0) == sizeof(answer),
		   "not sent");
	conn_tick(c);
	fuzz_check(conn_state(c) == CONN_READY, "%d", conn_state(c));
}

static void drain(int fd)
{
	char bytes[16384];

	while (recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
}

static void say(struct conn *c, int fd, struct fuzz_input *in)
{
	size_t len;

	do {
		len = fuzz_byte(in);
		len |= fuzz_byte(in) << 8;
		if (len > in->left)
			len = in->left;
		if (len > PACKET_MAX)
			len = PACKET_MAX;
		if (send(fd, in->data, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
			break;
		in->data += len;
		in->left -= len;
		conn_tick(c);
		drain(fd);
	} while (in->left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct asker asker[FLIGHTS];
	struct fuzz_input in = { data, size };
	bool well = fuzz_byte(&in) & 1;
	struct conn *c;
	int ends[2];

	fuzz_check(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends),
		   "no socket");
	c = conn_new(ends[0]);
	fuzz_check(c, "no memory");
	c->unique = 0;		/* that an input may guess it */
	conn_listen(c, &listener, NULL);
	fuzz_check(!conn_start(c, 0, 0, 0), "not started");
	if (well)
		init_well(c, ends[1]);
	for (unsigned i = 0; well && i < FLIGHTS; i++)
		ask(c, &asker[i], i);
	say(c, ends[1], &in);
	fuzz_check(!well || conn_state(c) == CONN_READY, "it has died");
	for (unsigned i = 0; well && i < FLIGHTS; i++)
		check(&asker[i]);
	close(ends[1]);
	conn_tick(c);
	fuzz_check(conn_state(c) == CONN_DEAD, "%d", conn_state(c));
	conn_put(c);
	return 0;
}
