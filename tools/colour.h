/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_COLOUR_H
#define TOOLS_COLOUR_H

#include <stddef.h>

/*
 * Colours as vudebug takes them: letters n w r g b c m y for the text (no
 * colour is black, white, red...), capitals for the ground, and + bold,
 * - dim, _ underlined, * blinking, # reversed.
 *
 * @parameters: out: Select Graphic Rendition parameters, "1;31"
 * Return: 0, -EINVAL for another letter, -E2BIG
 */
int colour_parse(const char *letters, char *parameters, size_t size);

#endif
