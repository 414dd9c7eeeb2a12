/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Long names: UTF-16 in the image, UTF-8 outside. */
#include "servers/fat/names.h"

#include <errno.h>
#include <string.h>

static bool is_high(uint32_t c) { return c >= 0xd800 && c < 0xdc00; }
static bool is_low(uint32_t c) { return c >= 0xdc00 && c < 0xe000; }

/* One character; 0 when there is none that is right. */
static size_t decode(const uint8_t *p, uint32_t *c)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 :
		   *p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;

	*c = n > 1 ? *p & (0x7f >> n) : *p;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		*c = *c << 6 | (p[i] & 0x3f);
	}
	if (n && (*c < least[n] || *c > 0x10ffff || is_high(*c) || is_low(*c)))
		return 0;
	return n;
}

static bool add_unit(struct fat_name *name, uint32_t unit)
{
	if (name->n == FAT_NAME_MAX)
		return false;
	name->unit[name->n++] = unit;
	return true;
}

static bool add_character(struct fat_name *name, uint32_t c)
{
	if (c < 0x10000)
		return add_unit(name, c);
	c -= 0x10000;
	return add_unit(name, 0xd800 | c >> 10) &&
	       add_unit(name, 0xdc00 | (c & 0x3ff));
}

int name_from_utf8(struct fat_name *name, const char *text)
{
	size_t left = strlen(text), n;
	uint32_t c;

	name->n = 0;
	while (left && text[left - 1] == '.')
		left--;
	if (!left)
		return -ENOENT;
	for (; left; text += n, left -= n) {
		n = decode((const uint8_t *)text, &c);
		if (!n)
			return -EINVAL;
		if (!add_character(name, c))
			return -ENAMETOOLONG;
	}
	return 0;
}

static char *encode(char *p, uint32_t c)
{
	if (c < 0x80) {
		*p++ = c;
	} else if (c < 0x800) {
		*p++ = 0xc0 | c >> 6;
		*p++ = 0x80 | (c & 0x3f);
	} else if (c < 0x10000) {
		*p++ = 0xe0 | c >> 12;
		*p++ = 0x80 | (c >> 6 & 0x3f);
		*p++ = 0x80 | (c & 0x3f);
	} else {
		*p++ = 0xf0 | c >> 18;
		*p++ = 0x80 | (c >> 12 & 0x3f);
		*p++ = 0x80 | (c >> 6 & 0x3f);
		*p++ = 0x80 | (c & 0x3f);
	}
	return p;
}

/* What no system that calls a file by a path can have in a name. */
static bool is_impossible(const struct fat_name *name)
{
	unsigned dots = 0;

	for (unsigned i = 0; i < name->n; i++) {
		if (!name->unit[i] || name->unit[i] == '/')
			return true;
		dots += name->unit[i] == '.';
	}
	return !name->n || (dots == name->n && dots < 3);
}

int name_to_utf8(const struct fat_name *name, char text[FAT_NAME_BYTES])
{
	if (is_impossible(name))
		return -EINVAL;
	for (unsigned i = 0; i < name->n; i++) {
		uint32_t c = name->unit[i];

		if (is_low(c))
			return -EINVAL;
		if (is_high(c)) {
			if (++i == name->n || !is_low(name->unit[i]))
				return -EINVAL;
			c = 0x10000 + ((c & 0x3ff) << 10 |
				       (name->unit[i] & 0x3ff));
		}
		text = encode(text, c);
	}
	*text = '\0';
	return 0;
}

int name_check(const struct fat_name *name)
{
	for (unsigned i = 0; i < name->n; i++)
		if (name->unit[i] < 0x20 ||
		    (name->unit[i] < 0x80 &&
		     strchr("\"*/:<>?\\|", name->unit[i])))
			return -EINVAL;
	if (is_impossible(name) || name->unit[name->n - 1] == ' ')
		return -EINVAL;
	return 0;
}

/*
 * Upper case, of the letters of Europe that come in regular pairs. Systems
 * differ about the others; those are what they are.
 */
static uint16_t fold(uint16_t c)
{
	if (c < 0x80)
		return c >= 'a' && c <= 'z' ? c - 32 : c;
	if ((c >= 0xe0 && c <= 0xfe && c != 0xf7) ||
	    (c >= 0x3b1 && c <= 0x3c9 && c != 0x3c2) ||
	    (c >= 0x430 && c <= 0x44f))
		return c - 32;
	if (c >= 0x450 && c <= 0x45f)
		return c - 80;
	if ((c >= 0x100 && c <= 0x12f) || (c >= 0x132 && c <= 0x137) ||
	    (c >= 0x14a && c <= 0x177) || (c >= 0x460 && c <= 0x481))
		return c & ~1;
	if ((c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e))
		return c % 2 ? c : c - 1;
	return c;
}

bool name_equal(const struct fat_name *a, const struct fat_name *b)
{
	if (a->n != b->n)
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (fold(a->unit[i]) != fold(b->unit[i]))
			return false;
	return true;
}
