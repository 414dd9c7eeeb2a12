/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/mountopt.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

/* What one word does to the flags. */
struct word {
	const char *name;
	unsigned long set, clear;
};

/* What mount(8) makes of "user": an ordinary user's mount. */
#define USER_FLAGS (MS_NOSUID | MS_NODEV | MS_NOEXEC)

static const struct word word_table[] = {
	{ "acl",		MS_POSIXACL,	0 },
	{ "async",		0,		MS_SYNCHRONOUS },
	{ "atime",		0,		MS_NOATIME },
	{ "auto",		0,		0 },
	{ "bind",		MS_BIND,	0 },
	{ "defaults",		0,		0 },
	{ "dev",		0,		MS_NODEV },
	{ "diratime",		0,		MS_NODIRATIME },
	{ "dirsync",		MS_DIRSYNC,	0 },
	{ "exec",		0,		MS_NOEXEC },
	{ "group",		MS_NOSUID | MS_NODEV,	0 },
	{ "iversion",		MS_I_VERSION,	0 },
	{ "lazytime",		MS_LAZYTIME,	0 },
	{ "loud",		0,		MS_SILENT },
	{ "mand",		MS_MANDLOCK,	0 },
	{ "move",		MS_MOVE,	0 },
	{ "noacl",		0,		MS_POSIXACL },
	{ "noatime",		MS_NOATIME,	0 },
	{ "noauto",		0,		0 },
	{ "nodev",		MS_NODEV,	0 },
	{ "nodiratime",		MS_NODIRATIME,	0 },
	{ "noexec",		MS_NOEXEC,	0 },
	{ "nofail",		0,		0 },
	{ "nogroup",		0,		0 },
	{ "noiversion",		0,		MS_I_VERSION },
	{ "nolazytime",		0,		MS_LAZYTIME },
	{ "nomand",		0,		MS_MANDLOCK },
	{ "noowner",		0,		0 },
	{ "norelatime",		0,		MS_RELATIME },
	{ "nostrictatime",	0,		MS_STRICTATIME },
	{ "nosuid",		MS_NOSUID,	0 },
	{ "nouser",		0,		0 },
	{ "owner",		MS_NOSUID | MS_NODEV,	0 },
	{ "rbind",		MS_BIND | MS_REC,	0 },
	{ "relatime",		MS_RELATIME,	0 },
	{ "remount",		MS_REMOUNT,	0 },
	{ "ro",			MS_RDONLY,	0 },
	{ "rw",			0,		MS_RDONLY },
	{ "silent",		MS_SILENT,	0 },
	{ "strictatime",	MS_STRICTATIME,	0 },
	{ "suid",		0,		MS_NOSUID },
	{ "sync",		MS_SYNCHRONOUS,	0 },
	{ "user",		USER_FLAGS,	0 },
	{ "users",		USER_FLAGS,	0 },
};

bool mount_type_owns_move(const char *type)
{
	return strcmp(type, "vufs") == 0 || strcmp(type, "viewfs") == 0;
}

static const struct word *find_word(const char *name, size_t len)
{
	size_t n = sizeof(word_table) / sizeof(word_table[0]);

	for (size_t i = 0; i < n; i++) {
		if (strlen(word_table[i].name) == len &&
		    memcmp(word_table[i].name, name, len) == 0)
			return &word_table[i];
	}
	return NULL;
}

static int add_data(struct mount_options *o, const char *name, size_t len)
{
	size_t used = strlen(o->data);

	if (used + (used != 0) + len + 1 > sizeof(o->data))
		return -E2BIG;
	if (used)
		o->data[used++] = ',';
	memcpy(o->data + used, name, len);
	o->data[used + len] = '\0';
	return 0;
}

static int add_word(struct mount_options *o, const char *name, size_t len)
{
	const struct word *w = find_word(name, len);

	/* Words for programs that keep tables of mounts, never for a mount. */
	if (len >= 2 && (name[0] == 'x' || name[0] == 'X') && name[1] == '-')
		return 0;
	if (len == 0 || (len == 7 && memcmp(name, "_netdev", 7) == 0))
		return 0;
	if (!w || (o->own_move && (w->set == MS_MOVE || w->set == MS_BIND)))
		return add_data(o, name, len);
	o->flags = (o->flags & ~w->clear) | w->set;
	return 0;
}

size_t mount_option_length(const char *list)
{
	bool quoted = false;
	size_t i;

	for (i = 0; list[i]; i++) {
		if (list[i] == '\\' && list[i + 1])
			i++;
		else if (list[i] == '"')
			quoted = !quoted;
		else if (list[i] == ',' && !quoted)
			break;
	}
	return i;
}

int mount_options_add(struct mount_options *o, const char *list)
{
	while (*list) {
		size_t len = mount_option_length(list);
		int err = add_word(o, list, len);

		if (err)
			return err;
		list += len;
		if (*list == ',')
			list++;
	}
	return 0;
}
