/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_DIFF_LINES_H
#define TOOLS_DIFF_LINES_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Two texts line by line: the shortest way from one to the other, or, where
 * that takes too long to find, one that is right all the same.
 */
struct line {
	const char *s;
	size_t len;		/* with its newline, if it has one */
	unsigned hash;
	bool changed;		/* not in the other text */
};

struct text {
	char *data;
	struct line *line;
	size_t n;
};

/*
 * Read a text to its end; fd is closed, if it is none (negative) the text is
 * empty.
 * Return: 0, -EFBIG (over 16 MiB), -EILSEQ (no text: it has zero bytes), or
 * -errno; then there is nothing to free
 */
int text_read(int fd, struct text *t);
void text_free(struct text *t);

/* Set changed in the lines of both. 0 or -ENOMEM */
int text_compare(struct text *a, struct text *b);

/* How many lines of it are changed */
size_t text_changed(const struct text *t);

/* Who takes the difference, hunk by hunk as diff -u has it. */
struct hunks {
	/* Lines are numbered from 1; an empty range is behind its line. */
	void (*hunk)(void *ctx, const size_t first[2], const size_t n[2]);
	/* mark: ' ', '-' or '+' */
	void (*line)(void *ctx, char mark, const struct line *l);
	void *ctx;
};

void text_hunks(const struct text *a, const struct text *b,
		const struct hunks *out);

#endif
