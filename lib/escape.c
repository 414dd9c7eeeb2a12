/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "lib/escape.h"

#include <stdbool.h>
#include <string.h>

void escape_put(struct strbuf *out, const char *word, const char *also)
{
	for (; *word; word++) {
		unsigned char c = *word;

		if (c < 32 || c == 127 || c == '\\' || strchr(also, c))
			strbuf_printf(out, "\\%03o", c);
		else
			strbuf_putc(out, c);
	}
}

static bool is_octal(const char *s)
{
	for (int i = 0; i < 3; i++)
		if (s[i] < '0' || s[i] > '7')
			return false;
	return s[0] < '4';
}

size_t escape_take(char *word)
{
	const char *from = word;
	char *to = word;

	while (*from) {
		if (*from == '\\' && is_octal(from + 1)) {
			*to++ = (from[1] - '0') << 6 | (from[2] - '0') << 3 |
				(from[3] - '0');
			from += 4;
		} else {
			*to++ = *from++;
		}
	}
	*to = '\0';
	return to - word;
}
