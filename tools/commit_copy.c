/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include "store/copy.h"
#include "tools/commit.h"

enum { DEPTH_MAX = 1000 };

static int copy_at(int from, const char *name, int to, const char *new_name,
		   unsigned depth);

/* What is in it; the descriptor from is closed. */
static int copy_entries(int from, int to, unsigned depth)
{
	DIR *d = fdopendir(from);
	struct dirent *e;
	int err = 0;

	if (!d) {
		close(from);
		return -ENOMEM;
	}
	while (!err && (e = readdir(d))) {
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			err = copy_at(dirfd(d), e->d_name, to, e->d_name,
				      depth + 1);
	}
	closedir(d);
	return err;
}

/* It has its attributes again when nothing more is made in it. */
static int fill_directory(int source, int to, const char *new_name,
			  struct copy_done *done, unsigned depth)
{
	int made, from, err;

	/* Open to us as long as it is filled. */
	if (fchmodat(to, new_name, 0700, 0) < 0)
		return -errno;
	made = openat(to, new_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
		      O_CLOEXEC);
	if (made < 0)
		return -errno;
	from = copy_reopen(source, O_RDONLY | O_DIRECTORY);
	err = from < 0 ? from : copy_entries(from, made, depth);
	if (!err)
		err = copy_attributes(source, made, NULL, done);
	close(made);
	return err;
}

static int copy_at(int from, const char *name, int to, const char *new_name,
		   unsigned depth)
{
	static const struct copy_plan plan = { .flags = COPY_SYNC };
	struct copy_done done;
	int source, err;

	if (depth > DEPTH_MAX)
		return -ELOOP;
	source = openat(from, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (source < 0)
		return -errno;
	err = copy_object(source, to, new_name, &plan, &done);
	if (!err && S_ISDIR(done.origin.st_mode))
		err = fill_directory(source, to, new_name, &done, depth);
	close(source);
	return err;
}

int copy_tree(int from, const char *name, int to, const char *new_name)
{
	int err = remove_tree(to, new_name);

	return err ? err : copy_at(from, name, to, new_name, 0);
}
