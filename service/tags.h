/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVICE_TAGS_H
#define SERVICE_TAGS_H

/*
 * The debug tags: letters that stand for kinds of calls. The monitor has
 * them written to its log, vudebug uses them for the parts of a line.
 */
enum tag {
	TAG_ACTION, TAG_CHOICE, TAG_DESCRIPTOR, TAG_MODULE, TAG_NESTED,
	TAG_PATH, TAG_SYSCALL, TAG_MAX
};

struct tag_entry {
	char letter;
	const char *name;
	const char *meaning;
};

extern const struct tag_entry tag_table[TAG_MAX];

/* Return: enum tag, or -1 */
int tag_find(char letter);

/*
 * The tags that a text of letters names, as bits 1 << enum tag.
 * @bad:	out: the first letter nobody knows, else untouched
 * Return: the bits; 0 when there is such a letter, or no letter at all
 */
unsigned tags_parse(const char *letters, char *bad);

#endif
