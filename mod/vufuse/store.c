/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * What guests have changed is found by comparing: of each block that the
 * server has there is a sum (sums.c), of what it has, not of what we have.
 * Holes of the memfd are blocks of zeros that need not be read.
 *
 * Size. Only the size is known that the file has now, and the one that
 * the server has; it may have been less for a while, and what was cut
 * off then must not come back. It does not: wherever the file was cut and
 * extended again there are zeros now (or new bytes), their sums differ from
 * those of the server's old bytes, and they are written. So a file that
 * is shorter now is cut at the server first, as a write would not do that;
 * one that is longer grows by what is written, or in the end, if it ends
 * with a hole. Much that became a hole at the end is not written as zeros:
 * the server's file is cut there, and extended in the end.
 *
 * A guest can change the file while we read. So it is read by pread(2), never
 * mapped (who touches what was cut off meanwhile gets SIGBUS), and the sum is
 * taken of the buffer that is written: what was changed behind us has another
 * one the next time. There is a next time: that the file was opened for
 * writing is forgotten before reading begins, and only if nobody can write.
 *
 * What failed. A write may have been done in part, an answer may have been
 * lost after the deed. So a block has the sum "unknown", and the size is -1,
 * until a later request has succeeded. That costs a request that may be in
 * vain; to assume that nothing was done would lose data when a guest
 * changes the file back to what it was before.
 */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "mod/vufuse/content_inner.h"
#include "mod/vufuse/memfile.h"

enum { PIECE_BLOCKS = CONTENT_PIECE / SUM_BLOCK };

/* One storing. */
struct store {
	struct content *c;
	struct vu_ctx *ctx;
	const struct content_server *s;
	void *arg;
	off_t size;		/* of the file, when it began */
	char *buf, *zeros;
	bool any;		/* something was sent */
	bool stop;		/* the server, or the caller, is gone */
	int err;		/* the first one */
	uint64_t sum[PIECE_BLOCKS];
};

static void failed(struct store *st, int err)
{
	if (!st->err)
		st->err = err;
	/* one bad spot must not keep the rest from being stored */
	if (err == -ENOTCONN || err == -EINTR || err == -ETIMEDOUT ||
	    err == -ENOMEM)
		st->stop = true;
}

static uint64_t blocks(off_t size)
{
	return ((uint64_t)size + SUM_BLOCK - 1) / SUM_BLOCK;
}

static off_t round_down(off_t off)
{
	return off & ~(off_t)(SUM_BLOCK - 1);
}

static off_t least(off_t a, off_t b)
{
	return a < b ? a : b;
}

/* --- requests, and what is known after them --- */

static void resize(struct store *st, off_t size)
{
	struct content *c = st->c;
	bool cuts = c->server_size < 0 || size < c->server_size;
	int r = st->s->resize(st->arg, st->ctx, size);

	st->any = true;
	if (r) {
		if (cuts)
			sums_doubt(&c->sums, size);
		c->server_size = -1;
		failed(st, r);
		return;
	}
	if (cuts)
		sums_cut(&c->sums, size);
	c->server_size = size;
}

/* sum: of each block of the buffer; NULL: they are zeros */
static void note_written(struct content *c, off_t off, size_t len,
			 const uint64_t *sum)
{
	off_t end = off + len;
	uint64_t first = off / SUM_BLOCK, n = blocks(len);

	for (uint64_t i = 0; i < n; i++)
		sums_set(&c->sums, first + i, sum ? sum[i] : 0);
	/* the server has more of the last block than was written */
	if (len % SUM_BLOCK && (c->server_size < 0 || c->server_size > end))
		sums_set(&c->sums, first + n - 1, SUM_UNKNOWN);
	if (c->server_size >= 0 && c->server_size < end)
		c->server_size = end;
}

static void note_failed(struct content *c, off_t off, size_t len)
{
	uint64_t first = off / SUM_BLOCK, n = blocks(len);

	for (uint64_t i = 0; i < n; i++)
		sums_set(&c->sums, first + i, SUM_UNKNOWN);
	if (c->server_size < off + (off_t)len)
		c->server_size = -1;
}

/* off is that of a block. */
static void send_blocks(struct store *st, off_t off, const char *buf,
			size_t len, const uint64_t *sum)
{
	struct content *c = st->c;
	int r = sums_reserve(&c->sums, off / SUM_BLOCK, blocks(len));

	if (r) {
		failed(st, r);
		return;
	}
	st->any = true;
	r = st->s->write(st->arg, st->ctx, off, buf, len);
	if (r) {
		note_failed(c, off, len);
		failed(st, r);
	} else {
		note_written(c, off, len, sum);
	}
}

/* --- what has changed --- */

/* A piece has been read: send each run of blocks that are not the server's. */
static void store_piece(struct store *st, off_t off, size_t len)
{
	const struct content *c = st->c;
	size_t n = blocks(len), run = 0, i;

	for (i = 0; i < n; i++) {
		size_t at = i * SUM_BLOCK;

		st->sum[i] = sum_of(c->seed, st->buf + at,
				    least(len - at, SUM_BLOCK));
		if (st->sum[i] != sums_get(&c->sums, off / SUM_BLOCK + i))
			continue;
		if (run < i && !st->stop)
			send_blocks(st, off + run * SUM_BLOCK,
				    st->buf + run * SUM_BLOCK,
				    at - run * SUM_BLOCK, st->sum + run);
		run = i + 1;
	}
	if (run < n && !st->stop)
		send_blocks(st, off + run * SUM_BLOCK,
			    st->buf + run * SUM_BLOCK, len - run * SUM_BLOCK,
			    st->sum + run);
}

static void store_data(struct store *st, off_t from, off_t to)
{
	while (from < to && !st->stop) {
		size_t want = least(to - from, CONTENT_PIECE);
		ssize_t n = pread(st->c->fd, st->buf, want, from);

		if (n < 0)
			failed(st, -errno);
		if (n <= 0)
			break;		/* it was cut meanwhile */
		store_piece(st, from, n);
		if ((size_t)n < want)
			break;
		from += n;
	}
}

static bool have_zeros(struct store *st)
{
	if (!st->zeros)
		st->zeros = calloc(1, CONTENT_PIECE);
	if (!st->zeros)
		failed(st, -ENOMEM);
	return st->zeros;
}

/* Nothing but a hole from there on, where the server has much. */
static void cut_tail(struct store *st, off_t from)
{
	const struct content *c = st->c;
	uint64_t end = blocks(st->size);
	uint64_t much = from / SUM_BLOCK + PIECE_BLOCKS;

	if (c->server_size > from && much < end &&
	    sums_next(&c->sums, much, end) < end)
		resize(st, from);
}

/* Zeros for the blocks that the server has something else in. */
static void store_hole(struct store *st, off_t from, off_t to)
{
	const struct sums *sums = &st->c->sums;
	uint64_t end = blocks(to), at, last;

	if (to == st->size)
		cut_tail(st, from);
	at = sums_next(sums, from / SUM_BLOCK, end);
	while (at < end && !st->stop && have_zeros(st)) {
		for (last = at; last < end && last - at < PIECE_BLOCKS; last++)
			if (!sums_get(sums, last))
				break;
		send_blocks(st, at * SUM_BLOCK, st->zeros,
			    least(last * SUM_BLOCK, to) - at * SUM_BLOCK, NULL);
		at = sums_next(sums, last, end);
	}
}

/* Where data (or a hole) begins; the end of what is to be stored: nowhere. */
static off_t seek(const struct store *st, off_t from, int whence)
{
	off_t to = lseek(st->c->fd, from, whence);

	return to < 0 ? st->size : least(to, st->size);
}

/* The end of a part is that of a block, or of the file. */
static off_t round_up(const struct store *st, off_t off)
{
	off_t down = round_down(off);

	if (down == off)
		return off;
	return st->size - down < SUM_BLOCK ? st->size : down + SUM_BLOCK;
}

/*
 * Parts begin where a block does. Guests may be changing what we look for:
 * each turn comes a block further, whatever is found.
 */
static void store_all(struct store *st)
{
	off_t at = 0, data, hole;

	while (at < st->size && !st->stop) {
		data = seek(st, at, SEEK_DATA);
		if (data < st->size)
			data = round_down(data);
		if (data > at)
			store_hole(st, at, data);
		if (data == st->size)
			break;
		hole = seek(st, data, SEEK_HOLE);
		hole = round_up(st, hole > data ? hole : data + 1);
		store_data(st, data, hole);
		at = hole;
	}
}

/* --- the whole of it --- */

/* What is changed from here on is found the next time. */
static bool begin(struct content *c, struct store *st)
{
	bool differs;

	pthread_mutex_lock(&c->lock);
	differs = content_differs(c);
	if (differs) {
		c->opened = memfile_writable(c->fd);
		content_look(c);
		st->size = c->size;
	}
	pthread_mutex_unlock(&c->lock);
	return differs;
}

static void end(struct content *c, const struct store *st)
{
	if (st->err) {
		pthread_mutex_lock(&c->lock);
		c->opened = true;
		pthread_mutex_unlock(&c->lock);
	}
	atomic_store(&c->member.beside, sums_memory(&c->sums));
}

static void store_sizes_and_blocks(struct store *st)
{
	struct content *c = st->c;

	if (c->discard) {
		resize(st, 0);
		if (c->server_size)
			return;		/* its old bytes are still there */
		c->discard = false;
	}
	if (!st->stop && (c->server_size < 0 || st->size < c->server_size))
		resize(st, st->size);
	if (!st->stop)
		store_all(st);
	if (!st->stop && c->server_size >= 0 && c->server_size < st->size)
		resize(st, st->size);
}

static int store(struct store *st)
{
	struct content *c = st->c;

	if (!begin(c, st))
		return 0;
	if (!content_doubt(c))
		st->buf = malloc(st->size < CONTENT_PIECE ?
				 round_down(st->size) + SUM_BLOCK :
				 CONTENT_PIECE);
	if (st->buf)
		store_sizes_and_blocks(st);
	else
		failed(st, -ENOMEM);
	free(st->buf);
	free(st->zeros);
	end(c, st);
	return st->err;
}

int content_store(struct content *c, struct vu_ctx *ctx,
		  const struct content_server *s, void *arg, bool *changed)
{
	struct store st = { .c = c, .ctx = ctx, .s = s, .arg = arg };
	int r;

	pthread_mutex_lock(&c->work);
	r = store(&st);
	pthread_mutex_unlock(&c->work);
	if (changed)
		*changed = st.any;
	return r;
}
