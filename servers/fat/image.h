/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVERS_FAT_IMAGE_H
#define SERVERS_FAT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The bytes of a volume: a file or a block device. */
struct fat_image {
	int fd;			/* owned */
	uint64_t size;
};

/*
 * Open it. When writing is asked for and not allowed, *readonly is set and
 * it is opened for reading. -EBUSY: somebody who uses it like we do has it
 * open, and one of us writes.
 */
int image_open(struct fat_image *i, const char *path, bool *readonly);
/* Take a descriptor over, whatever comes of it. */
int image_take(struct fat_image *i, int fd);
void image_close(struct fat_image *i);

/*
 * All n bytes, or an error: -EIO when they are not all in the image,
 * -ENOSPC when what the image is stored on is full.
 */
int image_read(const struct fat_image *i, void *buf, size_t n, uint64_t at);
int image_write(const struct fat_image *i, const void *buf, size_t n,
		uint64_t at);
int image_zero(const struct fat_image *i, uint64_t n, uint64_t at);
int image_sync(const struct fat_image *i);

/* Numbers as they are stored: little endian, anywhere. */
static inline uint32_t get16(const uint8_t *p)
{
	return p[0] | p[1] << 8;
}

static inline uint32_t get32(const uint8_t *p)
{
	return get16(p) | get16(p + 2) << 16;
}

static inline void put16(uint8_t *p, uint32_t v)
{
	p[0] = v;
	p[1] = v >> 8;
}

static inline void put32(uint8_t *p, uint32_t v)
{
	put16(p, v);
	put16(p + 2, v >> 16);
}

#endif
