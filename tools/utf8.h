/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_UTF8_H
#define TOOLS_UTF8_H

#include <stddef.h>

/*
 * Length of the well-formed UTF-8 character that s begins with: no
 * overlong form, no surrogate, nothing over U+10FFFF.
 * Return: 1 to 4, or 0 for a byte that begins none
 */
size_t utf8_length(const char *s);

#endif
