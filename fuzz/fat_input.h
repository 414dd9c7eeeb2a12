/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FUZZ_FAT_INPUT_H
#define FUZZ_FAT_INPUT_H

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/fuzz.h"

enum { FAT_INPUT_UNIT = 4096, FAT_INPUT_UNITS = 16384, FAT_INPUT_LINE = 16 };

/*
 * An image that is nearly empty, made small (fat_seeds.py): 16 bits of its
 * size in pages, 16 bits of a number of pieces; a piece is 32 bits of where
 * it is and 8 bits of how long it is, both in lines of 16 bytes, and those.
 * What follows is left in the input. Pieces that cannot be are not there.
 */
static inline unsigned fat_input_number(struct fuzz_input *in, unsigned bytes)
{
	unsigned value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= fuzz_byte(in) << 8 * i;
	return value;
}

static inline int fat_input_image(struct fuzz_input *in)
{
	size_t size = fat_input_number(in, 2) % (FAT_INPUT_UNITS + 1);
	unsigned pieces = fat_input_number(in, 2);
	int fd = memfd_create("image", MFD_CLOEXEC);

	size *= FAT_INPUT_UNIT;
	fuzz_check(fd >= 0 && ftruncate(fd, size) == 0, "memfd");
	for (; pieces && in->left; pieces--) {
		uint64_t at = (uint64_t)fat_input_number(in, 4) *
			      FAT_INPUT_LINE;
		size_t n = fuzz_byte(in) * FAT_INPUT_LINE;

		if (n > in->left)
			n = in->left;
		if (at < size && n <= size - at)
			fuzz_check(pwrite(fd, in->data, n, at) == (ssize_t)n,
				   "pwrite");
		in->data += n;
		in->left -= n;
	}
	return fd;
}

/* One of the corpus, by name: a descriptor of the image. */
static inline int fat_input_seed(const char *name)
{
	const char *top = getenv("TOP");
	static uint8_t seed[8192];
	struct fuzz_input in = { .data = seed };
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/fuzz/corpus/fat/%s", top ? top : ".",
		 name);
	f = fopen(path, "re");
	fuzz_check(f, "%s", path);
	in.left = fread(seed, 1, sizeof(seed), f);
	fclose(f);
	return fat_input_image(&in);
}

#endif
