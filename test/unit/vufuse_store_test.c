/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Storing: in the end the server has what the guests have, whatever they did
 * and whatever failed. With the argument `bench` it prints how fast it is.
 */
#include <time.h>

#include "test/unit/vufuse_contents.h"

/* --- storing --- */

static void stores_what_changed(struct content_pool *p)
{
	struct server s;
	struct content *c = filled(p, &s, 3 * MIB + 100);
	int w = content_open(c, O_RDWR);

	CHECK(!store(c, &s) && !s.writes && !s.resizes);
	CHECK(pwrite(w, "12345", 5, BLOCK - 2) == 5);
	CHECK(pwrite(w, "x", 1, 2 * MIB) == 1);
	CHECK(!store(c, &s) && s.writes == 2 && s.written == 3 * BLOCK);
	CHECK(pwrite(w, "end", 3, 3 * MIB + 100) == 3);
	CHECK(!store(c, &s) && s.writes == 1 && !s.resizes && s.written == 103);
	CHECK(!ftruncate(w, 4 * MIB));
	CHECK(!store(c, &s) && !s.writes && s.resizes == 1);
	CHECK(same_bytes(c, &s));
	CHECK(!fallocate(w, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, BLOCK,
			 2 * BLOCK));
	CHECK(!store(c, &s) && s.writes == 1 && s.written == 2 * BLOCK);
	CHECK(same_bytes(c, &s));
	CHECK(!ftruncate(w, 10) && !store(c, &s) && s.resizes == 1);
	CHECK(s.written <= 10 && same_bytes(c, &s));
	close(w);
	done(c, &s);
}

/* Cut and written again between two stores: nothing old comes back. */
static void nothing_comes_back(struct content_pool *p)
{
	struct server s;
	struct content *c = filled(p, &s, 5 * MIB + 123);
	int w = content_open(c, O_RDWR);

	CHECK(!ftruncate(w, 0) && pwrite(w, "new", 3, 5 * MIB) == 3);
	CHECK(!ftruncate(w, 5 * MIB + 123));
	CHECK(!store(c, &s) && same_bytes(c, &s));
	CHECK(pwrite(w, "old", 3, 77) == 3 && !store(c, &s));
	CHECK(!content_truncate(c, 0) && !content_truncate(c, 5 * MIB + 123));
	CHECK(!store(c, &s) && s.resizes == 2 && !s.writes);
	CHECK(same_bytes(c, &s));
	close(w);
	done(c, &s);
}

/* O_TRUNC of a file that was never read. */
static void truncated_unread(struct content_pool *p)
{
	struct content *c = content_new(p, "file");
	struct server s;
	int w;

	server_init(&s, MIB);
	CHECK(content_truncate(c, 5) == -EINVAL);
	CHECK(!content_truncate(c, 0) && content_filled(c));
	w = content_open(c, O_WRONLY);
	CHECK(pwrite(w, "x", 1, 6000) == 1);
	s.fail = 100;
	CHECK(store(c, &s) == -EIO && !s.writes);
	s.fail = 0;
	CHECK(!store(c, &s) && same_bytes(c, &s) && s.size == 6001);
	CHECK(pwrite(w, "y", 1, 0) == 1 && !store(c, &s) && !s.resizes);
	CHECK(same_bytes(c, &s));
	close(w);
	CHECK(!s.reads);
	done(c, &s);
}

/* A file of 2^62 bytes, with one of them: it costs nothing to look at. */
static void huge_and_sparse(struct content_pool *p)
{
	struct server s;
	struct content *c = filled(p, &s, 9000);
	int w = content_open(c, O_RDWR);

	CHECK(!content_truncate(c, INT64_MAX));
	CHECK(pwrite(w, "x", 1, 1ll << 62) == 1);
	CHECK(store(c, &s) == -EFBIG && s.writes == 1 && s.resizes <= 2);
	CHECK(content_pool_used(p) < 64 * KIB);
	CHECK(!content_truncate(c, 9000) && !store(c, &s));
	CHECK(same_bytes(c, &s));
	close(w);
	done(c, &s);
}

struct cutter {
	int w;
	char *map;
};

static void cut_meanwhile(void *arg)
{
	struct cutter *k = arg;

	CHECK(!ftruncate(k->w, 5000));
	k->map[0]++;
}

/* While it is stored, the guest cuts it and goes on writing. */
static void changed_meanwhile(struct content_pool *p)
{
	struct server s;
	struct content *c = filled(p, &s, 4 * MIB);
	struct cutter k = { .w = content_open(c, O_RDWR) };
	char *new = malloc(4 * MIB);

	memset(new, 'n', 4 * MIB);
	CHECK(pwrite(k.w, new, 4 * MIB, 0) == 4 * MIB);
	k.map = mmap(NULL, BLOCK, PROT_READ | PROT_WRITE, MAP_SHARED, k.w, 0);
	s.meanwhile = cut_meanwhile;
	s.arg = &k;
	CHECK(!store(c, &s));
	s.meanwhile = NULL;
	CHECK(!store(c, &s) && same_bytes(c, &s) && s.size == 5000);
	munmap(k.map, BLOCK);
	close(k.w);
	free(new);
	done(c, &s);
}

/* A bad spot does not keep the rest; a server that is gone is left alone. */
static void failing_server(struct content_pool *p)
{
	struct server s;
	struct content *c = filled(p, &s, MIB);
	int w = content_open(c, O_RDWR);

	for (int i = 0; i < 10; i++)
		CHECK(pwrite(w, "new", 3, i * 10 * BLOCK) == 3);
	close(w);
	s.fail = 100;
	CHECK(store(c, &s) == -EIO && s.writes == 10);
	CHECK(content_maybe_changed(c));
	s.err = ENOTCONN;
	CHECK(store(c, &s) == -ENOTCONN && s.writes == 1);
	s.fail = 0;
	CHECK(!store(c, &s) && s.writes == 10 && same_bytes(c, &s));
	CHECK(!content_maybe_changed(c));
	done(c, &s);
}

/* The answer said that it failed, but it was done. */
static void failed_but_done(struct content_pool *p)
{
	struct server s;
	struct content *c = filled(p, &s, MIB);
	int w = content_open(c, O_RDWR);
	char *old = malloc(MIB);

	memcpy(old, s.bytes, MIB);
	s.fail = 100;
	s.all = true;
	CHECK(!ftruncate(w, 10000) && store(c, &s) == -EIO && s.size == 10000);
	CHECK(pwrite(w, old, MIB, 0) == MIB);
	s.fail = 0;
	CHECK(!store(c, &s) && same_bytes(c, &s));

	s.fail = 100;
	s.err = EINTR;
	CHECK(pwrite(w, "x", 1, MIB + 10) == 1 && store(c, &s) == -EINTR);
	CHECK(s.size == MIB + 11 && !ftruncate(w, MIB));
	s.fail = 0;
	CHECK(!store(c, &s) && same_bytes(c, &s) && s.size == MIB);
	free(old);
	close(w);
	done(c, &s);
}

static void recover(void *arg)
{
	struct server *s = arg;

	s->fail = 0;
}

/* It could not be cut, and what was written was a part of a block there. */
static void failed_to_cut(struct content_pool *p)
{
	struct server s;
	struct content *c = filled(p, &s, MIB);
	int w = content_open(c, O_RDWR);

	s.fail = 100;
	s.meanwhile = recover;
	s.arg = &s;
	CHECK(!ftruncate(w, 10000) && store(c, &s) == -EIO);
	CHECK(s.size == MIB && s.writes > 0 && s.written > 0);
	CHECK(!ftruncate(w, MIB));
	CHECK(!store(c, &s) && same_bytes(c, &s));
	close(w);
	done(c, &s);
}

/* --- whatever comes --- */

static char random_bytes[256 * KIB];

static void random_write(int w, off_t size)
{
	size_t len = dice(dice(4) ? 3 * BLOCK : sizeof(random_bytes) / 2);
	off_t at = dice(2) ? dice(2 * MIB) : dice(size + 1);

	memset(random_bytes, dice(3) ? dice(256) : 0, sizeof(random_bytes));
	CHECK(pwrite(w, random_bytes, len, at) == (ssize_t)len);
}

static void random_map(int w, off_t size)
{
	char *map;

	if (!size)
		return;
	map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, w, 0);
	for (int i = dice(5); i >= 0; i--)
		map[dice(size)] = dice(4);
	munmap(map, size);
}

static void random_size(struct content *c, int w, off_t size)
{
	off_t to = dice(3) ? dice(3 * MIB) : dice(2) ? 0 :
		   dice(size + 1) & ~(BLOCK - 1);

	if (dice(2))
		CHECK(!content_truncate(c, to));
	else
		CHECK(!ftruncate(w, to));
	if (dice(2))
		CHECK(!ftruncate(w, size));
}

static void random_hole(int w, off_t size)
{
	off_t from = dice(size + 1);

	CHECK(!fallocate(w, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, from,
			 dice(MIB) + 1));
	if (!dice(4) && size)
		CHECK(!fallocate(w, FALLOC_FL_ZERO_RANGE, 0, dice(size) + 1) ||
		      errno == EOPNOTSUPP);
}

/* What the file once was, to come back to: sums are then those of before. */
struct past {
	char *bytes;
	ssize_t n;
};

static void random_past(int w, struct past *past)
{
	if (dice(2)) {
		past->n = pread(w, past->bytes, SERVER_MAX, 0);
	} else if (past->n >= 0) {
		CHECK(!ftruncate(w, dice(2) ? 0 : past->n));
		CHECK(pwrite(w, past->bytes, past->n, 0) == past->n);
	}
}

/* Now and then: all must be as it is here, with a server that works. */
static bool checked(struct content *c, struct server *s)
{
	s->fail = 0;
	CHECK(!store(c, s));
	return same_bytes(c, s);
}

static void random_store(struct content *c, struct server *s)
{
	s->fail = dice(2) ? dice(100) : 0;
	s->half = dice(2);
	s->err = dice(4) ? EIO : EINTR;
	CHECK(!store(c, s) || s->fail);
}

static void random_step(struct content *c, struct server *s, int w,
			struct past *past)
{
	struct stat st;

	fstat(w, &st);
	switch (dice(7)) {
	case 0: case 1:
		random_write(w, st.st_size);
		break;
	case 2:
		random_map(w, st.st_size);
		break;
	case 3:
		random_size(c, w, st.st_size);
		break;
	case 4:
		random_hole(w, st.st_size);
		break;
	case 5:
		random_past(w, past);
		break;
	default:
		random_store(c, s);
	}
}

static void anything(struct content_pool *p, unsigned seed, int steps)
{
	struct past past = { malloc(SERVER_MAX), -1 };
	struct server s;
	struct content *c;
	int w;

	dice_state = seed;
	c = filled(p, &s, dice(2 * MIB));
	w = content_open(c, O_RDWR);
	for (int i = 0; i < steps; i++) {
		random_step(c, &s, w, &past);
		if (dice(40))
			continue;
		if (!checked(c, &s)) {
			printf("not ok seed %u, step %d\n", seed, i);
			failures++;
			break;
		}
		close(w);
		CHECK(checked(c, &s) && !content_maybe_changed(c));
		w = content_open(c, O_RDWR);
	}
	CHECK(checked(c, &s));
	close(w);
	free(past.bytes);
	done(c, &s);
}

/* --- how fast --- */

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

enum { BENCH_SIZE = 256 * MIB };

static char bench_bytes[4 * MIB];

static ssize_t bench_read(void *arg, struct vu_ctx *ctx, off_t off, size_t len,
			  content_sink *sink, void *sink_arg)
{
	size_t at, n;

	(void)arg;
	(void)ctx;
	for (at = 0; at < len; at += n) {
		n = len - at < 14 * BLOCK ? len - at : 14 * BLOCK;
		CHECK(!sink(sink_arg, bench_bytes + (off + at) %
			    (sizeof(bench_bytes) - 14 * BLOCK), n));
	}
	return len;
}

static void bench_report(const char *what, double t)
{
	printf("%s: %.0f ms, %.2f GB/s\n", what, t * 1e3, BENCH_SIZE / t / 1e9);
}

static void bench(void)
{
	static const struct content_server fast = { .read = bench_read };
	struct content_pool *p = content_pool_new(2ull * BENCH_SIZE);
	struct content *c = content_new(p, "bench");
	char *to = malloc(BENCH_SIZE);
	double t;

	memset(bench_bytes, 'b', sizeof(bench_bytes));
	for (int i = 0; i < 3; i++) {
		t = now();
		CHECK(!content_fill(c, NULL, &fast, NULL, BENCH_SIZE));
		bench_report("fill", now() - t);
		close(content_open(c, O_RDWR));
		t = now();
		CHECK(!content_store(c, NULL, &fast, NULL, NULL));
		bench_report("store, nothing changed", now() - t);
		t = now();
		for (size_t n = 0; n < BENCH_SIZE; n += MIB)
			memcpy(to + n, bench_bytes, MIB);
		bench_report(i ? "memcpy" : "memcpy, first touch", now() - t);
	}
	t = now();
	for (int i = 0; i < 100000; i++)
		content_maybe_changed(c);
	printf("maybe_changed: %.2f us\n", (now() - t) * 10);
	t = now();
	for (int i = 0; i < 100000; i++)
		content_used(c);
	printf("used: %.2f us\n", (now() - t) * 10);
	free(to);
	content_free(c);
	content_pool_free(p);
}

int main(int argc, char **argv)
{
	struct content_pool *p;

	if (argc > 1 && !strcmp(argv[1], "bench")) {
		bench();
		return failures != 0;
	}
	p = content_pool_new(256 * MIB);
	stores_what_changed(p);
	nothing_comes_back(p);
	truncated_unread(p);
	huge_and_sparse(p);
	changed_meanwhile(p);
	failing_server(p);
	failed_but_done(p);
	failed_to_cut(p);
	for (unsigned seed = 1; seed <= 12; seed++)
		anything(p, seed, 500);
	CHECK(content_pool_used(p) == 0);
	content_pool_free(p);
	return failures != 0;
}
