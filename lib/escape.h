/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_ESCAPE_H
#define LIB_ESCAPE_H

#include <stddef.h>
#include "lib/strbuf.h"

/*
 * Any bytes as a word of a line of text: control characters, backslashes and
 * the bytes of also are written as \ooo.
 */
void escape_put(struct strbuf *out, const char *word, const char *also);

/*
 * The same read back, in place; a bad escape stands for itself.
 * Return: its length; it may have a NUL in it
 */
size_t escape_take(char *word);

#endif
