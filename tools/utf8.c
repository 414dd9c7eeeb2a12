/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/utf8.h"

/* Lead bytes, and the range of the byte that follows (Unicode table 3-7). */
static const struct {
	unsigned char first, last, low, high;
	size_t length;
} lead[] = {
	{ 0x01, 0x7f, 0x00, 0x00, 1 },
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 },
	{ 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

static size_t check_tail(const unsigned char *s, size_t row)
{
	if (lead[row].length == 1)
		return 1;
	if (s[1] < lead[row].low || s[1] > lead[row].high)
		return 0;
	for (size_t i = 2; i < lead[row].length; i++) {
		if (s[i] < 0x80 || s[i] > 0xbf)
			return 0;
	}
	return lead[row].length;
}

size_t utf8_length(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;

	for (size_t row = 0; row < sizeof(lead) / sizeof(lead[0]); row++) {
		if (u[0] >= lead[row].first && u[0] <= lead[row].last)
			return check_tail(u, row);
	}
	return 0;
}
