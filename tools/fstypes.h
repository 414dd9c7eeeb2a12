/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_FSTYPES_H
#define TOOLS_FSTYPES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * The table of mount types: which FUSE program serves which, and how. Its
 * files are fuse.types(5); every key of a row has a value here, its own or
 * the default.
 */
enum fstype_key {
	FSTYPE_ALIAS,		/* words: other names */
	FSTYPE_PACKAGE,		/* Debian package with the program, or "" */
	FSTYPE_RUN,		/* words: the command line */
	FSTYPE_SOURCE,		/* one of enum fstype_source, as a word */
	FSTYPE_ACCESS,		/* one of enum fstype_access, as a word */
	FSTYPE_ALWAYS,		/* option lists: for every mount */
	FSTYPE_RO,		/* that cannot be written */
	FSTYPE_RW,		/* that can */
	FSTYPE_HUMAN,		/* with permissions enforced; "-": cannot */
	FSTYPE_OMNIPOTENT,	/* without */
	FSTYPE_UID,		/* with another owner; "-": cannot */
	FSTYPE_GID,
	FSTYPE_NONEMPTY,	/* on a directory that is not empty */
	FSTYPE_TERMINAL,	/* "yes": it may ask for a password */
	FSTYPE_FOREGROUND,	/* "yes": it stays where it was started */
	FSTYPE_BY_MOUNT,	/* "yes": it mounts by mount(2), or not */
	FSTYPE_PROBE,		/* who is asked whether it can be read */
	FSTYPE_BLKID,		/* words: what libblkid calls it */
	FSTYPE_MAGIC,		/* words OFFSET:HEX: bytes it has */
	FSTYPE_NAME,		/* words: patterns of names of files */
	FSTYPE_HOLDS,		/* words: files that such a directory has */
	FSTYPE_KEYS
};

enum fstype_source {
	SOURCE_FILE,		/* a file or block device */
	SOURCE_DIRECTORY,
	SOURCE_REMOTE,		/* HOST:DIRECTORY, not looked at */
	SOURCE_NONE,		/* whatever is given is only a name */
};

enum fstype_access {
	ACCESS_WRITE,		/* as wished */
	ACCESS_CAREFUL,		/* written only when asked for by rw+ */
	ACCESS_READ,		/* the program never writes */
};

struct fstype {
	char *name;
	char *value[FSTYPE_KEYS];	/* NULL: the default */
};

/* Start with {0}. A row hides those before it that have one of its names. */
struct fstypes {
	struct fstype *row;
	size_t n;
	char error[PATH_MAX + 256];	/* what -EINVAL was about */
};

enum { FSTYPE_WORDS = 64, FSTYPE_MAGIC_BYTES = 32 };

/*
 * Add the rows of a file's text. Nothing is added when it is wrong.
 * @file: its name, for messages
 * Return: 0, or -EINVAL: t->error is "FILE:LINE: what is wrong"
 */
int fstypes_parse(struct fstypes *t, const char *file, const char *text,
		  size_t size);

/*
 * Add the rows of a file. Return: as fstypes_parse(), or -errno when it
 * cannot be read, with t->error
 */
int fstypes_read(struct fstypes *t, const char *file);

/*
 * The file beside the shipped one that is only mounted, never on disk: a
 * view's own rows. Return: 0 or -errno
 */
int fstypes_view_file(char *path, size_t size);

/*
 * Add the rows of all the table's files, the strongest last: the shipped
 * one, the system's, the user's, the view's. One that is not there has no
 * rows.
 * Return: as fstypes_read(); -ENOENT: not even the shipped one is there
 */
int fstypes_load(struct fstypes *t);

void fstypes_clear(struct fstypes *t);

/*
 * The row of a type, by a name with or without "vufuse", or "umfuse" as it
 * once was, before it. NULL: none
 */
const struct fstype *fstypes_find(const struct fstypes *t, const char *type);

/* Does a type's name alone say that it can only be in this table? */
bool fstypes_prefixed(const char *type);

/* Does the row answer to this name, as it stands? */
bool fstype_called(const struct fstype *row, const char *name);

/*
 * Write a row as it stands in a file, by another name and without what it is
 * recognized by.
 */
void fstype_write(FILE *out, const struct fstype *row, const char *name);

/* Never NULL. */
const char *fstype_value(const struct fstype *row, enum fstype_key key);
bool fstype_flag(const struct fstype *row, enum fstype_key key);
enum fstype_source fstype_source(const struct fstype *row);
enum fstype_access fstype_access(const struct fstype *row);

/*
 * Step through words: take the next one off *list.
 * Return: its length, and *word; 0: there is none
 */
size_t fstype_word(const char **list, const char **word);

/* Bytes that a file has at an offset. */
struct fstype_magic {
	long offset;
	size_t n;
	unsigned char byte[FSTYPE_MAGIC_BYTES];
};

/* Read a word of FSTYPE_MAGIC. Return: 0 or -EINVAL */
int fstype_magic(const char *word, size_t len, struct fstype_magic *m);

#endif
