/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/stores_open.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/stores_place.h"
#include "tools/tool.h"

static int cannot(const char *name, const char *what, int err,
		  const struct store_message *why)
{
	if (why && *why->text)
		tool_error(name, "%s: %s", what, why->text);
	else
		tool_error(name, "%s: %s", what, err == -EBUSY ?
			   "the store is in use" : strerror(-err));
	return err;
}

static int find(const char *name, const char *operand, struct opened *o)
{
	o->path = operand ? stores_find(operand) : stores_newest();
	if (o->path)
		return 0;
	if (!operand) {
		tool_error(name, "there is no store; 'vu try' makes one");
		return -ENOENT;
	}
	return cannot(name, operand, -errno, NULL);
}

/* What the store is of, it tells itself: so it is opened to ask. */
static int ask_target(const char *name, struct opened *o)
{
	struct store_message why = { "" };
	struct store *s;
	int err = store_open(o->dir, o->dir, NULL, STORE_RDONLY, &s, &why);

	if (err)
		return cannot(name, o->path, err, &why);
	o->target = tool_copy(store_target_name(s));
	store_close(s);
	if (o->target[0] == '/')
		return 0;
	tool_error(name, "%s: the store does not tell what it is of",
		   o->path);
	return -EINVAL;
}

static int open_both(const char *name, struct opened *o)
{
	struct stat st;
	int err;

	o->dir = open(o->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (o->dir < 0)
		return cannot(name, o->path, -errno, NULL);
	if (!stores_is_one(o->dir)) {
		tool_error(name, "%s: not a store", o->path);
		return -EINVAL;
	}
	err = ask_target(name, o);
	if (err)
		return err;
	o->root = open(o->target, O_PATH | O_CLOEXEC);
	if (o->root < 0)
		return cannot(name, o->target, -errno, NULL);
	if (fstatat(o->dir, ".vufs/format", &st, AT_SYMLINK_NOFOLLOW) == 0)
		o->begun = st.st_mtim;
	return 0;
}

int opened_open(const char *name, const char *operand, bool change,
		struct opened *o)
{
	struct store_message why = { "" };
	int err;

	*o = (struct opened){ .dir = -1, .root = -1 };
	err = find(name, operand, o);
	if (!err)
		err = open_both(name, o);
	if (!err) {
		err = store_open(o->dir, o->root, o->target,
				 change ? 0 : STORE_RDONLY, &o->store, &why);
		if (err)
			cannot(name, o->path, err, &why);
	}
	if (err)
		opened_close(o);
	return err;
}

void opened_close(struct opened *o)
{
	if (o->store)
		store_close(o->store);
	if (o->dir >= 0)
		close(o->dir);
	if (o->root >= 0)
		close(o->root);
	free(o->path);
	free(o->target);
	*o = (struct opened){ .dir = -1, .root = -1 };
}

/* Fold "." and ".." and doubled slashes of an absolute path, in place. */
static void fold(char *path)
{
	char *out = path, *in = path;

	while (*in) {
		size_t len;

		in += strspn(in, "/");
		len = strcspn(in, "/");
		if (len == 2 && !memcmp(in, "..", 2)) {
			while (out > path && *--out != '/')
				;
		} else if (len && !(len == 1 && *in == '.')) {
			*out++ = '/';
			memmove(out, in, len);
			out += len;
		}
		in += len;
	}
	*out = '\0';
}

/* The working directory's own name would do as well, were it not gone. */
static char *absolute(const char *path)
{
	char *cwd, *whole = NULL;

	if (*path == '/')
		return tool_copy(path);
	cwd = getcwd(NULL, 0);
	if (cwd && asprintf(&whole, "%s/%s", cwd, path) < 0)
		whole = NULL;
	free(cwd);
	return whole;
}

char *opened_inside(const char *name, const struct opened *o,
		    const char *path)
{
	size_t len = strlen(o->target);
	char *whole = absolute(path), *inside = NULL;

	if (len && o->target[len - 1] == '/')
		len--;
	if (whole) {
		fold(whole);
		if (!strncmp(whole, o->target, len) &&
		    (whole[len] == '/' || !whole[len]))
			inside = tool_copy(whole + len + (whole[len] == '/'));
	}
	free(whole);
	if (!inside)
		tool_error(name, "%s: not in %s, which the store is of", path,
			   o->target);
	return inside;
}

char *opened_outside(const struct opened *o, const char *path)
{
	size_t len = strlen(o->target);
	char *whole;

	if (len && o->target[len - 1] == '/')
		len--;
	if (asprintf(&whole, "%.*s/%s", (int)len, o->target, path) < 0)
		return tool_copy(path);
	return whole;
}
