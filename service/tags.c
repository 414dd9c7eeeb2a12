/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "service/tags.h"

const struct tag_entry tag_table[TAG_MAX] = {
	[TAG_ACTION] = { 'a', "action", "the monitor made the call itself" },
	[TAG_CHOICE] = { 'c', "choice", "not left to the kernel as it was" },
	[TAG_DESCRIPTOR] = { 'd', "fd_table", "answered with a descriptor" },
	[TAG_MODULE] = { 'm', "module", "in a mount, with its module" },
	[TAG_NESTED] = { 'n', "nested", "of a guest in a child view" },
	[TAG_PATH] = { 'p', "path", "names something" },
	[TAG_SYSCALL] = { 's', "syscall", "every call that is intercepted" },
};

int tag_find(char letter)
{
	for (int i = 0; i < TAG_MAX; i++) {
		if (tag_table[i].letter == letter)
			return i;
	}
	return -1;
}

unsigned tags_parse(const char *letters, char *bad)
{
	unsigned bits = 0;
	int i;

	for (; *letters; letters++) {
		i = tag_find(*letters);
		if (i < 0) {
			*bad = *letters;
			return 0;
		}
		bits |= 1u << i;
	}
	return bits;
}
