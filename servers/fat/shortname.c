/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Short names: eight bytes and three, in capitals, of the code page 437 if
 * they are more than ASCII. Ours are ASCII only; what is not becomes '_' and
 * is told by the long name.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "servers/fat/names.h"

enum { BASE = 8, EXT = 3, KANJI_E5 = 0x05, NUMBERED = 9 };

static const uint16_t cp437[128] = {
	0xc7, 0xfc, 0xe9, 0xe2, 0xe4, 0xe0, 0xe5, 0xe7,
	0xea, 0xeb, 0xe8, 0xef, 0xee, 0xec, 0xc4, 0xc5,
	0xc9, 0xe6, 0xc6, 0xf4, 0xf6, 0xf2, 0xfb, 0xf9,
	0xff, 0xd6, 0xdc, 0xa2, 0xa3, 0xa5, 0x20a7, 0x192,
	0xe1, 0xed, 0xf3, 0xfa, 0xf1, 0xd1, 0xaa, 0xba,
	0xbf, 0x2310, 0xac, 0xbd, 0xbc, 0xa1, 0xab, 0xbb,
	0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561, 0x2562, 0x2556,
	0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510,
	0x2514, 0x2534, 0x252c, 0x251c, 0x2500, 0x253c, 0x255e, 0x255f,
	0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567,
	0x2568, 0x2564, 0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b,
	0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
	0x3b1, 0xdf, 0x393, 0x3c0, 0x3a3, 0x3c3, 0xb5, 0x3c4,
	0x3a6, 0x398, 0x3a9, 0x3b4, 0x221e, 0x3c6, 0x3b5, 0x2229,
	0x2261, 0xb1, 0x2265, 0x2264, 0x2320, 0x2321, 0xf7, 0x2248,
	0xb0, 0x2219, 0xb7, 0x221a, 0x207f, 0xb2, 0x25a0, 0xa0,
};

/* In a short name, of the ASCII. */
static bool is_legal(uint32_t c)
{
	return c > 0x20 && c < 0x7f && !strchr("\"*+,./:;<=>?[\\]|", c);
}

/* As the kernel does it: of the letters whose small ones are in 437, too. */
static uint16_t small_of(uint16_t c)
{
	if ((c >= 0xc0 && c <= 0xde && c != 0xd7) || c == 0x3a3 || c == 0x3a6)
		return c + 32;
	return c;
}

static uint16_t shown(uint8_t c, bool lower)
{
	if (c >= 0x80)
		return lower ? small_of(cp437[c - 0x80]) : cp437[c - 0x80];
	if (!is_legal(c) && c != ' ')
		return '_';
	return lower ? tolower(c) : c;
}

static void show(struct fat_name *name, const uint8_t *raw, unsigned n,
		 bool lower)
{
	while (n && raw[n - 1] == ' ')
		n--;
	for (unsigned i = 0; i < n; i++)
		name->unit[name->n++] = shown(raw[i], lower);
}

void name_from_short(struct fat_name *name, const uint8_t raw[FAT_SHORT],
		     unsigned flags)
{
	uint8_t base[BASE];

	memcpy(base, raw, BASE);
	if (base[0] == KANJI_E5)
		base[0] = 0xe5;
	name->n = 0;
	show(name, base, BASE, flags & FAT_LOWER_BASE);
	if (memcmp(raw + BASE, "   ", EXT) == 0)
		return;
	name->unit[name->n++] = '.';
	show(name, raw + BASE, EXT, flags & FAT_LOWER_EXT);
}

/* One of the two parts; false when it is not told by this alone. */
static bool shorten(const uint16_t *from, unsigned n, uint8_t *to,
		    unsigned size, bool *lower)
{
	unsigned len = 0, small = 0, capital = 0;
	bool same = n <= size;

	memset(to, ' ', size);
	for (; n; n--, from++) {
		uint32_t c = *from;

		if (c == ' ' || c == '.') {
			same = false;
			continue;
		}
		small += c >= 'a' && c <= 'z';
		capital += c >= 'A' && c <= 'Z';
		if (!is_legal(c)) {
			same = false;
			c = '_';
		}
		if (len < size)
			to[len++] = toupper(c);
	}
	*lower = small != 0;
	return same && (!small || !capital);
}

static unsigned last_dot(const struct fat_name *name)
{
	unsigned i = name->n;

	while (i && name->unit[i - 1] != '.')
		i--;
	return i > 1 ? i - 1 : name->n;
}

bool name_to_short(const struct fat_name *name, uint8_t raw[FAT_SHORT],
		   unsigned *flags)
{
	unsigned dot = last_dot(name), ext = dot == name->n ? dot : dot + 1;
	bool lower_base, lower_ext, same;

	same = shorten(name->unit, dot, raw, BASE, &lower_base);
	same &= shorten(name->unit + ext, name->n - ext, raw + BASE, EXT,
			&lower_ext);
	if (raw[0] == ' ') {
		raw[0] = '_';
		same = false;
	}
	*flags = !same ? 0 : (lower_base ? FAT_LOWER_BASE : 0) |
			     (lower_ext ? FAT_LOWER_EXT : 0);
	return same;
}

static uint32_t hash(const struct fat_name *name, uint32_t h)
{
	for (unsigned i = 0; i < name->n; i++)
		h = (h ^ name->unit[i]) * 16777619u;
	return h ^ h >> 16;
}

void name_number(const struct fat_name *name, const uint8_t from[FAT_SHORT],
		 unsigned try, uint8_t raw[FAT_SHORT])
{
	unsigned keep, base = 0;
	char end[BASE + 1];

	if (try < NUMBERED)
		snprintf(end, sizeof(end), "~%u", try + 1);
	else
		snprintf(end, sizeof(end), "%04X~1",
			 hash(name, try) & 0xffff);
	while (base < BASE && from[base] != ' ')
		base++;
	keep = BASE - strlen(end);
	if (try >= NUMBERED && keep > 2)
		keep = 2;
	if (keep > base)
		keep = base;
	memset(raw, ' ', BASE);
	memcpy(raw, from, keep);
	memcpy(raw + keep, end, strlen(end));
	memcpy(raw + BASE, from + BASE, EXT);
}

uint8_t name_checksum(const uint8_t raw[FAT_SHORT])
{
	uint8_t sum = 0;

	for (unsigned i = 0; i < FAT_SHORT; i++)
		sum = (sum << 7 | sum >> 1) + raw[i];
	return sum;
}
