/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a FUSE program tells mount(2), as the kernel's fs/fuse/inode.c reads it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mod/vufuse/fs.h"

/* Options whose value is a number. */
static const struct {
	const char *key;
	int base;
	size_t at, size;	/* of the field in struct fs_options */
	bool required;
} numbers[] = {
#define FIELD(f) offsetof(struct fs_options, f), \
		 sizeof(((struct fs_options *)0)->f)
	{ "fd", 10, FIELD(fd), true },
	{ "rootmode", 8, FIELD(rootmode), true },
	{ "user_id", 10, FIELD(uid), true },
	{ "group_id", 10, FIELD(gid), true },
	{ "max_read", 10, FIELD(max_read), false },
	{ "blksize", 10, FIELD(blksize), false },
#undef FIELD
};

enum { NUMBERS = sizeof(numbers) / sizeof(numbers[0]) };

/* All fields are 32 bits wide. */
static int set_number(struct fs_options *o, int i, const char *text)
{
	char *end;
	unsigned long v;

	_Static_assert(sizeof(mode_t) == 4 && sizeof(uid_t) == 4 &&
		       sizeof(gid_t) == 4 && sizeof(int) == 4, "32 bits");
	errno = 0;
	v = strtoul(text, &end, numbers[i].base);
	if (errno || end == text || *end || text[0] == '-' || v > UINT32_MAX)
		return -EINVAL;
	memcpy((char *)o + numbers[i].at, &(uint32_t){ v }, sizeof(uint32_t));
	return 0;
}

static int set_option(struct fs_options *o, const char *key, const char *value,
		      unsigned *seen)
{
	for (int i = 0; i < NUMBERS; i++) {
		if (strcmp(numbers[i].key, key))
			continue;
		*seen |= 1u << i;
		return set_number(o, i, value);
	}
	if (!strcmp(key, "allow_other"))
		o->allow_other = true;
	else if (!strcmp(key, "default_permissions"))
		o->default_permissions = true;
	else
		return -EINVAL;
	return *value ? -EINVAL : 0;
}

static int check_required(unsigned seen, struct vu_message *msg)
{
	for (int i = 0; i < NUMBERS; i++) {
		if (!numbers[i].required || (seen & (1u << i)))
			continue;
		vu_message_set(msg, "fuse: option %s= is missing; it is for "
			       "FUSE programs to mount, not for people",
			       numbers[i].key);
		return -EINVAL;
	}
	return 0;
}

int fs_options_parse(const char *text, struct fs_options *o,
		     struct vu_message *msg)
{
	char key[64], value[256];
	unsigned seen = 0;
	int n;

	*o = (struct fs_options){ .fd = -1 };
	while ((n = vu_next_option(&text, key, sizeof(key),
				   value, sizeof(value))) > 0) {
		if (set_option(o, key, value, &seen)) {
			vu_message_set(msg, "fuse: bad option %s%s%s", key,
				       *value ? "=" : "", value);
			return -EINVAL;
		}
	}
	if (n < 0) {
		vu_message_set(msg, "fuse: an option is too long");
		return -EINVAL;
	}
	n = check_required(seen, msg);
	if (!n && !S_ISDIR(o->rootmode) && !S_ISREG(o->rootmode)) {
		vu_message_set(msg, "fuse: rootmode=%o: neither a directory "
			       "nor a file", o->rootmode);
		return -EINVAL;
	}
	return n;
}
