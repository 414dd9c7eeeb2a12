/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store's files. Each step that changes something goes through store_step():
 * a test interrupts there. Steps of one record can be done again, wherever
 * they were interrupted.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "store/copy.h"
#include "store/orig.h"
#include "store/store_internal.h"

void (*store_step_hook)(const char *what);

void store_step(const char *what)
{
	if (store_step_hook)
		store_step_hook(what);
}

int open_below(int dir, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS,
	};
	long fd;

	if (!*path)
		path = ".";
	do
		fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN);
	return fd < 0 ? -errno : (int)fd;
}

int stat_below(int dir, const char *path, struct stat *st)
{
	int fd = open_below(dir, path, O_PATH | O_NOFOLLOW);
	int err;

	if (fd < 0)
		return fd;
	err = fstat(fd, st) ? -errno : 0;
	close(fd);
	return err;
}

int stat_own(const struct store *s, const char *path, struct stat *st)
{
	const char *name;
	int fd;

	if (!*path)
		return stat_below(s->dir, path, st);
	fd = own_parent(s, path, &name);
	if (fd < 0)
		return fd;
	return fstatat(fd, name, st, AT_SYMLINK_NOFOLLOW) ? -errno : 0;
}

int remove_own(struct store *s, const char *path)
{
	const char *name;
	int fd, err;

	dirs_forget(s, path);
	fd = own_parent(s, path, &name);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	store_step("unlink");
	err = unlinkat(fd, name, 0) ? -errno : 0;
	if (err == -EISDIR || err == -EPERM)
		err = unlinkat(fd, name, AT_REMOVEDIR) ? -errno : 0;
	return err == -ENOENT ? 0 : err;
}

static int rename_own(struct store *s, const char *from, const char *to,
		      unsigned flags)
{
	const char *name, *new_name;
	int fd, new_fd;

	dirs_forget(s, from);
	dirs_forget(s, to);
	fd = own_parent(s, from, &name);
	new_fd = fd < 0 ? fd : own_parent(s, to, &new_name);
	if (new_fd < 0)
		return new_fd;
	store_step("rename");
	return renameat2(fd, name, new_fd, new_name, flags) ? -errno : 0;
}

/* Rename if it is there still. */
static int bring(struct store *s, const char *from, const char *to)
{
	int err = rename_own(s, from, to, 0);

	return err == -ENOENT ? 0 : err;
}

static int swap_own(struct store *s, const struct record *r)
{
	struct stat st;
	int err;

	if (!(r->flags & RECORD_OWN_TO))
		return bring(s, r->path, r->to);
	if (!(r->flags & RECORD_OWN))
		return bring(s, r->to, r->path);
	err = stat_own(s, r->path, &st);
	if (err || st.st_ino != r->ino)
		return err;
	return rename_own(s, r->path, r->to, RENAME_EXCHANGE);
}

int redo_steps(struct store *s, const struct record *r)
{
	switch (r->op) {
	case RECORD_UNLINK:
		return remove_own(s, r->path);
	case RECORD_MOVE:
		if (r->flags & RECORD_OWN)
			return bring(s, r->path, r->to);
		return r->flags & RECORD_OWN_TO ? remove_own(s, r->to) : 0;
	case RECORD_SWAP:
		return swap_own(s, r);
	default:
		return 0;
	}
}

/* --- directories --- */

void set_times(int fd, const struct stat *st)
{
	const struct timespec times[2] = { st->st_atim, st->st_mtim };
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	utimensat(AT_FDCWD, link, times, 0);
}

void set_attributes(int fd, const struct store_attr *a)
{
	struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_OMIT },
	};
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	/* what we may not set is only told */
	if (a->set & (STORE_UID | STORE_GID))
		(void)!chown(link, a->set & STORE_UID ? a->uid : (uid_t)-1,
			     a->set & STORE_GID ? a->gid : (gid_t)-1);
	if (a->set & STORE_MODE)
		chmod(link, (a->mode & 07777) | (geteuid() ? 0700 : 0));
	if (a->set & STORE_ATIME)
		times[0] = a->atime;
	if (a->set & STORE_MTIME)
		times[1] = a->mtime;
	utimensat(AT_FDCWD, link, times, 0);
}

/*
 * A directory of the store for one of the target's, with its attributes as
 * far as possible: those who may do something in it shall be the same.
 * Its owner, when that is us, can always work in it.
 */
static int dress(struct store *s, int dir, const char *name,
		 const struct seen *at)
{
	const struct copy_plan plan = { .extra = geteuid() ? 0700 : 0 };
	struct store_object like;
	struct store_attr told;
	int fd, err;

	fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	err = target_find(s, at->origin, &like);
	if (err) {
		close(fd);
		return err == -ENOENT || err == -ENOTDIR ? 0 : err;
	}
	/* what a store below has of it, has its extended attributes */
	err = copy_attributes(like.below >= 0 ? like.below : like.fd, fd,
			      &plan, NULL);
	if (!err && s->nparts) {
		target_attr(&like.under, &told);
		set_attributes(fd, &told);
	}
	if (!err && at->node)
		set_attributes(fd, &at->node->attr);
	store_drop(&like);
	close(fd);
	return err;
}

/* Make a directory of the store that the target has, below dir. */
static int make_one(struct store *s, int dir, const char *name,
		    const struct seen *at)
{
	struct stat st;
	bool known = !fstat(dir, &st);
	char work[32];
	int wd = store_work(s, work), err;

	if (wd < 0)
		return wd;
	store_step("mkdir");
	if (mkdirat(wd, work, 0700))
		return -errno;
	err = dress(s, wd, work, at);
	if (!err) {
		store_step("rename");
		err = renameat2(wd, work, dir, name, RENAME_NOREPLACE) ?
		      -errno : 0;
		if (err == -EINVAL)	/* cannot say "no replace" */
			err = renameat(wd, work, dir, name) ? -errno : 0;
	}
	if (err)
		unlinkat(wd, work, AT_REMOVEDIR);
	/* for the view nothing has changed in the one above */
	if (known && !err)
		set_times(dir, &st);
	return err == -EEXIST ? 0 : err;
}

static int note_own(struct store *s, const char *path)
{
	struct node *n;

	change_begin(s);
	n = known_make(s->tree, path);
	if (n)
		n->flags |= NODE_STORE;
	change_end(s);
	return n ? 0 : -ENOMEM;
}

/* The next directory down: opened, or made. dir is closed. */
static int descend(struct store *s, int dir, const char *name,
		   const struct seen *at)
{
	int fd = openat(dir, name, O_PATH | O_DIRECTORY | O_NOFOLLOW |
			O_CLOEXEC);
	int err = fd < 0 ? -errno : 0;

	if (err == -ENOENT && at->target) {
		err = make_one(s, dir, name, at);
		if (!err) {
			fd = openat(dir, name, O_PATH | O_DIRECTORY |
				    O_NOFOLLOW | O_CLOEXEC);
			err = fd < 0 ? -errno : 0;
		}
	}
	close(dir);
	return err ?: fd;
}

/* One that is there, and those above it, and all of that is known. */
static int open_known_dir(struct store *s, const char *path)
{
	struct seen at;

	if (*path && (seen_at(s, path, &at) || at.store == HAS_NOT))
		return -ENOENT;
	return open_below(s->dir, path, O_PATH | O_DIRECTORY | O_NOFOLLOW);
}

int store_make_dir(struct store *s, const char *path)
{
	const char *rest = path, *name;
	char prefix[PATH_MAX];
	struct seen at;
	size_t len, n;
	int fd = open_known_dir(s, path), err = 0;

	if (fd != -ENOENT)
		return fd;
	fd = open_below(s->dir, "", O_PATH | O_DIRECTORY);
	while (fd >= 0 && (len = path_step(&rest, &name))) {
		n = rest - path;
		memcpy(prefix, path, n);
		prefix[n] = '\0';
		err = seen_at(s, prefix, &at);
		if (err)
			break;
		fd = descend(s, fd, prefix + n - len, &at);
		if (fd >= 0 && at.store == HAS_NOT)
			err = note_own(s, prefix);
		if (err)
			break;
		/* in a directory of the store the disk counts it from now on */
		if (at.store == HAS_NOT)
			recount(s, prefix);
	}
	if (err && fd >= 0)
		close(fd);
	return err ?: fd;
}

/* --- unfinished objects --- */

int store_work(struct store *s, char name[32])
{
	if (s->work < 0)
		return -EROFS;
	snprintf(name, 32, "%08x.%u", s->opening, s->works++);
	return s->work;
}

static int put_in_place(struct store *s, const char *work, const char *path,
			int dir, const struct store_attr *attr)
{
	size_t n;
	const char *name = path_last(path, &n);
	struct node *node;
	struct stat st;
	int err = 0;

	/* what is told of a copy is told of what it is a copy of as well */
	if (attr && attr->set)
		err = log_one(s, (struct record){ .op = RECORD_ATTR,
						  .path = path, .attr = *attr });
	if (err)
		return err;
	node = known_make(s->tree, path);
	if (!node)
		return -ENOMEM;
	/* its number may have been that of something that is gone */
	if (!fstatat(s->work, work, &st, AT_SYMLINK_NOFOLLOW))
		told_forget(s, &st);
	store_step("rename");
	if (renameat(s->work, work, dir, name))
		return -errno;
	node->flags |= NODE_STORE;
	return 0;
}

int make_parent_dir(struct store *s, const char *path)
{
	char parent[PATH_MAX];
	size_t n;

	path_last(path, &n);
	memcpy(parent, path, n);
	parent[n] = '\0';
	return store_make_dir(s, parent);
}

int store_place(struct store *s, const char *work, const char *path,
		bool copy, const struct store_attr *attr)
{
	int fd = make_parent_dir(s, path), err;
	struct stat st;

	if (fd < 0)
		return fd;
	if (fstat(fd, &st)) {
		err = -errno;
	} else {
		orig_note(s, path);
		change_begin(s);
		err = put_in_place(s, work, path, fd, attr);
		/* for the view the directory is as it was */
		if (!err && copy)
			set_times(fd, &st);
		change_end(s);
	}
	close(fd);
	return err;
}
