/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * What a server has open for us. Bytes are moved by a *transfer*: it is cut
 * into pieces that the server can take, and some of them are in flight
 * together. They are waited for in the order they were begun, so what has
 * been moved is always without a gap; the first piece that fails or is
 * short ends the transfer there. What has been begun behind it is still
 * waited for, since its answer goes into our memory, and is then of no
 * interest; unless it was for want of patience: then all is given up.
 *
 * What is read goes through a ring, which has room for what is in flight. The
 * oldest piece is handed on while the server is at work on the others, and
 * then its room is that of the next one to be asked for: the server has always
 * something to do, however long the file is. Answers that make up a large file
 * are received by a thread of their own meanwhile (pump.c).
 *
 * A short answer to READ is the end of the file, and nothing else may look
 * like one: who fills a content with half a file would store half a file. So
 * an error before the end is the result, whatever was read. A short answer
 * to WRITE is not an error: the rest of the piece is sent again, one request
 * at a time.
 *
 * A server that answers OPEN with -ENOSYS has nothing to open: the file is
 * good without it, and not released.
 *
 * Content is kept here and written at any offset, long after the guest's
 * call. So the server is told only those flags that are true for what we do
 * with its file: no O_APPEND, which would move what we write; no O_DIRECT,
 * as our pieces are aligned to nothing it knows; nothing about the name.
 */
#include "mod/vufuse/ask.h"
#include "mod/vufuse/pump.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>

#define FLAGS_TOLD (O_ACCMODE | O_NONBLOCK | O_SYNC | O_NOATIME)
#define TOGETHER_MAX 16
#define PIECE_LEAST 4096
#define PUMP_LEAST (4 << 20)	/* what is shorter is over before it pays */

/* --- open and release --- */

int ask_open(struct conn *c, struct vu_ctx *ctx, uint32_t opcode,
	     struct file *f)
{
	struct fuse_open_in in = { .flags = f->flags };
	struct fuse_open_out out = { 0 };
	struct ask ask = {
		.opcode = opcode, .node = f->node,
		.in = { ask_part(&in, sizeof(in)) }, .nin = 1,
	};
	int err;

	ask_whole(&ask, &out, sizeof(out));
	err = ask_call(c, ctx, &ask);
	f->none = err == -ENOSYS;
	if (f->none) {
		f->fh = 0;
		f->answer = FOPEN_KEEP_CACHE;
		return 0;
	}
	f->fh = out.fh;
	f->answer = out.open_flags;
	return err;
}

/*
 * Of what was only read nobody waits for the answer, unless there are many of
 * them. What was written is closed when it is said to be: it may be opened
 * by somebody else then.
 */
void ask_release(struct conn *c, struct vu_ctx *ctx, uint32_t opcode,
		 const struct file *f)
{
	struct fuse_release_in in = { .fh = f->fh, .flags = f->flags };
	struct ask ask = {
		.opcode = opcode, .node = f->node,
		.in = { ask_part(&in, sizeof(in)) }, .nin = 1,
	};
	struct flight flight = { 0 };
	int err;

	if (f->none)
		return;
	if ((f->flags & O_ACCMODE) == O_RDONLY &&
	    !conn_post(c, opcode, f->node, &in, sizeof(in)))
		return;
	err = conn_begin(c, ctx, &flight, &ask);
	if (err == -EINTR) {
		flight = (struct flight){ 0 };
		err = conn_begin(c, NULL, &flight, &ask);
	}
	if (!err)
		conn_wait(c, ctx, &flight);
}

int ask_sync(struct conn *c, struct vu_ctx *ctx, uint32_t opcode,
	     const struct file *f, bool data_only)
{
	struct fuse_fsync_in in = {
		.fh = f->fh,
		.fsync_flags = data_only ? FUSE_FSYNC_FDATASYNC : 0,
	};
	struct ask ask = {
		.opcode = opcode, .node = f->node,
		.in = { ask_part(&in, sizeof(in)) }, .nin = 1,
	};
	int err = ask_call(c, ctx, &ask);

	return err == -ENOSYS ? 0 : err;
}

int file_open(struct conn *c, struct vu_ctx *ctx, uint64_t node, uint32_t flags,
	      struct file *f)
{
	*f = (struct file){
		.node = node, .flags = (flags & FLAGS_TOLD) | OPEN_LARGEFILE,
	};
	return ask_open(c, ctx, FUSE_OPEN, f);
}

/* Has CREATE answered nonsense? What it may have made is given back. */
static int check_created(struct conn *c, struct vu_ctx *ctx,
			 const struct file *f, struct fuse_entry_out *e)
{
	int err = ask_check_entry(e, S_IFREG);

	if (!err)
		return 0;
	if (f->node)
		ask_release(c, ctx, FUSE_RELEASE, f);
	ask_give_back(c, e);
	return err;
}

/* Servers hand the flags to open(2): there it takes O_CREAT. */
int file_create(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
		const char *name, uint32_t flags, mode_t mode,
		struct file *f, struct fuse_entry_out *e)
{
	uint32_t told = (flags & FLAGS_TOLD) | OPEN_LARGEFILE;
	struct fuse_create_in in = {
		.flags = told | O_CREAT | (flags & O_EXCL),
		.mode = S_IFREG | (mode & 07777), .umask = ask_umask(ctx),
	};
	size_t size = conn_limits(c)->minor < 12 ?
		      sizeof(struct fuse_open_in) : sizeof(in);
	struct fuse_open_out out = { 0 };
	struct ask ask = {
		.opcode = FUSE_CREATE, .node = dir,
		.in = { ask_part(&in, size), ask_text(name) }, .nin = 2,
	};
	int err;

	ask_for_entry(c, &ask, e);
	ask_whole(&ask, &out, sizeof(out));
	err = ask_call(c, ctx, &ask);
	if (err)
		return err;
	*f = (struct file){
		.node = e->nodeid, .fh = out.fh, .flags = told,
		.answer = out.open_flags,
	};
	return check_created(c, ctx, f, e);
}

int file_sync(struct conn *c, struct vu_ctx *ctx, const struct file *f,
	      bool data_only)
{
	return ask_sync(c, ctx, FUSE_FSYNC, f, data_only);
}

static int flush(struct conn *c, struct vu_ctx *ctx, const struct file *f)
{
	struct fuse_flush_in in = { .fh = f->fh };
	struct ask ask = {
		.opcode = FUSE_FLUSH, .node = f->node,
		.in = { ask_part(&in, sizeof(in)) }, .nin = 1,
	};
	int err = ask_call(c, ctx, &ask);

	return err == -ENOSYS ? 0 : err;
}

/* What was only read has nothing that a FLUSH could bring. */
static bool wants_flush(const struct conn_limits *limits, const struct file *f)
{
	if ((f->flags & O_ACCMODE) == O_RDONLY)
		return false;
	return !(f->answer & FOPEN_NOFLUSH) ||
	       (limits->flags & FUSE_WRITEBACK_CACHE);
}

int file_close(struct conn *c, struct vu_ctx *ctx, struct file *f)
{
	int err = wants_flush(conn_limits(c), f) ? flush(c, ctx, f) : 0;

	ask_release(c, ctx, FUSE_RELEASE, f);
	return err;
}

/* --- transfers --- */

struct piece {
	struct ask ask;
	struct flight flight;
	union {
		struct fuse_read_in read;
		struct fuse_write_in write;
	} in;
	struct fuse_write_out out;
	size_t at, len;		/* in the transfer */
};

struct transfer {
	struct conn *c;
	struct vu_ctx *ctx;
	const struct file *f;
	off_t off;
	char *buf;		/* to write: all of it; to read: the ring */
	size_t len;
	size_t most;		/* of one piece */
	unsigned together;
	unsigned window;	/* of that, for now */
	file_sink *sink;	/* of what is read */
	void *arg;
	/* Make it the request for so many bytes there. */
	void (*fill)(const struct transfer *t, struct piece *p, size_t at,
		     size_t len);
	/* Wait for it. Return: bytes; fewer than p->len or -errno end all */
	ssize_t (*finish)(const struct transfer *t, struct piece *p);

	size_t sent;		/* pieces cover that much */
	unsigned begun, ended;	/* pieces */
	size_t done;		/* without a gap */
	bool over;		/* no more is begun */
	bool gap;		/* what ends now does not count any more */
	bool torn;		/* it ended at an answer that came torn */
	int error;		/* of the first piece that failed */
	struct piece piece[TOGETHER_MAX];
};

static int begin_piece(struct transfer *t)
{
	struct piece *p = &t->piece[t->begun % TOGETHER_MAX];
	size_t len = t->len - t->sent;
	int err;

	if (len > t->most)
		len = t->most;
	*p = (struct piece){ .at = t->sent, .len = len };
	t->fill(t, p, p->at, len);
	err = conn_begin(t->c, t->ctx, &p->flight, &p->ask);
	if (err)
		return err;
	t->begun++;
	t->sent += len;
	return 0;
}

static void begin_pieces(struct transfer *t)
{
	while (!t->over && t->sent < t->len &&
	       t->begun - t->ended < t->window) {
		t->error = begin_piece(t);
		t->over = t->error != 0;
	}
}

static unsigned more_together(const struct transfer *t)
{
	return 2 * t->window < t->together ? 2 * t->window : t->together;
}

/* Has nobody the patience to wait for the others, either? */
static bool is_given_up(const struct transfer *t)
{
	return t->gap && (t->error == -EINTR || t->error == -ETIMEDOUT);
}

static void end_piece(struct transfer *t)
{
	struct piece *p = &t->piece[t->ended++ % TOGETHER_MAX];
	ssize_t n = 0;

	if (is_given_up(t))
		conn_drop(t->c, &p->flight);
	else
		n = t->finish(t, p);
	if (t->gap)
		return;
	if (n > 0)
		t->done += n;
	if (n < (ssize_t)p->len) {
		t->gap = t->over = true;
		t->torn = p->flight.torn;
		t->error = n < 0 ? (int)n : 0;
	} else {
		t->window = more_together(t);
	}
}

static void transfer(struct transfer *t)
{
	if (t->window > t->together)
		t->window = t->together;
	begin_pieces(t);
	while (t->begun != t->ended) {
		end_piece(t);
		begin_pieces(t);
	}
}

static size_t piece_size(uint32_t limit)
{
	return limit ? limit : PIECE_LEAST;
}

static unsigned pieces_together(const struct conn_limits *limits)
{
	if (limits->together < 1)
		return 1;
	return limits->together < TOGETHER_MAX ? limits->together :
						 TOGETHER_MAX;
}

static bool range_valid(off_t off, size_t len)
{
	return off >= 0 && len <= (uint64_t)(INT64_MAX - off);
}

static size_t ring_size(const struct transfer *t)
{
	size_t size = t->most * t->together;

	return t->len < size ? t->len : size;
}

/* Each piece but the last is as long as one can be: none crosses the end. */
static char *ring_place(const struct transfer *t, size_t at)
{
	return t->buf + at % (t->most * t->together);
}

static void fill_read(const struct transfer *t, struct piece *p, size_t at,
		      size_t len)
{
	p->in.read = (struct fuse_read_in){
		.fh = t->f->fh, .offset = t->off + at, .size = len,
		.flags = t->f->flags,
	};
	p->ask = (struct ask){
		.opcode = FUSE_READ, .node = t->f->node,
		.in = { ask_part(&p->in.read, sizeof(p->in.read)) }, .nin = 1,
	};
	ask_upto(&p->ask, ring_place(t, at), len);
}

static ssize_t finish_read(const struct transfer *t, struct piece *p)
{
	ssize_t n = conn_wait(t->c, t->ctx, &p->flight);
	int err = 0;

	if (n > 0 && !t->gap)
		err = t->sink(t->arg, ring_place(t, p->at), n);
	return err ? err : n;
}

static ssize_t read_run(struct transfer *t)
{
	t->buf = malloc(ring_size(t) + 1);
	if (!t->buf)
		return -ENOMEM;
	transfer(t);
	free(t->buf);
	return t->error ? t->error : (ssize_t)t->done;
}

/*
 * A server without FUSE_ASYNC_READ wants them one by one, in their order. One
 * whose answer came torn is asked for less from there on.
 */
static ssize_t read_all(struct transfer t)
{
	const struct conn_limits *limits = conn_limits(t.c);
	struct transfer run;
	size_t done = 0;
	ssize_t n;

	t.together = limits->flags & FUSE_ASYNC_READ ?
		     pieces_together(limits) : 1;
	do {
		run = t;
		run.off += done;
		run.len -= done;
		run.most = piece_size(conn_read_size(t.c));
		n = read_run(&run);
		done += run.done;
	} while (run.torn && conn_read_size(t.c) < run.most);
	return n < 0 ? n : (ssize_t)done;
}

ssize_t file_read(struct conn *c, struct vu_ctx *ctx, const struct file *f,
		  off_t off, size_t len, file_sink *sink, void *arg)
{
	struct transfer t = {
		.c = c, .ctx = ctx, .f = f, .off = off, .len = len,
		/* where the end is not known, do not ask for much behind it */
		.window = len < SSIZE_MAX ? TOGETHER_MAX : 1,
		.sink = sink, .arg = arg,
		.fill = fill_read, .finish = finish_read,
	};
	struct pump pump = { 0 };
	ssize_t n;

	if (!range_valid(off, len))
		return -EINVAL;
	if (len >= PUMP_LEAST && len < SSIZE_MAX)
		pump_start(&pump, c);
	n = read_all(t);
	pump_stop(&pump);
	return n;
}

static void fill_write(const struct transfer *t, struct piece *p, size_t at,
		       size_t len)
{
	size_t size = conn_limits(t->c)->minor < 9 ?
		      FUSE_COMPAT_WRITE_IN_SIZE : sizeof(p->in.write);

	p->in.write = (struct fuse_write_in){
		.fh = t->f->fh, .offset = t->off + at, .size = len,
		.flags = t->f->flags,
	};
	p->out.size = 0;
	p->ask = (struct ask){
		.opcode = FUSE_WRITE, .node = t->f->node,
		.in = { ask_part(&p->in.write, size),
			ask_part(t->buf + at, len) },
		.nin = 2,
	};
	ask_whole(&p->ask, &p->out, sizeof(p->out));
}

static ssize_t finish_write(const struct transfer *t, struct piece *p)
{
	ssize_t err = conn_wait(t->c, t->ctx, &p->flight);
	size_t left = p->len;

	for (;;) {
		if (err < 0)
			return err;
		if (!p->out.size || p->out.size > left)
			return -EIO;
		left -= p->out.size;
		if (!left)
			return p->len;
		fill_write(t, p, p->at + p->len - left, left);
		err = conn_call(t->c, t->ctx, &p->ask);
	}
}

int file_write(struct conn *c, struct vu_ctx *ctx, const struct file *f,
	       off_t off, const void *buf, size_t len)
{
	const struct conn_limits *limits = conn_limits(c);
	struct transfer t = {
		.c = c, .ctx = ctx, .f = f, .off = off, .buf = (char *)buf,
		.len = len, .most = piece_size(limits->max_write),
		.together = pieces_together(limits), .window = TOGETHER_MAX,
		.fill = fill_write, .finish = finish_write,
	};

	if (!range_valid(off, len))
		return -EINVAL;
	transfer(&t);
	return t.error;
}
