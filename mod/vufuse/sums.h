/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_SUMS_H
#define VUFUSE_SUMS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/*
 * Sums of the blocks of a file, by which it is found what has changed. A
 * block of zeros has sum 0, and so has every block of which nothing is kept:
 * a hole costs nothing.
 */
enum { SUM_BLOCK = 4096 };

/*
 * No block has this sum: what is there is not known. (The hash of a block
 * never comes out as this or as 0.)
 */
#define SUM_UNKNOWN UINT64_MAX

struct sum_group;

/* All zero at first. One user at a time. */
struct sums {
	struct sum_group *group;	/* sorted by place */
	size_t n, room;
};

/* Of one block; what is behind len counts as zeros. */
uint64_t sum_of(uint64_t seed, const void *block, size_t len);

uint64_t sums_get(const struct sums *s, uint64_t block);
/* Have room for the sums of a range: sums_set() cannot fail there then. */
int sums_reserve(struct sums *s, uint64_t block, uint64_t n);
/* Only where there is room, or 0. */
void sums_set(struct sums *s, uint64_t block, uint64_t sum);
/* The first block of [block, end) with a sum that is not 0; end: none. */
uint64_t sums_next(const struct sums *s, uint64_t block, uint64_t end);
/*
 * Those of a file that holds what the server has (which is size bytes); or
 * nothing is known of any block of it. 0 or -errno, and nothing has changed
 */
int sums_read(struct sums *s, uint64_t seed, int fd, off_t size);
int sums_unknown(struct sums *s, off_t size);
/* The file was cut: forget what is behind size; a part of a block: unknown. */
void sums_cut(struct sums *s, off_t size);
/* It is not known whether it was cut there. */
void sums_doubt(struct sums *s, off_t size);
void sums_free(struct sums *s);
/* Bytes that they take. */
size_t sums_memory(const struct sums *s);

#endif
