/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Attributes
 *
 * Those of a directory of the target are recorded in the store, for the
 * object that is seen remains the target's; so are times of a file that is
 * not copied, and, in vstat, all that only the owner of a name can have. Else
 * it is the copy that has them.
 */
#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "mod/vufs/change.h"
#include "mod/vufs/layer.h"

const char *object_link(int fd, char *buf)
{
	snprintf(buf, 32, "/proc/self/fd/%d", fd);
	return buf;
}

static void stamp(struct store_attr *a)
{
	clock_gettime(CLOCK_REALTIME_COARSE, &a->ctime);
	a->set |= STORE_CTIME;
}

/* A record is of a name; one of several names has to be copied for it. */
static bool has_names(const struct change *c)
{
	return !c->sp->obj.in_store && !S_ISDIR(c->sp->obj.st.st_mode) &&
	       c->sp->obj.under.st_nlink > 1;
}

/* Is it recorded, what else would be the copy's? */
static bool is_recorded(const struct change *c)
{
	return !c->sp->obj.in_store && !has_names(c) &&
	       (S_ISDIR(c->sp->obj.st.st_mode) ||
		(c->l->flags & (LAYER_VSTAT | LAYER_NOCHCOPY)));
}

int change_own(struct change *c)
{
	return copy_up(c->ctx, c->l, c->sp->path, 0, c->waived, &c->sp->obj);
}

int change_record(struct change *c, struct store_attr *a)
{
	int err = has_names(c) ? change_own(c) : 0;

	if (err)
		return err;
	if (S_ISDIR(c->sp->obj.st.st_mode) && (a->set & STORE_MODE)) {
		a->set |= STORE_TYPE;
		a->mode = (a->mode & 07777) | S_IFDIR;
	}
	if (!c->sp->obj.in_store)
		stamp(a);
	else			/* its own ctime is told, and moves */
		fchownat(c->sp->obj.fd, "", -1, -1, AT_EMPTY_PATH);
	return store_set_attr(c->l->s, c->sp->path, &c->sp->obj, a);
}

/* The object has them itself now. */
static int clear(struct change *c, unsigned set)
{
	return store_clear_attr(c->l->s, c->sp->path, &c->sp->obj, set);
}

/* A descriptor of the target's file is one of its copy, to see its mode. */
static void tell_opened(struct change *c)
{
	if (!c->sp->obj.in_store || S_ISDIR(c->sp->obj.st.st_mode))
		return;
	store_keep_ctime(c->l->s, &c->sp->obj, NULL);
	store_tell_opened(c->l->s, c->sp->path);
}

int change_on(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		   change_fn *fn, const void *arg)
{
	struct spot sp;
	struct change c = { ctx, layer_of(m), &sp, false, 0 };
	int err = spot_begin(ctx, c.l, path, &sp);

	if (!err)
		err = sp.obj.fd < 0 ? -ENOENT : fn(&c, arg);
	if (!err)
		tell_opened(&c);
	/* if it cannot be in the store either, the first answer counts */
	if (err == -EACCES && c.refused)
		err = c.refused;
	spot_end(ctx, c.l, &sp);
	return err;
}

/*
 * The target's, where it is meant to be changed itself: *err is what the
 * kernel said. Else it goes on in the store.
 */
bool change_real(struct change *c, int (*real)(int fd, const void *arg),
		     const void *arg, int *err)
{
	*err = 0;
	if (!is_target(c->l, &c->sp->obj)) {
		*err = c->l->mode == LAYER_MERGE ? -EROFS : 0;
		return *err;
	}
	vu_as_caller(c->ctx);
	*err = real(c->sp->obj.fd, arg);
	vu_as_self(c->ctx);
	if (!instead(c->ctx, c->l, *err, &c->waived))
		return true;
	c->refused = *err;
	*err = 0;
	return false;
}

static int must_own(struct change *c)
{
	int err = c->waived ? 0 : owns(c->ctx, &c->sp->obj);

	return instead(c->ctx, c->l, err, &c->waived) ? 0 : err;
}

/* --- mode --- */

static int chmod_real(int fd, const void *arg)
{
	char link[32];

	return chmod(object_link(fd, link), *(const mode_t *)arg) ? -errno : 0;
}

mode_t without_setgid(struct vu_ctx *ctx, const struct stat *st, mode_t mode)
{
	if ((mode & S_ISGID) && !has_cap(ctx, CAP_FSETID) &&
	    !vu_in_group(ctx, st->st_gid))
		mode &= ~S_ISGID;
	return mode;
}

static int chmod_own(struct change *c, mode_t mode)
{
	int err;

	if (!c->waived)
		vu_as_caller(c->ctx);
	err = chmod_real(c->sp->obj.fd, &mode);
	vu_as_self(c->ctx);
	if (!err)
		err = clear(c, STORE_MODE);
	return err;
}

/*
 * What is recorded is told, whatever the object has: so that happens first,
 * or, when the object can have all of it, is taken away last.
 */
int change_mode(struct change *c, mode_t mode)
{
	struct store_attr a = { .set = STORE_MODE, .mode = mode };
	const struct store_object *o = &c->sp->obj;
	mode_t real = real_mode((o->real.st_mode & S_IFMT) | mode);
	bool has = o->in_store && (S_ISREG(o->real.st_mode) ||
				   S_ISDIR(o->real.st_mode));
	int err;

	if (has && real == mode) {
		err = chmod_real(o->fd, &real);
		return err ?: clear(c, STORE_MODE);
	}
	err = change_record(c, &a);
	if (!err && has)
		chmod_real(o->fd, &real);
	return err;
}

static int chmod_spot(struct change *c, mode_t mode)
{
	struct store_attr a = { .set = STORE_MODE };
	int err;

	if (S_ISLNK(c->sp->obj.st.st_mode))
		return -EOPNOTSUPP;
	if (change_real(c, chmod_real, &mode, &err))
		return err;
	err = must_own(c);
	if (err)
		return err;
	mode = without_setgid(c->ctx, &c->sp->obj.st, mode & 07777);
	if (c->l->flags & LAYER_VSTAT)
		return change_mode(c, mode);
	a.mode = mode;
	if (is_recorded(c))
		return change_record(c, &a);
	err = change_own(c);
	/* what its owner himself may not read cannot be copied */
	if (err == -EACCES && !c->waived && !c->sp->obj.in_store) {
		store_drop(&c->sp->obj);
		err = store_find(c->l->s, c->sp->path, &c->sp->obj);
		return err ?: change_record(c, &a);
	}
	return err ?: chmod_own(c, mode);
}

static int do_chmod(struct change *c, const void *arg)
{
	mode_t mode = *(const mode_t *)arg;
	bool directory = S_ISDIR(c->sp->obj.st.st_mode);
	int err = chmod_spot(c, mode);

	if (directory && (mode & 0111) != 0111)
		vu_changed();		/* who may search it: layer_alone() */
	return err;
}

int layer_chmod(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		mode_t mode)
{
	mode &= 07777;
	return change_on(ctx, m, path, do_chmod, &mode);
}

/* --- owner --- */

struct ids {
	uid_t uid;
	gid_t gid;
};

static int chown_real(int fd, const void *arg)
{
	const struct ids *to = arg;

	return fchownat(fd, "", to->uid, to->gid, AT_EMPTY_PATH) ? -errno : 0;
}

/*
 * The mode that a file has when it gets another owner: it runs as nobody, nor
 * as a group that the caller is none of.
 */
static mode_t without_setid(const struct change *c)
{
	const struct stat *st = &c->sp->obj.st;
	mode_t mode = st->st_mode;

	if (S_ISDIR(mode))
		return mode;
	if ((mode & S_IXGRP) || (!has_cap(c->ctx, CAP_FSETID) &&
				 !vu_in_group(c->ctx, st->st_gid)))
		mode &= ~S_ISGID;
	return mode & ~S_ISUID;
}

static int may_chown(struct change *c, const struct ids *to)
{
	const struct stat *st = &c->sp->obj.st;
	int err = 0;

	if (c->waived)
		return 0;
	/* though neither is changed, the mode is */
	if (without_setid(c) != st->st_mode)
		err = owns(c->ctx, &c->sp->obj);
	if (has_cap(c->ctx, CAP_CHOWN))
		return err;
	if (to->uid != (uid_t)-1 && (to->uid != st->st_uid ||
				     owns(c->ctx, &c->sp->obj)))
		err = -EPERM;
	if (to->gid != (gid_t)-1 && (owns(c->ctx, &c->sp->obj) ||
				     (to->gid != st->st_gid &&
				      !vu_in_group(c->ctx, to->gid))))
		err = -EPERM;
	return instead(c->ctx, c->l, err, &c->waived) ? 0 : err;
}

static void drop_setid(const struct change *c, struct store_attr *a)
{
	mode_t mode = without_setid(c);

	if (mode == c->sp->obj.st.st_mode)
		return;
	a->set |= STORE_MODE;
	a->mode = mode & 07777;
}

/* Has the copy or new object just these owners by itself? */
static bool is_owned_by(const struct store_object *o, const struct ids *to)
{
	return o->in_store &&
	       (to->uid == (uid_t)-1 || to->uid == o->real.st_uid) &&
	       (to->gid == (gid_t)-1 || to->gid == o->real.st_gid);
}

static int record_ids(struct change *c, const struct ids *to)
{
	static const struct ids nobody_else = { -1, -1 };
	int err;
	struct store_attr a = { .uid = to->uid, .gid = to->gid };

	if (to->uid != (uid_t)-1)
		a.set |= STORE_UID;
	if (to->gid != (gid_t)-1)
		a.set |= STORE_GID;
	if (is_owned_by(&c->sp->obj, to) &&
	    without_setid(c) == c->sp->obj.st.st_mode) {
		err = chown_real(c->sp->obj.fd, &nobody_else);
		return err ?: clear(c, a.set);
	}
	drop_setid(c, &a);
	/* it has been changed all the same, says its time */
	if (!a.set && c->sp->obj.in_store)
		return chown_real(c->sp->obj.fd, to);
	return change_record(c, &a);
}

static int chown_own(struct change *c, const struct ids *to)
{
	unsigned set = (to->uid != (uid_t)-1 ? STORE_UID : 0) |
		       (to->gid != (gid_t)-1 ? STORE_GID : 0);
	int err;

	if (!c->waived)
		vu_as_caller(c->ctx);
	err = chown_real(c->sp->obj.fd, to);
	vu_as_self(c->ctx);
	return err ?: clear(c, set);
}

static int do_chown(struct change *c, const void *arg)
{
	const struct ids *to = arg;
	int err;

	if (change_real(c, chown_real, to, &err))
		return err;
	err = may_chown(c, to);
	if (err)
		return err;
	xattr_forget_caps(c->l, &c->sp->obj);
	if ((c->l->flags & LAYER_VSTAT) || is_recorded(c))
		return record_ids(c, to);
	err = change_own(c);
	if (!err)
		err = chown_own(c, to);
	/* to whom it is told to belong already, or who may in mincow */
	if (err == -EPERM)
		err = record_ids(c, to);
	return err;
}

int layer_chown(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		uid_t uid, gid_t gid)
{
	return change_on(ctx, m, path, do_chown, &(struct ids){ uid, gid });
}

/* --- times --- */

static int utimens_real(int fd, const void *arg)
{
	if (!utimensat(fd, "", arg, AT_EMPTY_PATH))
		return 0;
	return -errno;
}

static int may_stamp(struct change *c, const struct timespec t[2])
{
	bool both_now = t[0].tv_nsec == UTIME_NOW && t[1].tv_nsec == UTIME_NOW;
	int err = owns(c->ctx, &c->sp->obj);

	if (c->waived)
		return 0;
	if (err && both_now)
		err = permits(c->ctx, c->l, &c->sp->obj, W_OK);
	return instead(c->ctx, c->l, err, &c->waived) ? 0 : err;
}

static void set_time(const struct timespec *t, struct timespec *to,
		     unsigned bit, unsigned *set)
{
	if (t->tv_nsec == UTIME_OMIT)
		return;
	*set |= bit;
	if (t->tv_nsec == UTIME_NOW)
		clock_gettime(CLOCK_REALTIME, to);
	else
		*to = *t;
}

static int record_times(struct change *c, const struct timespec t[2])
{
	struct store_attr a = { 0 };

	set_time(&t[0], &a.atime, STORE_ATIME, &a.set);
	set_time(&t[1], &a.mtime, STORE_MTIME, &a.set);
	return change_record(c, &a);
}

static int do_utimens(struct change *c, const void *arg)
{
	static const struct timespec both[2] = {
		{ .tv_nsec = UTIME_NOW }, { .tv_nsec = UTIME_NOW },
	};
	const struct timespec *t = arg ?: both;
	int err;

	if (t[0].tv_nsec == UTIME_OMIT && t[1].tv_nsec == UTIME_OMIT)
		return 0;
	if (change_real(c, utimens_real, t, &err))
		return err;
	err = may_stamp(c, t);
	if (err)
		return err;
	if (has_names(c))
		err = change_own(c);
	if (err)
		return err;
	if (!c->sp->obj.in_store)
		return record_times(c, t);
	/* the rights have been checked; the owner may be a told one */
	err = utimens_real(c->sp->obj.fd, t);
	if (err)
		return record_times(c, t);
	return clear(c, STORE_ATIME | STORE_MTIME | STORE_CTIME);
}

int layer_utimens(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  const struct timespec times[2])
{
	return change_on(ctx, m, path, do_utimens, times);
}
