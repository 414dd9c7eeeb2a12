/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes of open files: many requests in flight, short and hostile answers. */
#include <fcntl.h>
#include <limits.h>

#include "test/unit/vufuse_fake_conn.h"

#define LARGE 0100000		/* O_LARGEFILE as the kernel sends it */
#define SIZE 100000		/* of the server's file */

static struct file open_file(uint32_t flags)
{
	return (struct file){ .node = 9, .fh = 44, .flags = flags };
}

/* --- read --- */

static char byte_at(uint64_t off)
{
	return off * 7 + (off >> 8);
}

/* What of the file's bytes the server gives, or which READ it fails. */
static struct {
	uint64_t size;
	uint64_t fail_at;	/* offset of the request, 0: none */
	int error;
} served;

static ssize_t serve_read(const struct ask *a, char *bytes)
{
	struct fuse_read_in in;
	size_t len = 0;

	memcpy(&in, a->in[0].iov_base, sizeof(in));
	CHECK(a->opcode == FUSE_READ && a->node == 9 && in.fh == 44);
	CHECK(a->out[0].iov_len == in.size && in.flags == O_RDONLY);
	CHECK(in.size <= fake.limits.max_read || !fake.limits.max_read);
	if (served.fail_at && in.offset == served.fail_at)
		return served.error;
	for (; len < in.size && in.offset + len < served.size; len++)
		bytes[len] = byte_at(in.offset + len);
	return len;
}

static bool bytes_are(const char *buf, uint64_t off, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (buf[i] != byte_at(off + i))
			return false;
	return true;
}

/* Takes what is read, and looks at it. */
static struct {
	uint64_t off;
	size_t taken;
	unsigned pieces, refuse;	/* the piece with that number */
	const void *place[SIZE];	/* where the pieces were */
} sink;

static int take(void *arg, const void *bytes, size_t len)
{
	CHECK(arg == &sink && len > 0);
	CHECK(bytes_are(bytes, sink.off + sink.taken, len));
	sink.place[sink.pieces++] = bytes;
	if (sink.pieces == sink.refuse)
		return -ENOSPC;
	sink.taken += len;
	return 0;
}

/* Return: what file_read says */
static ssize_t read_as(struct conn *c, off_t off, size_t len,
		       ssize_t (*serve)(const struct ask *a, char *bytes))
{
	struct file f = open_file(O_RDONLY);
	ssize_t n;

	sink.off = off;
	sink.taken = sink.pieces = 0;
	c->serve = serve;
	n = file_read(c, GUEST, &f, off, len, take, &sink);
	CHECK(n <= (ssize_t)len && (n < 0 || (size_t)n == sink.taken));
	CHECK(c->in_flight == 0);
	return n;
}

static ssize_t read_at(struct conn *c, off_t off, size_t len)
{
	return read_as(c, off, len, serve_read);
}

static void reads_in_pieces(void)
{
	static const struct {
		off_t off;
		size_t len;
		ssize_t want;
		unsigned requests, together;
	} try[] = {
		{ 0, 0, 0, 0, 0 }, { 0, 1, 1, 1, 1 },
		{ 5, 8192, 8192, 1, 1 }, { 5, 8193, 8193, 2, 2 },
		{ 1, 65536, 65536, 8, 4 }, { 0, SIZE, SIZE, 13, 4 },
		{ SIZE - 10, 10, 10, 1, 1 }, { SIZE - 10, 11, 10, 1, 1 },
		{ SIZE, 100, 0, 1, 1 }, { SIZE - 9000, 16384, 9000, 2, 2 },
	};

	for (size_t i = 0; i < sizeof(try) / sizeof(try[0]); i++) {
		struct conn *c = fake_new();

		served.size = SIZE;
		CHECK(read_at(c, try[i].off, try[i].len) == try[i].want);
		CHECK(c->nsent == try[i].requests);
		CHECK(c->most_in_flight == try[i].together);
	}
}

/* Behind the end no more is asked than was in flight already. */
static void stops_at_the_end(void)
{
	struct conn *c = fake_new();

	served.size = 8192 + 100;
	CHECK(read_at(c, 0, 1 << 20) == 8192 + 100);
	CHECK(c->nsent == 5);
	c = fake_new();
	served.size = 8192;
	CHECK(read_at(c, 0, 1 << 20) == 8192);
	served.size = SIZE;
}

/* The file has a hole in what the server gives: it ends there. */
static ssize_t serve_short(const struct ask *a, char *bytes)
{
	ssize_t len = serve_read(a, bytes);
	struct fuse_read_in in;

	memcpy(&in, a->in[0].iov_base, sizeof(in));
	return in.offset == 16384 ? 3 : len;
}

static void takes_a_short_answer_for_the_end(void)
{
	CHECK(read_as(fake_new(), 0, 65536, serve_short) == 16384 + 3);
}

static uint32_t asked(unsigned n)
{
	struct fuse_read_in in;

	memcpy(&in, fake.sent[n].bytes, sizeof(in));
	return in.size;
}

/* However much is read: the memory is that of what is in flight. */
static void goes_round(void)
{
	struct conn *c = fake_new();

	CHECK(read_at(c, 5, 75003) == 75003 && c->nsent == 10);
	CHECK(c->most_in_flight == 4 && sink.pieces == 10);
	for (unsigned i = 0; i < 9; i++)
		CHECK(asked(i) == 8192);
	CHECK(asked(9) == 75003 - 9 * 8192);
	for (unsigned i = 4; i < 10; i++)
		CHECK(sink.place[i] == sink.place[i - 4]);
}

/* Where the end is not known, little is asked for behind it. */
static void finds_the_end(void)
{
	struct conn *c = fake_new();

	served.size = 100;
	CHECK(read_at(c, 0, SSIZE_MAX) == 100 && c->nsent == 1);
	c = fake_new();
	served.size = 8192;
	CHECK(read_at(c, 0, SSIZE_MAX) == 8192 && c->nsent == 3);
	c = fake_new();
	served.size = SIZE;
	CHECK(read_at(c, 0, SSIZE_MAX) == SIZE && c->nsent <= 13 + 4);
	CHECK(c->most_in_flight == 4);
	c = fake_new();
	served.size = 0;
	CHECK(read_at(c, 0, SSIZE_MAX) == 0 && c->nsent == 1);
	served.size = SIZE;
}

/* Who takes it has had enough: what is in flight is waited for. */
static void sink_ends_it(void)
{
	for (unsigned i = 1; i <= 8; i++) {
		struct conn *c = fake_new();

		sink.refuse = i;
		CHECK(read_at(c, 0, 65536) == -ENOSPC);
		CHECK(sink.pieces == i && sink.taken == (i - 1) * 8192);
		CHECK(c->nsent == (i + 3 < 8 ? i + 3 : 8));
	}
	sink.refuse = 0;
}

/* Never is a failure taken for the end of the file. */
static void fails_to_read(void)
{
	struct conn *c = fake_new();

	served.error = -EIO;
	served.fail_at = 16384;
	CHECK(read_at(c, 0, 65536) == -EIO && c->nsent == 6);
	served.size = 10000;		/* the end is before */
	c = fake_new();
	CHECK(read_at(c, 0, 65536) == 10000);
	served.size = SIZE;
	served.fail_at = 0;
	c = fake_new();
	c->begin_fails = 3;
	c->begin_error = -ENOTCONN;
	CHECK(read_at(c, 0, 65536) == -ENOTCONN && c->nsent == 2);
	served.size = 10000;
	c = fake_new();
	c->begin_fails = 3;
	c->begin_error = -ENOTCONN;
	CHECK(read_at(c, 0, 65536) == 10000);
	served.size = SIZE;
}

/* The caller is gone, or has waited enough: not once more for each piece. */
static void gives_up_at_once(void)
{
	static const int error[] = { -EINTR, -ETIMEDOUT, -ENOTCONN };

	served.fail_at = 16384;
	for (int i = 0; i < 3; i++) {
		struct conn *c = fake_new();

		served.error = error[i];
		CHECK(read_at(c, 0, 65536) == error[i]);
		CHECK(c->nsent == 6 && sink.pieces == 2);
		CHECK(c->dropped == (i < 2 ? 3 : 0));
	}
	served.fail_at = 0;
}

static ssize_t serve_too_much(const struct ask *a, char *bytes)
{
	memset(bytes, 0, a->out[0].iov_len + 1);
	return a->out[0].iov_len + 1;
}

static void refuses_too_much(void)
{
	CHECK(read_as(fake_new(), 0, 100, serve_too_much) == -EIO);
	CHECK(!sink.pieces);
}

static void keeps_to_the_limits(void)
{
	struct conn *c = fake_new();

	c->limits.flags = 0;	/* no FUSE_ASYNC_READ */
	CHECK(read_at(c, 0, 65536) == 65536 && c->most_in_flight == 1);
	c = fake_new();
	c->limits.together = 0;
	CHECK(read_at(c, 0, 65536) == 65536 && c->most_in_flight == 1);
	c = fake_new();
	c->limits.together = 9;
	CHECK(read_at(c, 0, SIZE) == SIZE && c->most_in_flight == 9);
	c = fake_new();
	c->limits.together = UINT32_MAX;
	c->limits.max_read = 0;
	CHECK(read_at(c, 0, SIZE) == SIZE && c->most_in_flight == 16);
	CHECK(c->nsent == (SIZE + 4095) / 4096);
}

/* From the first torn answer on it asks for less, and gets all. */
static void asks_again_for_less(void)
{
	struct conn *c = fake_new();

	c->torn_size = c->less = 5000;
	CHECK(read_at(c, 3, 60000) == 60000 && c->torn);
	CHECK(asked(0) == 8192 && c->nsent == 4 + 12);
	CHECK(asked(4) == 5000 && asked(15) == 5000);
	CHECK(read_at(c, 0, 10000) == 10000 && c->nsent == 16 + 2);
	/* one whose small answers come torn as well */
	c = fake_new();
	c->torn_size = 3000;
	c->less = 4000;
	CHECK(read_at(c, 0, 60000) == -EIO && c->nsent == 4 + 4);
}

static void refuses_impossible_ranges(void)
{
	struct conn *c = fake_new();
	struct file f = open_file(O_RDWR);
	char byte = 0;

	CHECK(read_at(c, -1, 1) == -EINVAL);
	CHECK(read_at(c, INT64_MAX, 1) == -EINVAL);
	CHECK(file_read(c, GUEST, &f, 0, SIZE_MAX, take, &sink) == -EINVAL);
	CHECK(file_write(c, GUEST, &f, INT64_MIN, &byte, 1) == -EINVAL);
	CHECK(file_write(c, GUEST, &f, INT64_MAX - 1, &byte, 2) == -EINVAL);
	CHECK(c->nsent == 0);
}

/* --- write --- */

static struct {
	char bytes[SIZE];
	uint32_t most;		/* taken of one request, 0: all */
	uint32_t more;		/* claimed above that */
	uint64_t fail_at;
	size_t header;
} stored;

static ssize_t serve_write(const struct ask *a, char *bytes)
{
	struct fuse_write_in in = { 0 };
	struct fuse_write_out out = { 0 };

	memcpy(&in, a->in[0].iov_base, a->in[0].iov_len);
	CHECK(a->opcode == FUSE_WRITE && a->node == 9 && in.fh == 44);
	CHECK(a->in[0].iov_len == stored.header && in.write_flags == 0);
	CHECK(a->in[1].iov_len == in.size && in.size <= 8192);
	if (stored.fail_at && in.offset == stored.fail_at)
		return -ENOSPC;
	out.size = stored.most && in.size > stored.most ? stored.most : in.size;
	CHECK(in.offset + in.size <= SIZE);
	memcpy(stored.bytes + in.offset, a->in[1].iov_base, out.size);
	out.size += stored.more;
	memcpy(bytes, &out, sizeof(out));
	return sizeof(out);
}

static struct conn *new_store(void)
{
	struct conn *c = fake_new();

	memset(&stored, 0, sizeof(stored));
	stored.header = sizeof(struct fuse_write_in);
	c->serve = serve_write;
	return c;
}

static int write_at(struct conn *c, off_t off, size_t len)
{
	struct file f = open_file(O_WRONLY | LARGE);
	char *buf = malloc(len + 1);
	int err;

	for (size_t i = 0; i < len; i++)
		buf[i] = byte_at(off + i);
	err = file_write(c, GUEST, &f, off, buf, len);
	CHECK(c->in_flight == 0);
	free(buf);
	return err;
}

static void writes_in_pieces(void)
{
	struct conn *c = new_store();
	struct fuse_write_in in;

	CHECK(write_at(c, 0, 0) == 0 && c->nsent == 0);
	CHECK(write_at(c, 3, 5) == 0 && c->nsent == 1);
	memcpy(&in, fake.sent[0].bytes, sizeof(in));
	CHECK(in.offset == 3 && in.size == 5 && in.lock_owner == 0);
	CHECK(in.flags == (O_WRONLY | LARGE));
	CHECK(bytes_are(stored.bytes + 3, 3, 5) && !stored.bytes[8]);
	CHECK(write_at(c, 1, SIZE - 1) == 0);
	CHECK(bytes_are(stored.bytes + 1, 1, SIZE - 1));
	CHECK(c->nsent == 1 + 13 && c->most_in_flight == 4);
}

static void goes_on_after_short_writes(void)
{
	struct conn *c = new_store();

	stored.most = 3000;
	CHECK(write_at(c, 0, SIZE) == 0);
	CHECK(bytes_are(stored.bytes, 0, SIZE));
	CHECK(c->nsent == 12 * 3 + 1);
	CHECK(c->most_in_flight <= 4);
}

static void refuses_counts_that_cannot_be(void)
{
	static const uint32_t more[] = { 1, UINT32_MAX, -8192u };

	for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
		struct conn *c = new_store();

		stored.more = more[i];	/* one more, one less, none at all */
		CHECK(write_at(c, 0, 8192) == -EIO);
		CHECK(c->nsent <= 2);
	}
}

static void fails_to_write(void)
{
	struct conn *c = new_store();

	stored.fail_at = 16384;
	CHECK(write_at(c, 0, SIZE) == -ENOSPC);
	CHECK(c->nsent == 6);
	CHECK(bytes_are(stored.bytes, 0, 16384));
	c = new_store();
	stored.most = 8000;
	stored.fail_at = 8000;		/* the rest of the first piece */
	CHECK(write_at(c, 0, SIZE) == -ENOSPC);
	c = new_store();
	c->begin_fails = 2;
	c->begin_error = -EINTR;
	CHECK(write_at(c, 0, SIZE) == -EINTR);
	CHECK(c->nsent == 1 && bytes_are(stored.bytes, 0, 8192));
}

static void writes_to_old_servers(void)
{
	struct conn *c = new_store();

	c->limits.minor = 8;
	stored.header = FUSE_COMPAT_WRITE_IN_SIZE;
	stored.most = 5000;
	CHECK(write_at(c, 0, 20000) == 0);
	CHECK(bytes_are(stored.bytes, 0, 20000));
}

int main(void)
{
	reads_in_pieces();
	stops_at_the_end();
	takes_a_short_answer_for_the_end();
	goes_round();
	finds_the_end();
	sink_ends_it();
	fails_to_read();
	gives_up_at_once();
	refuses_too_much();
	keeps_to_the_limits();
	asks_again_for_less();
	refuses_impossible_ranges();
	writes_in_pieces();
	goes_on_after_short_writes();
	refuses_counts_that_cannot_be();
	fails_to_write();
	writes_to_old_servers();
	return failures != 0;
}
