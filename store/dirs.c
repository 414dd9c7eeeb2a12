/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Directories of the store that are open
 *
 * Most changes come in rows: of one directory, name by name, and each looks at
 * it several times. So the last two are kept (two, for a rename). They belong
 * to whoever has the change lock, or the store for himself; an object that
 * was found so (held) may outlive that.
 *
 * A directory of the store is moved by rename_own() and removed by remove_own()
 * alone, which have it forgotten, with all below it. It has been opened without
 * meeting a symlink, and none comes to be above it before that.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_internal.h"

struct open_dir {
	atomic_uint refs;
	int fd;
	size_t len;
	char path[];
};

void dirs_put(struct open_dir *d)
{
	if (!d || atomic_fetch_sub(&d->refs, 1) != 1)
		return;
	close(d->fd);
	free(d);
}

static struct open_dir *dir_open(struct store *s, const char *path, size_t len,
				 int *err)
{
	struct open_dir *d = malloc(sizeof(*d) + len + 1);

	*err = -ENOMEM;
	if (!d)
		return NULL;
	memcpy(d->path, path, len);
	d->path[len] = '\0';
	d->len = len;
	d->refs = 1;
	d->fd = open_below(s->dir, d->path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
	*err = d->fd < 0 ? d->fd : 0;
	if (d->fd >= 0)
		return d;
	free(d);
	return NULL;
}

/* The first is the one that was asked for last. */
static struct open_dir *get(struct store *s, const char *path, size_t len,
			    int *err)
{
	struct open_dir **dir = s->dirs, *d;

	for (size_t i = 0; i < STORE_DIRS; i++) {
		d = dir[i];
		if (!d || d->len != len || memcmp(d->path, path, len))
			continue;
		memmove(dir + 1, dir, i * sizeof(*dir));
		dir[0] = d;
		return d;
	}
	d = dir_open(s, path, len, err);
	if (!d)
		return NULL;
	dirs_put(dir[STORE_DIRS - 1]);
	memmove(dir + 1, dir, (STORE_DIRS - 1) * sizeof(*dir));
	dir[0] = d;
	return d;
}

struct open_dir *dirs_get(struct store *s, const char *path, int *fd)
{
	struct open_dir *d = get(s, path, strlen(path), fd);

	if (d) {
		atomic_fetch_add(&d->refs, 1);
		*fd = d->fd;
	}
	return d;
}

int own_parent(const struct store *s, const char *path, const char **name)
{
	struct open_dir *d;
	size_t len;
	int err;

	*name = path_last(path, &len);
	/* what is open belongs to who may change */
	d = get((struct store *)s, path, len, &err);
	return d ? d->fd : err;
}

void dirs_forget(struct store *s, const char *path)
{
	for (size_t i = 0; i < STORE_DIRS; i++)
		if (s->dirs[i] && path_within(s->dirs[i]->path, path)) {
			dirs_put(s->dirs[i]);
			s->dirs[i] = NULL;
		}
}
