/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Each step is such that it can be done once more, when nobody knows whether
 * it has been: a file is finished under another name and then renamed, what
 * is removed may be gone already, what was put aside may be there already.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "store/copy.h"
#include "store/orig.h"
#include "tools/commit.h"
#include "tools/tool.h"

/* A name of the target as its directory's descriptor and the last part. */
struct spot {
	int dir;
	const char *name;	/* "." for the target itself */
};

static int spot_open(const struct opened *o, const char *path, struct spot *s)
{
	const char *slash = strrchr(path, '/');
	char *parent = tool_copy(path);

	parent[slash ? slash - path : 0] = '\0';
	s->name = slash ? slash + 1 : *path ? path : ".";
	s->dir = store_open_target(o->store, parent);
	free(parent);
	return s->dir < 0 ? s->dir : 0;
}

static bool spot_has(const struct spot *s, struct stat *st)
{
	return fstatat(s->dir, s->name, st, AT_SYMLINK_NOFOLLOW) == 0;
}

/* --- attributes ---------------------------------------------------------- */

static int set_owner(struct doing *d, const struct step *s, int fd)
{
	struct stat now;

	if (fstat(fd, &now) < 0)
		return -errno;
	if (now.st_uid == s->st.st_uid && now.st_gid == s->st.st_gid)
		return 0;
	if (fchownat(fd, "", s->st.st_uid, s->st.st_gid, AT_EMPTY_PATH) == 0)
		return 0;
	if (errno != EPERM && errno != EINVAL)
		return -errno;
	d->warned = true;
	d->warn(d, s, "its owner cannot be set");
	return 0;
}

/* After the owner, which clears set-id bits: not given to another. */
static int set_mode(const struct step *s, int fd)
{
	mode_t mode = s->st.st_mode & 07777;
	char link[32];
	struct stat now;

	if (S_ISLNK(s->st.st_mode))
		return 0;
	if (fstat(fd, &now) < 0)
		return -errno;
	if (now.st_uid != s->st.st_uid)
		mode &= ~(S_ISUID | S_ISGID);
	if ((now.st_mode & 07777) == mode)
		return 0;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return chmod(link, mode) < 0 ? -errno : 0;
}

/* Another owner takes capabilities away; those that are there are meant. */
static int set_owner_of_capable(struct doing *d, const struct step *s, int fd)
{
	char link[32], caps[64];
	ssize_t n;
	int err;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = getxattr(link, XATTR_NAME_CAPS, caps, sizeof(caps));
	err = set_owner(d, s, fd);
	if (!err && n > 0)
		setxattr(link, XATTR_NAME_CAPS, caps, n, 0);
	return err;
}

static int set_told(struct doing *d, const struct step *s, int fd)
{
	const struct timespec times[2] = {
		{ .tv_nsec = UTIME_OMIT }, s->st.st_mtim,
	};
	int err = set_owner_of_capable(d, s, fd);

	if (!err)
		err = set_mode(s, fd);
	/* Who may write may not set times: then they are those of a write. */
	if (!err && utimensat(fd, "", times, AT_EMPTY_PATH) < 0 &&
	    errno != EPERM && errno != EACCES)
		err = -errno;
	return err;
}

static int set_told_at(struct doing *d, const struct step *s, int dir,
		       const char *name)
{
	int fd = openat(dir, name, O_PATH | O_NOFOLLOW | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = set_told(d, s, fd);
	close(fd);
	return err;
}

static int do_attr(struct doing *d, const struct step *s)
{
	int fd = store_open_target(d->o->store, s->path), own, err = 0;
	struct copy_plan plan = { .flags = COPY_NO_OWNER };

	if (fd < 0)
		return fd;
	own = s->from ? store_open_own(d->o->store, s->path) : -ENOENT;
	if (own >= 0) {
		err = copy_attributes(own, fd, &plan, NULL);
		close(own);
	}
	if (!err)
		err = set_told(d, s, fd);
	close(fd);
	return err;
}

/* --- making -------------------------------------------------------------- */

/* Something finished takes its name, from whatever has it. */
static int take_place(const struct spot *s, int from, const char *name)
{
	struct stat st, new;
	int err = 0;

	if (fstatat(from, name, &new, AT_SYMLINK_NOFOLLOW) < 0)
		return -errno;
	if (spot_has(s, &st) && (S_ISDIR(st.st_mode) || S_ISDIR(new.st_mode)))
		err = remove_tree(s->dir, s->name);
	if (!err && renameat(from, name, s->dir, s->name) < 0)
		err = -errno;
	return err;
}

static int make_unfinished(struct doing *d, const struct step *s, int dir,
			   const char *name)
{
	struct copy_plan plan = { .flags = COPY_SYNC | COPY_NO_OWNER,
				  .progress = d->progress, .ctx = d->ctx };
	int own = store_open_own(d->o->store, s->path), err;
	struct stat st;

	if (own < 0)
		return own;
	err = fstat(own, &st) < 0 ? -errno : 0;
	if (!err)
		err = remove_tree(dir, name);
	if (!err && (st.st_mode & S_IFMT) == (s->st.st_mode & S_IFMT))
		err = copy_object(own, dir, name, &plan, NULL);
	else if (!err && mknodat(dir, name, s->st.st_mode & S_IFMT,
				 s->st.st_rdev) < 0)
		err = -errno;
	/* A device that is one only in the view, of who may make none. */
	if (err == -EPERM && (S_ISCHR(s->st.st_mode) ||
			      S_ISBLK(s->st.st_mode)))
		err = -ENODEV;
	close(own);
	return err;
}

static int replace_file(struct doing *d, const struct step *s)
{
	char name[STEP_NAME];
	struct spot spot;
	int err = spot_open(d->o, s->path, &spot);

	if (err)
		return err;
	err = make_unfinished(d, s, spot.dir, step_name(d->o, name));
	if (!err)
		err = set_told_at(d, s, spot.dir, name);
	if (!err)
		err = take_place(&spot, spot.dir, name);
	if (err)
		unlinkat(spot.dir, name, 0);
	close(spot.dir);
	return err;
}

static int write_content(struct doing *d, int own, int target)
{
	struct copy_plan plan = { .progress = d->progress, .ctx = d->ctx };
	int from = copy_reopen(own, O_RDONLY), to, err;

	if (from < 0)
		return from;
	to = copy_reopen(target, O_WRONLY | O_TRUNC);
	err = to < 0 ? to : copy_content(from, to, &plan);
	if (!err && fsync(to) < 0)
		err = -errno;
	if (to >= 0)
		close(to);
	close(from);
	return err;
}

static int do_content(struct doing *d, const struct step *s)
{
	int target = store_open_target(d->o->store, s->path);
	int own = store_open_own(d->o->store, s->path);
	int err = target < 0 ? target : own < 0 ? own : 0;

	if (!err)
		err = write_content(d, own, target);
	if (!err)
		err = set_told(d, s, target);
	if (target >= 0)
		close(target);
	if (own >= 0)
		close(own);
	return err;
}

/* In a directory that we may not write in, a file may be open to us yet. */
static int do_file(struct doing *d, const struct step *s)
{
	int err = replace_file(d, s);

	if (err == -ENODEV) {
		d->warned = true;
		d->warn(d, s, "a device that cannot be made");
		return 0;
	}
	if ((err == -EACCES || err == -EPERM) && S_ISREG(s->st.st_mode) &&
	    do_content(d, s) == 0)
		return 0;
	return err;
}

static int do_link(struct doing *d, const struct step *s)
{
	char name[STEP_NAME];
	struct spot spot, other;
	int err = spot_open(d->o, s->path, &spot);

	if (err)
		return err;
	step_name(d->o, name);
	err = spot_open(d->o, s->from, &other);
	if (!err) {
		err = remove_tree(spot.dir, name);
		if (!err && linkat(other.dir, other.name, spot.dir, name,
				   0) < 0)
			err = -errno;
		close(other.dir);
	}
	if (!err)
		err = take_place(&spot, spot.dir, name);
	/* A rename between two names of one file leaves both. */
	unlinkat(spot.dir, name, 0);
	close(spot.dir);
	return err;
}

static int do_mkdir(struct doing *d, const struct step *s)
{
	struct spot spot;
	struct stat st;
	int err = spot_open(d->o, s->path, &spot);

	if (err)
		return err;
	if (spot_has(&spot, &st) && !S_ISDIR(st.st_mode) &&
	    unlinkat(spot.dir, spot.name, 0) < 0)
		err = -errno;
	if (!err && mkdirat(spot.dir, spot.name, 0700) < 0 && errno != EEXIST)
		err = -errno;
	close(spot.dir);
	return err;
}

/* --- moving and removing ------------------------------------------------- */

/* From one file system to another. */
static int move_by_copy(struct doing *d, const struct spot *a,
			const struct spot *b)
{
	char name[STEP_NAME];
	int err = copy_tree(a->dir, a->name, b->dir, step_name(d->o, name));

	if (!err)
		err = take_place(b, b->dir, name);
	if (err)
		remove_tree(b->dir, name);
	return err ? err : remove_tree(a->dir, a->name);
}

/* What is not there any more has been moved already. */
static int move(struct doing *d, const char *from, const char *to)
{
	struct spot a, b;
	struct stat st;
	int err = spot_open(d->o, from, &a);

	if (err)
		return err;
	err = spot_open(d->o, to, &b);
	if (err) {
		close(a.dir);
		return err;
	}
	if (spot_has(&a, &st))
		err = take_place(&b, a.dir, a.name);
	else if (!spot_has(&b, &st))
		err = -ENOENT;
	if (err == -EXDEV)
		err = move_by_copy(d, &a, &b);
	close(a.dir);
	close(b.dir);
	return err;
}

static int do_remove(struct doing *d, const struct step *s)
{
	struct spot spot;
	int err = spot_open(d->o, s->path, &spot);

	if (err)
		return err == -ENOENT || err == -ENOTDIR ? 0 : err;
	err = remove_tree(spot.dir, spot.name);
	close(spot.dir);
	return err;
}

/* --- the store ----------------------------------------------------------- */

static int do_forget(struct doing *d, const struct step *s)
{
	const char *path[] = { s->path, s->from };
	int err;

	store_change(d->o->store);
	err = store_forget(d->o->store, path, s->from ? 2 : 1);
	store_changed(d->o->store);
	return err;
}

/* Its object is that of the store, from now on. */
static void note(struct doing *d, const struct step *s)
{
	int fd = store_open_target(d->o->store, s->path);
	struct stat st;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0)
		orig_note_target(d->o->store, s->path, &st);
	close(fd);
}

int step_do(struct doing *d, const struct step *s)
{
	int err = -EINVAL;

	switch (s->op) {
	case STEP_STASH:
	case STEP_PUT: err = move(d, s->from, s->path); break;
	case STEP_MKDIR: err = do_mkdir(d, s); break;
	case STEP_FILE: err = do_file(d, s); break;
	case STEP_CONTENT: err = do_content(d, s); break;
	case STEP_LINK: err = do_link(d, s); break;
	case STEP_REMOVE: err = do_remove(d, s); break;
	case STEP_ATTR: err = do_attr(d, s); break;
	case STEP_FORGET: return do_forget(d, s);
	case STEP_EMPTY: return store_empty(d->o);
	default: break;
	}
	if (!err && s->op != STEP_STASH && s->op != STEP_REMOVE)
		note(d, s);
	return err;
}
