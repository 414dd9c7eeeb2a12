/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/fuseopt.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

/* Nobody's server gives away rights, or devices. */
#define ALWAYS (MS_NOSUID | MS_NODEV)

/* A word that stands for flags, and what it does to them. */
struct flag_word {
	const char *name;
	unsigned long set, clear;
};

static const struct flag_word flag_table[] = {
	{ "async",		0,		MS_SYNCHRONOUS },
	{ "atime",		0,		MS_NOATIME },
	{ "dev",		0,		MS_NODEV },
	{ "diratime",		0,		MS_NODIRATIME },
	{ "dirsync",		MS_DIRSYNC,	0 },
	{ "exec",		0,		MS_NOEXEC },
	{ "lazytime",		MS_LAZYTIME,	0 },
	{ "noatime",		MS_NOATIME,	0 },
	{ "nodev",		MS_NODEV,	0 },
	{ "nodiratime",		MS_NODIRATIME,	0 },
	{ "noexec",		MS_NOEXEC,	0 },
	{ "nolazytime",		0,		MS_LAZYTIME },
	{ "norelatime",		0,		MS_RELATIME },
	{ "nostrictatime",	0,		MS_STRICTATIME },
	{ "nosuid",		MS_NOSUID,	0 },
	{ "nosymfollow",	MS_NOSYMFOLLOW,	0 },
	{ "relatime",		MS_RELATIME,	0 },
	{ "ro",			MS_RDONLY,	0 },
	{ "rw",			0,		MS_RDONLY },
	{ "strictatime",	MS_STRICTATIME,	0 },
	{ "suid",		0,		MS_NOSUID },
	{ "symfollow",		0,		MS_NOSYMFOLLOW },
	{ "sync",		MS_SYNCHRONOUS,	0 },
};

/* Words for the file system. One that ends in "=" has a value. */
static const char *const data_table[] = {
	"allow_other", "blksize=", "default_permissions", "max_read=", NULL
};

/*
 * Words that change nothing: for programs that keep tables of mounts, of
 * older versions, or what we know better.
 */
static const char *const dropped_table[] = {
	"fd=", "group_id=", "large_read", "nonempty", "rootmode=", "user",
	"user=", "user_id=", NULL
};

/* One word of a list. */
struct word {
	const char *text;
	size_t length;
};

static bool is(const struct word *w, const char *name)
{
	return strlen(name) == w->length &&
	       memcmp(name, w->text, w->length) == 0;
}

static bool begins(const struct word *w, const char *name)
{
	size_t n = strlen(name);

	return n <= w->length && memcmp(name, w->text, n) == 0;
}

static bool is_in(const struct word *w, const char *const *table)
{
	for (; *table; table++) {
		bool value = (*table)[strlen(*table) - 1] == '=';

		if (value ? begins(w, *table) : is(w, *table))
			return true;
	}
	return false;
}

static const struct flag_word *find_flag(const struct word *w)
{
	size_t n = sizeof(flag_table) / sizeof(flag_table[0]);

	for (size_t i = 0; i < n; i++) {
		if (is(w, flag_table[i].name))
			return &flag_table[i];
	}
	return NULL;
}

static void set_flag(struct fuse_options *o, const struct flag_word *f)
{
	o->flags = ((o->flags & ~f->clear) | f->set) | ALWAYS;
	o->refused |= f->clear & ALWAYS;
}

/* A value without the backslashes that have done their work. */
static int take_value(const struct word *w, const char *name, char *value,
		      size_t size)
{
	size_t n = 0;

	for (size_t i = strlen(name); i < w->length; i++) {
		if (w->text[i] == '\\' && i + 1 < w->length)
			i++;
		if (n + 1 == size)
			return -E2BIG;
		value[n++] = w->text[i];
	}
	value[n] = '\0';
	return 0;
}

/* All or nothing: half of a number would be another number. */
__attribute__((format(printf, 2, 3)))
static int add_data(struct fuse_options *o, const char *format, ...)
{
	size_t used = strlen(o->data), comma = used != 0;
	char *end = o->data + used;
	size_t room = sizeof(o->data) - used;
	va_list ap;
	int n;

	if (room <= comma)
		return -E2BIG;
	va_start(ap, format);
	n = vsnprintf(end + comma, room - comma, format, ap);
	va_end(ap);
	if (n < 0 || (size_t)n >= room - comma) {
		*end = '\0';
		return -E2BIG;
	}
	if (comma)
		*end = ',';
	return 0;
}

static int unknown(struct fuse_options *o, const struct word *w)
{
	o->unknown = w->text;
	o->unknown_length = w->length > INT_MAX ? INT_MAX : (int)w->length;
	return -EINVAL;
}

static int add_word(struct fuse_options *o, const struct word *w)
{
	const struct flag_word *f = find_flag(w);

	if (f)
		set_flag(o, f);
	else if (begins(w, "fsname="))
		return take_value(w, "fsname=", o->source, sizeof(o->source));
	else if (begins(w, "subtype="))
		return take_value(w, "subtype=", o->subtype,
				  sizeof(o->subtype));
	else if (is_in(w, data_table))
		return w->length >= sizeof(o->data) ? -E2BIG :
		       add_data(o, "%.*s", (int)w->length, w->text);
	else if (is(w, "auto_unmount"))
		o->auto_unmount = true;
	else if (is(w, "blkdev"))
		o->block_device = true;
	else if (w->length && !begins(w, "x-") && !is_in(w, dropped_table))
		return unknown(o, w);
	return 0;
}

static struct word first_word(const char *list)
{
	bool escapes = strncmp(list, "fsname=", 7) == 0 ||
		       strncmp(list, "subtype=", 8) == 0;
	size_t i;

	for (i = 0; list[i] && list[i] != ','; i++) {
		if (escapes && list[i] == '\\' && list[i + 1])
			i++;
	}
	return (struct word){ list, i };
}

void fuse_options_init(struct fuse_options *o)
{
	*o = (struct fuse_options){ .flags = ALWAYS };
}

int fuse_options_add(struct fuse_options *o, const char *list)
{
	while (*list) {
		struct word w = first_word(list);
		int err = add_word(o, &w);

		if (err)
			return err;
		list += w.length;
		if (*list == ',')
			list++;
	}
	return 0;
}

int fuse_options_add_mount(struct fuse_options *o, int fd, mode_t mode,
			   uid_t uid, gid_t gid)
{
	return add_data(o, "fd=%d,rootmode=%o,user_id=%u,group_id=%u",
			fd, mode & S_IFMT, uid, gid);
}

const char *fuse_options_source(const struct fuse_options *o)
{
	if (o->source[0])
		return o->source;
	return o->subtype[0] ? o->subtype : "/dev/fuse";
}

void fuse_options_type(const struct fuse_options *o,
		       char type[FUSE_TYPE_SIZE])
{
	snprintf(type, FUSE_TYPE_SIZE, "%s%s%s",
		 o->block_device ? "fuseblk" : "fuse",
		 o->subtype[0] ? "." : "", o->subtype);
}
