/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/*
 * A target is a file fuzz_NAME.c with these three and seeds in corpus/NAME.
 * libFuzzer calls the functions; where there is no clang, and in the unit
 * tests, standalone.c does.
 */
extern const char fuzz_name[];
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must hold for every input. */
#define fuzz_check(cond, ...) do { \
	if (!(cond)) { \
		fprintf(stderr, "%s:%d: not so: %s: ", __FILE__, __LINE__, \
			#cond); \
		fprintf(stderr, __VA_ARGS__); \
		fputc('\n', stderr); \
		abort(); \
	} \
} while (0)

/* Bytes taken off the front of an input; 0 when there is nothing left. */
struct fuzz_input {
	const uint8_t *data;
	size_t left;
};

static inline unsigned fuzz_byte(struct fuzz_input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->data++;
}

/* The rest as a string, cut at size; a NUL ends it as well. */
static inline void fuzz_string(struct fuzz_input *in, char *buf, size_t size)
{
	size_t n = 0;

	while (n + 1 < size && in->left) {
		buf[n] = fuzz_byte(in);
		if (!buf[n])
			break;
		n++;
	}
	buf[n] = '\0';
}

#endif
