/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * The size of a file is what a guest says it is, up to 2^63, and almost all
 * of that may be holes. So sums are kept in groups of neighbours, and only
 * where a block is not zero: a group belongs to data that takes at least
 * eight times its room. Groups are sorted by place. Files are read from
 * their beginning to their end, so a new group nearly always comes last.
 *
 * The hash multiplies 64 by 64 bits and folds the 128, in four lanes that do
 * not wait for each other. Its seed is not known to guests, so they
 * cannot make two blocks with the same sum.
 */
#include "mod/vufuse/sums.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	GROUP_SUMS = 64,
	GROUPS_FIRST = 4,
	LANES = 4,
	READ_AT_ONCE = 1 << 20,
	STRIPE = LANES * 2 * sizeof(uint64_t),
};

static_assert(SUM_BLOCK % STRIPE == 0);

struct sum_group {
	uint64_t index;			/* of its first block, / GROUP_SUMS */
	uint64_t *sum;			/* GROUP_SUMS */
};

static const uint64_t secret[2 * LANES] = {
	0xa0761d6478bd642f, 0xe7037ed1a0b428db,
	0x8ebc6af09c88c6e3, 0x589965cc75374cc3,
	0x1d8e4e27c47d124f, 0xeb44accab455d165,
	0x9e3779b97f4a7c15, 0xc2b2ae3d27d4eb4f,
};

/* --- one block --- */

static inline uint64_t fold(uint64_t a, uint64_t b)
{
	unsigned __int128 m = (unsigned __int128)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

static bool all_zero(const unsigned char *p)
{
	uint64_t w[8];

	for (size_t at = 0; at < SUM_BLOCK; at += sizeof(w)) {
		memcpy(w, p + at, sizeof(w));
		if (w[0] | w[1] | w[2] | w[3] | w[4] | w[5] | w[6] | w[7])
			return false;
	}
	return true;
}

static uint64_t hash(uint64_t seed, const unsigned char *p)
{
	uint64_t lane[LANES], w[2 * LANES], h = seed;

	for (unsigned i = 0; i < LANES; i++)
		lane[i] = seed ^ secret[i];
	for (size_t at = 0; at < SUM_BLOCK; at += STRIPE) {
		memcpy(w, p + at, sizeof(w));
		for (unsigned i = 0; i < LANES; i++)
			lane[i] = fold(w[2 * i] ^ secret[2 * i] ^ seed,
				       w[2 * i + 1] ^ secret[2 * i + 1] ^
				       lane[i]) + w[2 * i];
	}
	for (unsigned i = 0; i < LANES; i++)
		h = fold(h ^ secret[i], lane[i] ^ secret[LANES + i]) + lane[i];
	return h;
}

uint64_t sum_of(uint64_t seed, const void *block, size_t len)
{
	unsigned char whole[SUM_BLOCK];
	uint64_t h;

	if (len < SUM_BLOCK) {
		memcpy(whole, block, len);
		memset(whole + len, 0, SUM_BLOCK - len);
		block = whole;
	}
	if (all_zero(block))
		return 0;
	h = hash(seed, block);
	return h == 0 || h == SUM_UNKNOWN ? 1 : h;
}

/* --- the table --- */

/* Where the group is, or would be. */
static size_t place(const struct sums *s, uint64_t index)
{
	size_t low = 0, high = s->n;

	if (s->n && s->group[s->n - 1].index < index)
		return s->n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (s->group[middle].index < index)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_at(const struct sums *s, size_t at, uint64_t index)
{
	return at < s->n && s->group[at].index == index;
}

uint64_t sums_get(const struct sums *s, uint64_t block)
{
	size_t at = place(s, block / GROUP_SUMS);

	if (!is_at(s, at, block / GROUP_SUMS))
		return 0;
	return s->group[at].sum[block % GROUP_SUMS];
}

void sums_set(struct sums *s, uint64_t block, uint64_t sum)
{
	size_t at = place(s, block / GROUP_SUMS);

	if (is_at(s, at, block / GROUP_SUMS))
		s->group[at].sum[block % GROUP_SUMS] = sum;
}

static int make_room(struct sums *s)
{
	size_t room = s->room ? 2 * s->room : GROUPS_FIRST;
	struct sum_group *more;

	if (s->n < s->room)
		return 0;
	more = reallocarray(s->group, room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	s->group = more;
	s->room = room;
	return 0;
}

static int add_group(struct sums *s, uint64_t index)
{
	size_t at = place(s, index);
	uint64_t *sum;

	if (is_at(s, at, index))
		return 0;
	if (make_room(s))
		return -ENOMEM;
	sum = calloc(GROUP_SUMS, sizeof(*sum));
	if (!sum)
		return -ENOMEM;
	memmove(s->group + at + 1, s->group + at,
		(s->n - at) * sizeof(*s->group));
	s->group[at] = (struct sum_group){ index, sum };
	s->n++;
	return 0;
}

int sums_reserve(struct sums *s, uint64_t block, uint64_t n)
{
	uint64_t last = (block + n - 1) / GROUP_SUMS;
	int err = 0;

	for (uint64_t i = block / GROUP_SUMS; n && i <= last && !err; i++)
		err = add_group(s, i);
	return err;
}

uint64_t sums_next(const struct sums *s, uint64_t block, uint64_t end)
{
	for (size_t i = place(s, block / GROUP_SUMS); i < s->n; i++) {
		const struct sum_group *g = &s->group[i];
		uint64_t at = g->index * GROUP_SUMS;

		for (unsigned k = 0; k < GROUP_SUMS; k++, at++) {
			if (at >= end)
				return end;
			if (at >= block && g->sum[k])
				return at;
		}
	}
	return end;
}

void sums_cut(struct sums *s, off_t size)
{
	uint64_t keep = ((uint64_t)size + SUM_BLOCK - 1) / SUM_BLOCK;
	uint64_t last = size / SUM_BLOCK;
	size_t n = place(s, (keep + GROUP_SUMS - 1) / GROUP_SUMS);

	while (s->n > n)
		free(s->group[--s->n].sum);
	if (keep % GROUP_SUMS && n &&
	    s->group[n - 1].index == keep / GROUP_SUMS)
		memset(s->group[n - 1].sum + keep % GROUP_SUMS, 0,
		       (GROUP_SUMS - keep % GROUP_SUMS) * sizeof(uint64_t));
	if (size % SUM_BLOCK && sums_get(s, last))
		sums_set(s, last, SUM_UNKNOWN);
}

void sums_doubt(struct sums *s, off_t size)
{
	uint64_t at = sums_next(s, size / SUM_BLOCK, UINT64_MAX);

	while (at != UINT64_MAX) {
		sums_set(s, at, SUM_UNKNOWN);
		at = sums_next(s, at + 1, UINT64_MAX);
	}
}

void sums_free(struct sums *s)
{
	sums_cut(s, 0);
	free(s->group);
	*s = (struct sums){ 0 };
}

size_t sums_memory(const struct sums *s)
{
	return s->n * GROUP_SUMS * sizeof(uint64_t) +
	       s->room * sizeof(*s->group);
}

/* --- whole files --- */

static uint64_t blocks_of(off_t size)
{
	return ((uint64_t)size + SUM_BLOCK - 1) / SUM_BLOCK;
}

int sums_unknown(struct sums *s, off_t size)
{
	uint64_t n = blocks_of(size);
	int r = sums_reserve(s, 0, n);

	if (r)
		return r;
	for (uint64_t i = 0; i < n; i++)
		sums_set(s, i, SUM_UNKNOWN);
	return 0;
}

/* A part that is no hole, from a block's beginning on. */
static int read_part(struct sums *s, uint64_t seed, int fd, off_t from,
		     off_t to, char *buf)
{
	while (from < to) {
		size_t want = to - from < READ_AT_ONCE ? to - from :
			      READ_AT_ONCE;
		ssize_t n = pread(fd, buf, want, from);
		int r;

		if (n <= 0)
			return n ? -errno : -EIO;
		r = sums_reserve(s, from / SUM_BLOCK, blocks_of(n));
		if (r)
			return r;
		for (ssize_t at = 0; at < n; at += SUM_BLOCK)
			sums_set(s, (from + at) / SUM_BLOCK,
				 sum_of(seed, buf + at, n - at < SUM_BLOCK ?
					n - at : SUM_BLOCK));
		from += n;
	}
	return 0;
}

int sums_read(struct sums *s, uint64_t seed, int fd, off_t size)
{
	char *buf = malloc(READ_AT_ONCE);
	off_t at = 0, data, hole;
	int r = buf ? 0 : -ENOMEM;

	while (!r && at < size) {
		data = lseek(fd, at, SEEK_DATA);
		if (data < 0 || data >= size)
			break;
		data &= ~(off_t)(SUM_BLOCK - 1);
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		r = read_part(s, seed, fd, data, hole, buf);
		at = hole;
	}
	free(buf);
	if (r)
		sums_free(s);
	return r;
}
