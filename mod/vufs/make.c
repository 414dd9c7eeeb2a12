/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * New objects. The kernel makes them as the caller: so they have the owner,
 * the group (of a set-group-ID directory), and the ACL that they should.
 */
#include <errno.h>
#include <linux/capability.h>
#include <linux/xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mod/vufs/acl.h"
#include "mod/vufs/layer.h"

int make_at(int dir, const char *name, const struct make *mk)
{
	int fd;

	switch (mk->mode & S_IFMT) {
	case 0:
		fd = openat(dir, name, mk->flags | O_CREAT | O_EXCL |
			    O_CLOEXEC, mk->mode & 07777);
		return fd < 0 ? -errno : fd;
	case S_IFDIR:
		return mkdirat(dir, name, mk->mode & 07777) ? -errno : 0;
	case S_IFLNK:
		return symlinkat(mk->text, dir, name) ? -errno : 0;
	default:
		return mknodat(dir, name, mk->mode, mk->dev) ? -errno : 0;
	}
}

mode_t real_mode(mode_t mode)
{
	/* who else may execute it does so as the owner on the disk */
	return (mode & 0777) | (S_ISDIR(mode) || (mode & 0111) ? 0700 : 0600);
}

void told_of_new(struct vu_ctx *ctx, struct layer *l, const struct spot *sp,
		 const struct make *mk, struct store_attr *a)
{
	const struct vu_who *who = vu_who(ctx);
	bool setgid = sp->dir.st.st_mode & S_ISGID;

	*a = (struct store_attr){ .mode = mk->mode, .uid = who->uid,
				  .gid = setgid ? sp->dir.st.st_gid : who->gid,
				  .rdev = mk->dev };
	if (!(l->flags & LAYER_VSTAT))
		return;
	if (S_ISDIR(a->mode) && setgid)
		a->mode |= S_ISGID;
	if (a->uid != geteuid())
		a->set |= STORE_UID;
	if (a->gid != getegid())
		a->set |= STORE_GID;
	if (!S_ISLNK(a->mode) && (a->mode & 07777) != real_mode(a->mode))
		a->set |= STORE_MODE;
	if (S_ISBLK(a->mode) || S_ISCHR(a->mode))
		a->set |= STORE_TYPE | STORE_MODE | STORE_RDEV;
	if (S_ISDIR(a->mode) && (a->set & STORE_MODE))
		a->set |= STORE_TYPE;
}

bool inherit_acl(struct layer *l, int dir, mode_t *mode)
{
	struct acl *acl = NULL;
	size_t size;

	if ((l->flags & LAYER_VSTAT) && !S_ISLNK(*mode))
		acl = acl_of(dir, XATTR_NAME_POSIX_ACL_DEFAULT, &size);
	if (acl)
		*mode &= ~0777 | acl_mode(acl, size);
	free(acl);
	return acl;
}

/* What stands for it on the disk, in vstat. */
static struct make stand_in(const struct make *mk)
{
	struct make real = *mk;

	real.mode = (mk->mode & S_IFMT) | real_mode(mk->mode);
	if (S_ISBLK(mk->mode) || S_ISCHR(mk->mode)) {
		real.mode = S_IFREG | 0600;
		real.dev = 0;
	}
	return real;
}

/*
 * A default ACL also takes from the owner what the monitor needs. (The ACL of
 * the new object follows its mode.)
 */
static void give_back(int dir, const char *name, int fd, const struct make *mk)
{
	mode_t mode = stand_in(mk).mode & 07777;

	if (mk->mode & S_IFMT)
		(void)!fchmodat(dir, name, mode, 0);
	else
		(void)!fchmod(fd, mode);
}

/* Who could write in the store by himself gets what is made there. */
static int give(struct vu_ctx *ctx, int dir, const char *name)
{
	const struct vu_who *who = vu_who(ctx);

	if (geteuid() || !who->uid)
		return 0;
	return fchownat(dir, name, who->uid, who->gid, AT_SYMLINK_NOFOLLOW) ?
	       -errno : 0;
}

static int make_as(struct vu_ctx *ctx, struct layer *l, int dir,
		   const char *name, const struct make *mk, bool waived)
{
	struct make real;
	int got, err;

	if (l->flags & LAYER_VSTAT) {
		real = stand_in(mk);
		return make_at(dir, name, &real);
	}
	vu_as_caller(ctx);
	got = make_at(dir, name, mk);
	vu_as_self(ctx);
	if (got != -EACCES || !waived)
		return got;
	got = make_at(dir, name, mk);
	err = got < 0 ? 0 : give(ctx, dir, name);
	if (err) {
		if (mk->mode & S_IFMT ? 0 : 1)
			close(got);
		unlinkat(dir, name, S_ISDIR(mk->mode) ? AT_REMOVEDIR : 0);
	}
	return err ?: got;
}

int spot_store_dir(struct layer *l, const struct spot *sp)
{
	int fd = sp->dir.merged >= 0 ? sp->dir.merged : sp->dir.fd;

	if (sp->dir.merged < 0 && !sp->dir.in_store)
		return store_make_dir(l->s, sp->dir_path);
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

void spot_touch(struct layer *l, const struct spot *sp)
{
	if (!sp->dir.in_store)
		store_touch(l->s, sp->dir_path);
}

/* In vstat nobody else would ask; what is no device at all anybody makes. */
static bool may_make(struct vu_ctx *ctx, const struct layer *l,
		     const struct make *mk)
{
	bool device = S_ISBLK(mk->mode) || (S_ISCHR(mk->mode) && mk->dev);

	return !device || !(l->flags & LAYER_VSTAT) || has_cap(ctx, CAP_MKNOD);
}

int make_in_store(struct vu_ctx *ctx, struct layer *l, struct spot *sp,
		  const struct make *mk, bool waived)
{
	struct make made = *mk;
	struct store_attr a;
	bool inherits, held = sp->dir.held;
	int dir, got;

	if (!may_make(ctx, l, mk))
		return -EPERM;
	dir = held ? sp->dir.fd : spot_store_dir(l, sp);
	if (dir < 0)
		return dir;
	inherits = inherit_acl(l, dir, &made.mode);
	told_of_new(ctx, l, sp, &made, &a);
	got = store_prepare(l->s, sp->path, S_ISDIR(mk->mode), &a);
	if (!got)
		got = make_as(ctx, l, dir, sp->name, &made, waived);
	if (got >= 0 && inherits)
		give_back(dir, sp->name, got, &made);
	if (got >= 0)
		store_entered(l->s, sp->path, dir);
	if (!held)
		close(dir);
	if (got >= 0)
		spot_touch(l, sp);
	return got;
}

/* Make it where it belongs. The spot is begun. */
static int make_new(struct vu_ctx *ctx, struct layer *l, struct spot *sp,
		    const struct make *mk)
{
	bool waived = false;
	int err;

	if (sp->obj.fd >= 0)
		return -EEXIST;
	if (could_be_real(l, sp)) {
		vu_as_caller(ctx);
		err = make_at(sp->dir.fd, sp->name, mk);
		vu_as_self(ctx);
		if (!instead(ctx, l, err, &waived))
			return err;
	}
	err = may_add(ctx, l, sp, waived);
	if (instead(ctx, l, err, &waived))
		err = 0;
	return err ?: make_in_store(ctx, l, sp, mk, waived);
}

static int make(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		const struct make *mk)
{
	struct layer *l = layer_of(m);
	struct spot sp;
	int err = spot_begin(ctx, l, path, &sp);

	if (!err)
		err = make_new(ctx, l, &sp, mk);
	spot_end(ctx, l, &sp);
	return err;
}

int layer_mknod(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		mode_t mode, dev_t dev)
{
	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	return make(ctx, m, path, &(struct make){ .mode = mode, .dev = dev });
}

int layer_mkdir(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		mode_t mode)
{
	return make(ctx, m, path,
		    &(struct make){ .mode = S_IFDIR | (mode & 01777) });
}

int layer_symlink(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  const char *text)
{
	return make(ctx, m, path, &(struct make){ .mode = S_IFLNK | 0777,
						  .text = text });
}

static int reserve(struct vu_ctx *ctx, struct layer *l, struct spot *sp)
{
	const struct make mk = { .mode = S_IFSOCK | 0777 };
	struct store_attr a;
	bool waived = false;
	int err = sp->obj.fd >= 0 ? -EEXIST : 0, dir;

	if (!err && could_be_real(l, sp)) {
		err = permits(ctx, l, &sp->dir, W_OK | X_OK);
		if (!instead(ctx, l, err, &waived))
			return err ?: fcntl(sp->dir.fd, F_DUPFD_CLOEXEC, 3);
		err = 0;
	}
	if (!err)
		err = may_add(ctx, l, sp, waived);
	if (err)
		return err;
	dir = spot_store_dir(l, sp);
	if (dir < 0)
		return dir;
	told_of_new(ctx, l, sp, &mk, &a);
	a.set &= ~STORE_MODE;	/* it is the kernel that knows the umask */
	err = store_prepare(l->s, sp->path, false, &a);
	if (!err)
		err = store_entered(l->s, sp->path, dir);
	spot_touch(l, sp);
	if (!err)
		return dir;
	close(dir);
	return err;
}

int layer_reserve(struct vu_ctx *ctx, struct vu_mount *m, const char *path)
{
	struct layer *l = layer_of(m);
	struct spot sp;
	int got = spot_begin(ctx, l, path, &sp);

	if (!got)
		got = reserve(ctx, l, &sp);
	spot_end(ctx, l, &sp);
	return got;
}
