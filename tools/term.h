/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TERM_H
#define TOOLS_TERM_H

#include <stdbool.h>
#include <stdio.h>

enum shade { SHADE_PLAIN, SHADE_DIM, SHADE_BOLD, SHADE_GOOD, SHADE_BAD,
	     SHADE_WARN, SHADE_NAME, SHADE_MAX };

/* A stream and what may be written to it. */
struct term {
	FILE *out;
	bool colour;	/* a terminal, and nobody said NO_COLOR */
	bool utf8;	/* the locale's encoding is UTF-8 */
	int width;	/* columns of a terminal, 0: no limit */
};

struct term term_open(FILE *out);

/*
 * Text that came from somewhere else: control characters and backslashes
 * are written \ooo, so that a file name cannot drive the terminal.
 */
void term_safe(const struct term *t, const char *s);

/*
 * The same, but on a terminal only what fits in a line of which used
 * columns are taken; a character counts as one column.
 */
void term_fit(const struct term *t, const char *s, int used);

/* term_safe() in a shade. */
void term_shaded(const struct term *t, enum shade shade, const char *s);

/* Select Graphic Rendition by its parameters ("1;31"; "" resets). */
void term_select(const struct term *t, const char *parameters);

#endif
