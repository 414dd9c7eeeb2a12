/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVERS_FAT_NAMES_H
#define SERVERS_FAT_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FAT_NAME_MAX = 255,			/* units of UTF-16 */
	FAT_NAME_BYTES = FAT_NAME_MAX * 3 + 1,	/* of UTF-8, with the NUL */
	FAT_SHORT = 11,
	FAT_LOWER_BASE = 0x08, FAT_LOWER_EXT = 0x10,
};

struct fat_name {
	unsigned n;
	uint16_t unit[FAT_NAME_MAX];
};

/*
 * A name as it is given, without the dots at its end. -EINVAL when it is
 * not UTF-8, -ENAMETOOLONG; -ENOENT when nothing is left.
 */
int name_from_utf8(struct fat_name *name, const char *text);
/* -EINVAL when it is no UTF-16, or nothing that a name can be here. */
int name_to_utf8(const struct fat_name *name, char text[FAT_NAME_BYTES]);
/* Can a file be made by this name? -EINVAL */
int name_check(const struct fat_name *name);
/* Upper and lower case are the same. */
bool name_equal(const struct fat_name *a, const struct fat_name *b);

/* The name that eleven bytes and the flags of case stand for. */
void name_from_short(struct fat_name *name, const uint8_t raw[FAT_SHORT],
		     unsigned flags);
/*
 * The eleven bytes and flags of a name that needs no long one: false when it
 * does. Then raw is what the short one begins with, to be made unique.
 */
bool name_to_short(const struct fat_name *name, uint8_t raw[FAT_SHORT],
		   unsigned *flags);
/* The try'th (from 0) name to be made of it, "NAME~1  EXT". */
void name_number(const struct fat_name *name, const uint8_t from[FAT_SHORT],
		 unsigned try, uint8_t raw[FAT_SHORT]);
uint8_t name_checksum(const uint8_t raw[FAT_SHORT]);

#endif
