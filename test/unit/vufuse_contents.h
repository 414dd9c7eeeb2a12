/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_UNIT_VUFUSE_CONTENTS_H
#define TEST_UNIT_VUFUSE_CONTENTS_H

/* For the tests of contents: a server that is an array of bytes. */

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "mod/vufuse/content.h"
#include "mod/vufuse/sums.h"
#include "test/unit/check.h"

enum { KIB = 1024, MIB = 1024 * KIB, SERVER_MAX = 8 * MIB, BLOCK = SUM_BLOCK };

struct server {
	char *bytes;
	off_t size;
	int reads, writes, resizes;
	size_t written;
	int fail;		/* each request, in per cent */
	int err;		/* with what */
	bool half;		/* what fails is done in part */
	bool all;		/* what fails is done all the same */
	int good;		/* pieces that are read before it fails */
	bool endless;		/* answers reads with zeros, forever */
	bool too_much;		/* reads more than was asked for */
	size_t piece;		/* that it reads at once, 0: some */
	void (*meanwhile)(void *arg);	/* called first in a write */
	void *arg;
};

static unsigned long long dice_state = 1;

static inline unsigned dice(unsigned n)
{
	dice_state *= 6364136223846793005ull;
	dice_state += 1442695040888963407ull;
	return (dice_state >> 33) % n;
}

static inline bool fails(const struct server *s)
{
	return s->fail && (int)dice(100) < s->fail;
}

/* One piece of what is there, or of what is said to be. */
static inline int read_piece(struct server *s, off_t off, size_t len,
			     content_sink *sink, void *sink_arg)
{
	static const char zeros[MIB];

	s->reads++;
	if (s->good)
		s->good--;
	else if (fails(s))
		return -s->err;
	return sink(sink_arg, s->endless ? zeros : s->bytes + off, len);
}

static inline ssize_t server_read(void *arg, struct vu_ctx *ctx, off_t off,
				  size_t len, content_sink *sink,
				  void *sink_arg)
{
	struct server *s = arg;
	size_t piece = s->piece ? s->piece : 14 * BLOCK, done = 0, n;
	size_t there = off < s->size ? s->size - off : 0;
	int err = fails(s) && !s->good ? -s->err : 0;

	(void)ctx;
	if (s->too_much)
		there = ++len;
	else if (s->endless || there > len)
		there = len;
	for (; done < there && !err; done += n) {
		n = there - done < piece ? there - done : piece;
		err = read_piece(s, off + done, n, sink, sink_arg);
	}
	return err ? err : (ssize_t)done;
}

static inline int server_write(void *arg, struct vu_ctx *ctx, off_t off,
			       const void *buf, size_t len)
{
	struct server *s = arg;
	bool fail;

	(void)ctx;
	s->writes++;
	if (s->meanwhile)
		s->meanwhile(s->arg);
	fail = fails(s);
	if (off < 0 || off + (off_t)len > SERVER_MAX)
		return -EFBIG;
	if (fail && !s->all)
		len = s->half ? dice(len + 1) : 0;
	memcpy(s->bytes + off, buf, len);
	if (len && s->size < off + (off_t)len)
		s->size = off + len;
	s->written += len;
	return fail ? -s->err : 0;
}

static inline int server_resize(void *arg, struct vu_ctx *ctx, off_t size)
{
	struct server *s = arg;
	bool fail = fails(s);

	(void)ctx;
	s->resizes++;
	if (size > SERVER_MAX)
		return -EFBIG;
	if (fail && !s->all && (!s->half || dice(2)))
		return -s->err;
	if (size < s->size)
		memset(s->bytes + size, 0, s->size - size);
	s->size = size;
	return fail ? -s->err : 0;
}

static const struct content_server ops = {
	server_read, server_write, server_resize,
};

static inline void server_init(struct server *s, off_t size)
{
	*s = (struct server){ .size = size, .err = EIO };
	s->bytes = calloc(1, SERVER_MAX);
	for (off_t i = 0; i < size; i++)
		s->bytes[i] = dice(256);
}

static inline void server_forget(struct server *s)
{
	s->reads = s->writes = s->resizes = 0;
	s->written = 0;
}

static inline bool same_bytes(struct content *c, const struct server *s)
{
	int fd = content_open(c, O_RDONLY);
	char *all = malloc(SERVER_MAX + 1);
	ssize_t n = pread(fd, all, SERVER_MAX + 1, 0);
	bool same = n == s->size && !memcmp(all, s->bytes, n);

	free(all);
	close(fd);
	return same;
}

static inline int store(struct content *c, struct server *s)
{
	bool changed;
	int r;

	server_forget(s);
	r = content_store(c, NULL, &ops, s, &changed);
	CHECK(changed == (s->writes || s->resizes));
	return r;
}

/* A content that has what a server of that size has. */
static inline struct content *filled(struct content_pool *p, struct server *s,
			      off_t size)
{
	struct content *c = content_new(p, "file");

	server_init(s, size);
	CHECK(!content_fill(c, NULL, &ops, s, size));
	CHECK(content_filled(c) && same_bytes(c, s));
	return c;
}

static inline void done(struct content *c, struct server *s)
{
	content_free(c);
	free(s->bytes);
}

#endif
