/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening for writing, and new files.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "mod/vufs/change.h"
#include "mod/vufs/layer.h"
#include "store/copy.h"

static int open_fd(int fd, int flags)
{
	char link[32];
	int got;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	got = open(link, (flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) |
		   O_CLOEXEC);
	return got < 0 ? -errno : got;
}

/*
 * Does what was recorded of a directory let the caller open it, who has been
 * found to be allowed? Nobody could record it who may not by the kernel, too.
 */
static bool is_given(const struct layer *l, const struct store_object *o)
{
	return l->mode == LAYER_COW && S_ISDIR(o->st.st_mode);
}

static int reopen_once(struct vu_ctx *ctx, struct layer *l,
		       const struct store_object *o, int flags, bool waived)
{
	int got;

	if (l->flags & LAYER_VSTAT)
		return open_fd(o->fd, flags);
	vu_as_caller(ctx);
	got = open_fd(o->fd, flags);
	vu_as_self(ctx);
	if (got == -EACCES && (waived || is_given(l, o)))
		got = open_fd(o->fd, flags);
	return got;
}

/*
 * Who has a lease on a file is given time by the kernel, and who opens it
 * waits: others are not to wait with him, so the change lock is given back.
 */
static int reopen(struct vu_ctx *ctx, struct layer *l,
		  const struct store_object *o, int flags, bool waived)
{
	bool may_block = S_ISREG(o->real.st_mode) && !(flags & O_NONBLOCK);
	int got;

	if (!may_block)
		return reopen_once(ctx, l, o, flags, waived);
	do {
		got = reopen_once(ctx, l, o, flags | O_NONBLOCK, waived);
		if (got != -EAGAIN)
			break;
		got = wait_unlocked(ctx, l);
	} while (!got);
	if (got >= 0)
		fcntl(got, F_SETFL, flags & ~O_NONBLOCK);
	return got;
}

static int wanted(int flags)
{
	static const int want[] = { R_OK, W_OK, R_OK | W_OK, R_OK | W_OK };

	return want[flags & O_ACCMODE] | (flags & O_TRUNC ? W_OK : 0);
}

static bool changes(int flags)
{
	return wanted(flags) & W_OK;
}

/*
 * A device that only is told of cannot be had; but for those that are in
 * every system, which do not lead to anything.
 */
static int open_told(const struct store_object *o, int flags)
{
	static const struct {
		unsigned minor;
		const char *name;
	} harmless[] = {
		{ 3, "/dev/null" }, { 5, "/dev/zero" }, { 7, "/dev/full" },
		{ 8, "/dev/random" }, { 9, "/dev/urandom" },
	};
	int fd;

	if (!S_ISCHR(o->st.st_mode) || major(o->st.st_rdev) != 1)
		return -ENXIO;
	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++)
		if (minor(o->st.st_rdev) == harmless[i].minor) {
			fd = open(harmless[i].name,
				  flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW));
			return fd < 0 ? -errno : fd;
		}
	return -ENXIO;
}

/* Write to the target's file, where that is meant. -EACCES...: not there */
static int open_target(struct vu_ctx *ctx, const struct spot *sp, int flags)
{
	int got;

	vu_as_caller(ctx);
	got = open_fd(sp->obj.fd, flags);
	vu_as_self(ctx);
	return got;
}

/*
 * A program that runs cannot be written to. Of the store's own the kernel says
 * so, but whoever runs the target's has not got its copy.
 */
static int may_write(struct vu_ctx *ctx, const struct store_object *o)
{
	if (!S_ISREG(o->st.st_mode) || !(o->st.st_mode & 0111))
		return 0;
	return vu_executed(ctx, &o->st) ? -ETXTBSY : 0;
}

/*
 * In vstat: what somebody writes to does not run as its owner or group any more.
 * The kernel sees to that when he does, but not to what is only told; so it
 * happens when he could.
 */
static int drop_setid(struct vu_ctx *ctx, struct layer *l, struct spot *sp)
{
	struct store_attr a = { .set = STORE_MODE };
	mode_t mode = sp->obj.st.st_mode;

	if (!(l->flags & LAYER_VSTAT) || !S_ISREG(mode) ||
	    has_cap(ctx, CAP_FSETID))
		return 0;
	a.mode = without_setgid(ctx, &sp->obj.st, mode & ~S_ISUID);
	if (mode & S_IXGRP)
		a.mode &= ~S_ISGID;
	if (a.mode == mode)
		return 0;
	return store_set_attr(l->s, sp->path, &sp->obj, &a);
}

/*
 * A directory of the target that the caller may read by what he is told, and
 * the kernel lets nobody here read. What it has is not there: so it is the
 * store's beneath, which has what was made in it.
 */
static int open_unseen(struct layer *l, const struct spot *sp, int flags)
{
	int dir, got;

	if (l->flags & LAYER_RDONLY)
		return -EACCES;
	dir = store_make_dir(l->s, sp->path);
	if (dir < 0)
		return dir;
	got = openat(dir, ".", flags | O_CLOEXEC);
	got = got < 0 ? -errno : got;
	close(dir);
	return got;
}

static int open_in_store(struct vu_ctx *ctx, struct layer *l, struct spot *sp,
			 int flags, bool waived)
{
	bool empty = flags & O_TRUNC && S_ISREG(sp->obj.st.st_mode);
	bool copies = !empty && !sp->obj.in_store;
	struct timespec ctime = sp->obj.st.st_ctim;
	int err = 0;

	if (!waived)
		err = permits(ctx, l, &sp->obj, wanted(flags));
	if (instead(ctx, l, err, &waived))
		err = 0;
	if (!err && changes(flags))
		err = may_write(ctx, &sp->obj);
	/* a FIFO or a device is not changed by writing to it */
	if (!err && changes(flags) && S_ISREG(sp->obj.st.st_mode)) {
		err = copy_up(ctx, l, sp->path, empty ? COPY_NO_CONTENT : 0,
			      waived, &sp->obj);
		if (!err && (sp->obj.st.st_mode & 0111))
			xattr_forget_caps(l, &sp->obj);
		if (!err)
			err = drop_setid(ctx, l, sp);
	}
	if (!err && copies && sp->obj.in_store)
		store_keep_ctime(l->s, &sp->obj, &ctime);
	/* others wait for the lock: a FIFO without a peer must not */
	if (!err && S_ISFIFO(sp->obj.real.st_mode))
		flags |= O_NONBLOCK;
	err = err ?: reopen(ctx, l, &sp->obj, flags, waived);
	if (err == -EACCES && S_ISDIR(sp->obj.st.st_mode) &&
	    !sp->obj.in_store && is_shut_out(ctx, l) &&
	    !permits(ctx, l, &sp->obj, wanted(flags)))
		err = open_unseen(l, sp, flags);
	return err;
}

/*
 * A file that the caller may change by what he is told, and the kernel lets
 * nobody here read: there is nothing to copy, as if it were not there.
 */
static bool is_unseen(struct vu_ctx *ctx, struct layer *l,
		      const struct spot *sp, int flags)
{
	return changes(flags) && !(flags & O_TRUNC) &&
	       S_ISREG(sp->obj.st.st_mode) && !sp->obj.in_store && is_shut_out(ctx, l) &&
	       !permits(ctx, l, &sp->obj, wanted(flags)) &&
	       may_read_really(ctx, &sp->obj) == -EACCES;
}

static int open_spot(struct vu_ctx *ctx, struct layer *l, struct spot *sp,
		     int flags)
{
	bool waived = false;
	int got, refused = 0;

	if (S_ISLNK(sp->obj.st.st_mode))
		return -ELOOP;
	if (S_ISDIR(sp->obj.st.st_mode) && changes(flags))
		return -EISDIR;
	if ((sp->obj.st.st_mode ^ sp->obj.real.st_mode) & S_IFMT) {
		got = permits(ctx, l, &sp->obj, wanted(flags));
		return got ?: open_told(&sp->obj, flags);
	}
	if (is_target(l, &sp->obj)) {
		got = open_target(ctx, sp, flags);
		if (!instead(ctx, l, got, &waived))
			return got;
		refused = got;
	} else if (l->mode == LAYER_MERGE && changes(flags)) {
		return -EROFS;
	}
	if (is_unseen(ctx, l, sp, flags))
		return -ENOENT;
	got = open_in_store(ctx, l, sp, flags, waived);
	/* if it cannot be in the store either, the first answer counts */
	return got == -EACCES && refused ? refused : got;
}

int layer_open(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
	       int flags)
{
	struct layer *l = layer_of(m);
	struct spot sp;
	int got = spot_begin(ctx, l, path, &sp);

	if (got == -EROFS && !changes(flags))
		got = spot_look(l, path, &sp);
	if (!got)
		got = sp.obj.fd < 0 ? -ENOENT : open_spot(ctx, l, &sp, flags);
	spot_end(ctx, l, &sp);
	return got;
}

/* --- new files --- */

static int create_new(struct vu_ctx *ctx, struct layer *l, struct spot *sp,
		      int flags, mode_t mode)
{
	const struct make mk = { .mode = mode & 07777, .flags = flags };
	bool waived = false;
	int got;

	if (could_be_real(l, sp)) {
		vu_as_caller(ctx);
		got = make_at(sp->dir.fd, sp->name, &mk);
		vu_as_self(ctx);
		if (!instead(ctx, l, got, &waived))
			return got;
	}
	got = may_add(ctx, l, sp, waived);
	if (instead(ctx, l, got, &waived))
		got = 0;
	return got ?: make_in_store(ctx, l, sp, &mk, waived);
}

static void tell_nameless(struct vu_ctx *ctx, struct layer *l,
			  const struct spot *in, int fd, mode_t mode)
{
	const struct make mk = { .mode = S_IFREG | (mode & 07777) };
	struct store_attr a;
	struct stat st;

	told_of_new(ctx, l, in, &mk, &a);
	if (a.set && !fstat(fd, &st))
		store_tell_nameless(l->s, &st, &a);
}

/* A file without a name, in the directory that obj is. */
static int create_nameless(struct vu_ctx *ctx, struct layer *l,
			   struct spot *sp, int flags, mode_t mode)
{
	const struct spot in = { .dir = sp->obj };
	bool waived = false, inherits;
	int dir, got, err;

	if (sp->obj.fd < 0 || !S_ISDIR(sp->obj.st.st_mode))
		return sp->obj.fd < 0 ? -ENOENT : -ENOTDIR;
	if (is_target(l, &sp->obj)) {
		vu_as_caller(ctx);
		got = openat(sp->obj.fd, ".", flags | O_CLOEXEC, mode);
		err = got < 0 ? -errno : 0;
		vu_as_self(ctx);
		if (!instead(ctx, l, err, &waived))
			return err ?: got;
	}
	err = may_add(ctx, l, &in, waived);
	dir = err ? err : store_make_dir(l->s, sp->path);
	if (dir < 0)
		return dir;
	inherits = inherit_acl(l, dir, &mode);
	if (!(l->flags & LAYER_VSTAT))
		vu_as_caller(ctx);
	got = openat(dir, ".", flags | O_CLOEXEC,
		     l->flags & LAYER_VSTAT ? real_mode(mode) : mode);
	err = got < 0 ? -errno : 0;
	vu_as_self(ctx);
	close(dir);
	if (!err && inherits)	/* not less than the monitor needs */
		(void)!fchmod(got, real_mode(mode));
	if (!err)
		tell_nameless(ctx, l, &in, got, mode);
	return err ?: got;
}

static int create_spot(struct vu_ctx *ctx, struct layer *l, struct spot *sp,
		       int flags, mode_t mode)
{
	if ((flags & O_TMPFILE) == O_TMPFILE)
		return l->flags & LAYER_RDONLY ? -EROFS :
		       create_nameless(ctx, l, sp, flags, mode);
	if (sp->obj.fd < 0)
		return create_new(ctx, l, sp, flags, mode);
	if (flags & O_EXCL)
		return -EEXIST;
	if (S_ISDIR(sp->obj.st.st_mode))
		return -EISDIR;
	if ((l->flags & LAYER_RDONLY) && changes(flags))
		return -EROFS;
	return open_spot(ctx, l, sp, flags & ~O_CREAT);
}

int layer_create(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 int flags, mode_t mode)
{
	struct layer *l = layer_of(m);
	struct spot sp;
	int got = spot_begin(ctx, l, path, &sp);

	if (got == -EROFS)	/* what is there can be opened */
		got = spot_look(l, path, &sp) ?: sp.obj.fd < 0 ? -EROFS : 0;
	if (!got)
		got = create_spot(ctx, l, &sp, flags, mode);
	spot_end(ctx, l, &sp);
	return got;
}

static int adopt(struct vu_ctx *ctx, struct layer *l, struct spot *sp, int fd)
{
	struct make mk = { 0 };
	struct store_attr a;
	bool waived = false;
	char link[32];
	struct stat st;
	int err, dir;

	if (fstat(fd, &st))
		return -errno;
	if (sp->obj.fd >= 0)
		return -EEXIST;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	/* one that has a name by now is the store's, or was made real */
	if (!S_ISREG(st.st_mode) ||
	    (st.st_nlink && st.st_dev != l->store_dev && !could_be_real(l, sp)))
		return -EXDEV;
	if (could_be_real(l, sp) && st.st_dev == l->target_dev) {
		vu_as_caller(ctx);
		err = linkat(AT_FDCWD, link, sp->dir.fd, sp->name,
			     AT_SYMLINK_FOLLOW) ? -errno : 0;
		vu_as_self(ctx);
		if (err != -EXDEV && !instead(ctx, l, err, &waived))
			return err;
	}
	if (st.st_dev != l->store_dev)
		return -EXDEV;
	err = may_add(ctx, l, sp, waived);
	dir = err ? err : spot_store_dir(l, sp);
	if (dir < 0)
		return dir;
	store_tell(l->s, &st);
	mk.mode = st.st_mode;
	told_of_new(ctx, l, sp, &mk, &a);
	err = store_prepare(l->s, sp->path, false, &a);
	if (!err && linkat(AT_FDCWD, link, dir, sp->name, AT_SYMLINK_FOLLOW))
		err = -errno;
	if (!err)
		err = store_entered(l->s, sp->path, dir);
	close(dir);
	if (!err)
		spot_touch(l, sp);
	return err;
}

int layer_adopt(struct vu_ctx *ctx, struct vu_mount *m, int fd,
		const char *path)
{
	struct layer *l = layer_of(m);
	struct spot sp;
	int err = spot_begin(ctx, l, path, &sp);

	if (!err)
		err = adopt(ctx, l, &sp, fd);
	spot_end(ctx, l, &sp);
	return err;
}

/* --- cutting --- */

/*
 * By truncate(2), which, unlike ftruncate(2), leaves the times when the size
 * is what it was.
 */
static int cut(int fd, off_t size)
{
	char link[32];

	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return truncate(link, size) ? -errno : 0;
}

static int cut_in_store(struct vu_ctx *ctx, struct layer *l, struct spot *sp,
			off_t size, bool waived)
{
	bool emptied = !size && sp->obj.real.st_size && !sp->obj.in_store;
	int err = waived ? 0 : permits(ctx, l, &sp->obj, W_OK), fd;

	if (instead(ctx, l, err, &waived))
		err = 0;
	if (!err)
		err = may_write(ctx, &sp->obj);
	if (!err)
		err = copy_up(ctx, l, sp->path, emptied ? COPY_NO_CONTENT : 0,
			      waived, &sp->obj);
	if (!err)
		err = drop_setid(ctx, l, sp);
	if (err)
		return err;
	if (emptied) {
		static const struct timespec now[2] = {
			{ .tv_nsec = UTIME_OMIT }, { .tv_nsec = UTIME_NOW },
		};

		return utimensat(sp->obj.fd, "", now, AT_EMPTY_PATH) ?
		       -errno : 0;
	}
	/* while it is open for writing nobody has a lease on it */
	fd = reopen(ctx, l, &sp->obj, O_WRONLY, waived);
	if (fd < 0)
		return fd;
	if (!waived && !(l->flags & LAYER_VSTAT))
		vu_as_caller(ctx);
	err = cut(sp->obj.fd, size);
	vu_as_self(ctx);
	close(fd);
	return err;
}

static int truncate_spot(struct vu_ctx *ctx, struct layer *l,
			 struct spot *sp, off_t size)
{
	bool waived = false;
	int err;

	if (sp->obj.fd < 0)
		return -ENOENT;
	if (S_ISDIR(sp->obj.st.st_mode))
		return -EISDIR;
	if (!S_ISREG(sp->obj.st.st_mode) || size < 0)
		return -EINVAL;
	if (is_target(l, &sp->obj)) {
		vu_as_caller(ctx);
		err = cut(sp->obj.fd, size);
		vu_as_self(ctx);
		if (!instead(ctx, l, err, &waived))
			return err;
	} else if (l->mode == LAYER_MERGE) {
		return -EROFS;
	}
	return cut_in_store(ctx, l, sp, size, waived);
}

int layer_truncate(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		   off_t size)
{
	struct layer *l = layer_of(m);
	struct spot sp;
	int err = spot_begin(ctx, l, path, &sp);

	if (!err)
		err = truncate_spot(ctx, l, &sp, size);
	spot_end(ctx, l, &sp);
	return err;
}
