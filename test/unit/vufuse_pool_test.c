/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bounds of what all contents take, and the sums of their blocks. */
#include <sys/resource.h>

#include "mod/vufuse/pool.h"
#include "test/unit/vufuse_contents.h"

/* --- the pool --- */

struct others {
	struct content *c[8];
	int n, asked;
};

static bool evict(void *arg)
{
	struct others *o = arg;

	o->asked++;
	if (!o->n)
		return false;
	content_free(o->c[--o->n]);
	return true;
}

static void pool_is_bounded(void)
{
	struct content_pool *p = content_pool_new(4 * MIB);
	struct others o = { 0 };
	struct server s, t;
	struct content *c;

	CHECK(content_pool_max(p) == 4 * MIB && content_pool_used(p) == 0);
	for (int i = 0; i < 3; i++, free(s.bytes))
		o.c[o.n++] = filled(p, &s, MIB);
	CHECK(content_pool_used(p) >= 3 * MIB);
	CHECK(content_pool_used(p) < 3 * MIB + 64 * KIB);
	c = content_new(p, "more");
	server_init(&t, 3 * MIB);
	CHECK(content_fill(c, NULL, &ops, &t, t.size) == -ENOSPC && !t.reads);
	content_pool_evictor(p, evict, &o);
	CHECK(content_fill(c, NULL, &ops, &t, 5 * MIB) == -ENOSPC && !o.asked);
	CHECK(!content_fill(c, NULL, &ops, &t, t.size));
	CHECK(o.n == 1 && o.asked == 2 && same_bytes(c, &t));
	CHECK(!content_fill(c, NULL, &ops, &t, t.size));	/* its own */
	t.endless = true;
	CHECK(content_fill(c, NULL, &ops, &t, -1) == -ENOSPC);
	CHECK(content_pool_used(p) == (uint64_t)o.n * MIB);
	t.endless = false;
	t.size = 2 * MIB;	/* known when it is there, and no more is taken */
	CHECK(!content_fill(c, NULL, &ops, &t, -1) && same_bytes(c, &t));
	CHECK(content_pool_used(p) == (2 + (uint64_t)o.n) * MIB);
	CHECK(!content_fill(c, NULL, &ops, &t, t.size));
	while (o.n)
		content_free(o.c[--o.n]);
	done(c, &t);
	content_pool_free(p);
}

/* What a guest writes counts as soon as somebody needs room. */
static void guests_take_room(void)
{
	struct content_pool *p = content_pool_new(4 * MIB);
	struct server s, t;
	struct content *c = filled(p, &s, 0), *d = content_new(p, "other");
	int w = content_open(c, O_RDWR);
	char *much = calloc(1, 4 * MIB);

	memset(much, 1, 4 * MIB);
	CHECK(write(w, much, 4 * MIB) == 4 * MIB);
	CHECK(content_pool_used(p) == 4 * MIB);
	server_init(&t, MIB);
	CHECK(content_fill(d, NULL, &ops, &t, MIB) == -ENOSPC);
	CHECK(!ftruncate(w, 0) && !content_fill(d, NULL, &ops, &t, MIB));
	free(much);
	close(w);
	done(c, &s);
	done(d, &t);
	content_pool_free(p);
}

static void descriptors_are_bounded(void)
{
	struct rlimit old, low;
	struct content_pool *p;
	struct others o = { 0 };
	struct server s;
	struct content *c;

	getrlimit(RLIMIT_NOFILE, &old);
	low = (struct rlimit){ 16, old.rlim_max };
	setrlimit(RLIMIT_NOFILE, &low);
	p = content_pool_new(0);
	setrlimit(RLIMIT_NOFILE, &old);
	content_pool_evictor(p, evict, &o);
	while (o.n < 8)
		o.c[o.n++] = content_new(p, "one");
	c = content_new(p, "too many");
	CHECK(c && !o.asked);
	server_init(&s, 0);
	CHECK(!content_fill(c, NULL, &ops, &s, 0) && o.asked == 1 && o.n == 7);
	done(c, &s);
	while (o.n)
		content_free(o.c[--o.n]);
	content_pool_free(p);
}

static void default_limit(void)
{
	struct content_pool *p = content_pool_new(0);
	uint64_t all = sysconf(_SC_PHYS_PAGES);

	all *= sysconf(_SC_PAGESIZE);
	CHECK(content_pool_max(p) == memory_limit());
	CHECK(memory_limit() > 0 && memory_limit() <= all / 2);
	content_pool_free(p);
}

/* --- sums --- */

static void sums_of_blocks(void)
{
	unsigned char block[BLOCK] = { 0 };
	uint64_t plain = sum_of(1, "x", 1), sum;

	CHECK(sum_of(1, block, BLOCK) == 0 && sum_of(7, block, 5) == 0);
	block[0] = 'x';
	CHECK(sum_of(1, block, BLOCK) == plain && sum_of(2, block, 1) != plain);
	for (size_t i = 0; i < BLOCK * 8; i++) {
		block[i / 8] ^= 1 << i % 8;
		sum = sum_of(1, block, BLOCK);
		CHECK(sum != plain && sum != SUM_UNKNOWN);
		block[i / 8] ^= 1 << i % 8;
	}
	/* the same words at other places */
	memset(block, 0, sizeof(block));
	block[64] = 'x';
	CHECK(sum_of(1, block, BLOCK) != plain);
}

static void table_of_sums(void)
{
	static uint64_t model[5000];
	struct sums s = { 0 };
	uint64_t at, next;

	for (int i = 0; i < 20000; i++) {
		at = dice(5000);
		CHECK(!sums_reserve(&s, at, dice(3) + 1));
		sums_set(&s, at, model[at] = dice(2) ? i + 1 : 0);
		if (!dice(2000)) {
			at = dice(5000);
			sums_cut(&s, at * BLOCK);
			memset(model + at, 0, (5000 - at) * sizeof(*model));
		}
		at = dice(5000);
		for (next = at; next < 5000 && !model[next]; next++)
			;
		CHECK(sums_next(&s, at, 5000) == next);
		CHECK(sums_get(&s, at) == model[at]);
	}
	CHECK(!sums_reserve(&s, 1000, 1));
	sums_set(&s, 1000, 5);
	sums_cut(&s, 1000 * BLOCK + 1);
	CHECK(sums_get(&s, 1000) == SUM_UNKNOWN);
	sums_doubt(&s, 0);
	CHECK(sums_get(&s, sums_next(&s, 0, 1001)) == SUM_UNKNOWN);
	CHECK(sums_get(&s, UINT64_MAX / BLOCK) == 0);
	sums_free(&s);
	CHECK(sums_memory(&s) == 0);
}

int main(void)
{
	sums_of_blocks();
	table_of_sums();
	pool_is_bounded();
	guests_take_room();
	descriptors_are_bounded();
	default_limit();
	return failures != 0;
}
