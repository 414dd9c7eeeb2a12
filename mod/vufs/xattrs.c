/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes
 *
 * In vstat those that only root can set ("security.", "trusted.") are kept on
 * the store's object as ones that its owner can: under the same name with
 * KEPT before it, which no guest sees. Where the kernel sets the real one, it
 * does.
 *
 * An ACL is the kernel's, and the real mode follows it; but on the disk the
 * owner can always read and write, and the mode may only be told: so the
 * entries that are the mode are told as that (acl.h).
 */
#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/xattr.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "mod/vufs/acl.h"
#include "mod/vufs/change.h"
#include "mod/vufs/layer.h"
#include "store/copy.h"

#define ACL_PREFIX	"system.posix_acl_"

struct xattr {
	const char *name;
	const void *value;	/* NULL: remove it */
	size_t size;
	int flags;
};

static bool begins(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

static int xattr_real(int fd, const void *arg)
{
	const struct xattr *x = arg;
	char link[32];
	int err;

	object_link(fd, link);
	if (x->value)
		err = setxattr(link, x->name, x->value, x->size, x->flags);
	else
		err = removexattr(link, x->name);
	return err ? -errno : 0;
}

/* --- those that are kept under another name --- */

static bool is_kept(const struct layer *l, const char *name)
{
	return (l->flags & LAYER_VSTAT) &&
	       (begins(name, "security.") || begins(name, "trusted."));
}

static bool is_ours(const struct layer *l, const char *name)
{
	return (l->flags & LAYER_VSTAT) && begins(name, COPY_KEPT);
}

static int kept_name(const char *name, char buf[XATTR_NAME_MAX + 1])
{
	int n = snprintf(buf, XATTR_NAME_MAX + 1, COPY_KEPT "%s", name);

	return n > XATTR_NAME_MAX ? -ERANGE : 0;
}

/*
 * The object has a name of which something is known from now on: else the
 * kernel alone would be asked for its attributes.
 */
static int note_name(struct change *c)
{
	struct store_attr a = { .set = STORE_UID, .uid = c->sp->obj.st.st_uid };

	return change_record(c, &a);
}

static int put_kept(struct change *c, int fd, const struct xattr *x)
{
	char name[XATTR_NAME_MAX + 1];
	struct xattr kept = *x;
	int err = xattr_real(fd, x);	/* as the monitor itself */

	if (err != -EPERM && err != -EOPNOTSUPP && (err || x->value))
		return err;
	kept.name = name;
	if (kept_name(x->name, name))
		return -ERANGE;
	if (!x->value)
		return xattr_real(fd, &kept) && err ? -ENODATA : 0;
	return xattr_real(fd, &kept) ?: note_name(c);
}

void xattr_forget_caps(struct layer *l, const struct store_object *o)
{
	char link[32];

	if (!(l->flags & LAYER_VSTAT) || !o->in_store ||
	    !S_ISREG(o->real.st_mode))
		return;
	removexattr(object_link(o->fd, link), COPY_KEPT XATTR_NAME_CAPS);
}

/* --- ACLs in vstat --- */

/* Set one on fd, and the mode that it makes. */
static int put_acl(struct change *c, int fd, const struct xattr *x)
{
	const struct stat *st = &c->sp->obj.st;
	struct acl *acl = malloc(x->size + 1);
	struct xattr real = *x;
	mode_t mode;
	int err;

	if (!acl)
		return -ENOMEM;
	memcpy(acl, x->value, x->size);
	mode = without_setgid(c->ctx, st, acl_mode(acl, x->size) |
					  (st->st_mode & 07000));
	acl_give_owner(acl, x->size, S_ISDIR(st->st_mode) ? 7 : 6);
	real.value = acl;
	err = xattr_real(fd, &real);
	free(acl);
	return err ?: change_mode(c, mode);
}

/* --- changes --- */

static bool is_valid_caps(const struct xattr *x)
{
	const struct vfs_cap_data *d = x->value;
	uint32_t revision;

	if (x->size < sizeof(d->magic_etc))
		return false;
	revision = le32toh(d->magic_etc) & VFS_CAP_REVISION_MASK;
	return (revision == VFS_CAP_REVISION_2 && x->size == XATTR_CAPS_SZ_2) ||
	       (revision == VFS_CAP_REVISION_3 && x->size == XATTR_CAPS_SZ_3);
}

static int may_have_caps(const struct change *c, const struct xattr *x)
{
	if (x->value && !is_valid_caps(x))
		return -EINVAL;
	return has_cap(c->ctx, CAP_SETFCAP) ? 0 : -EPERM;
}

/* What the copying would be for, if it cannot be set then? */
static int may_have_xattr(struct change *c, const struct xattr *x)
{
	const struct store_object *o = &c->sp->obj;
	int err = 0;

	if (is_ours(c->l, x->name))
		return x->value ? -EPERM : -ENODATA;
	if (begins(x->name, "user.")) {
		if (!S_ISREG(o->st.st_mode) && !S_ISDIR(o->st.st_mode))
			return -EPERM;
		err = permits(c->ctx, c->l, o, W_OK);
	} else if (begins(x->name, ACL_PREFIX)) {
		err = owns(c->ctx, o);
	} else if (!strcmp(x->name, XATTR_NAME_CAPS)) {
		err = may_have_caps(c, x);
	} else if (!begins(x->name, "trusted.") &&
		   !begins(x->name, "security.")) {
		return -EOPNOTSUPP;
	} else if (!has_cap(c->ctx, CAP_SYS_ADMIN)) {
		return -EPERM;
	}
	return instead(c->ctx, c->l, err, &c->waived) ? 0 : err;
}

/* Those of an object of the store. */
static int put_xattr(struct change *c, int fd, const struct xattr *x)
{
	int err;

	if (is_kept(c->l, x->name))
		return put_kept(c, fd, x);
	if ((c->l->flags & LAYER_VSTAT) && x->value && x->size &&
	    !strcmp(x->name, XATTR_NAME_POSIX_ACL_ACCESS))
		return put_acl(c, fd, x);
	if (!c->waived && !(c->l->flags & LAYER_VSTAT))
		vu_as_caller(c->ctx);
	err = xattr_real(fd, x);
	vu_as_self(c->ctx);
	return err;
}

/*
 * Those of a directory of the target are those of the store's beneath it. An
 * ACL changes the mode, too.
 */
static int directory_xattr(struct change *c, const struct xattr *x)
{
	struct store_attr a = { 0 };
	bool vstat = c->l->flags & LAYER_VSTAT;
	int dir = store_make_dir(c->l->s, c->sp->path), err;
	struct stat before, after;

	if (dir < 0)
		return dir;
	err = fstat(dir, &before) ? -errno : 0;
	if (!err)
		err = vstat ? put_xattr(c, dir, x) : xattr_real(dir, x);
	if (!err && !vstat && !fstat(dir, &after) &&
	    after.st_mode != before.st_mode) {
		a.set = STORE_MODE;
		a.mode = after.st_mode;
	}
	close(dir);
	return err ?: change_record(c, &a);
}

static int do_xattr(struct change *c, const void *arg)
{
	int err;

	if (change_real(c, xattr_real, arg, &err))
		return err;
	err = may_have_xattr(c, arg);
	if (err)
		return err;
	if (!c->sp->obj.in_store && S_ISDIR(c->sp->obj.st.st_mode))
		return directory_xattr(c, arg);
	err = change_own(c);
	return err ?: put_xattr(c, c->sp->obj.fd, arg);
}

int layer_setxattr(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		   const char *name, const void *value, size_t size, int flags)
{
	return change_on(ctx, m, path, do_xattr,
			 &(struct xattr){ name, value ?: "", size, flags });
}

int layer_removexattr(struct vu_ctx *ctx, struct vu_mount *m,
		      const char *path, const char *name)
{
	return change_on(ctx, m, path, do_xattr,
			 &(struct xattr){ .name = name });
}

/* --- looking --- */

/* Of a directory that both have: would the caller change the target's? */
static bool is_set_really(struct layer *l, const struct store_object *o)
{
	return is_target(l, o) &&
	       !faccessat(o->fd, ".", W_OK, AT_EACCESS);
}

static int bearer(struct layer *l, const struct store_object *o)
{
	if (is_set_really(l, o))
		return o->fd;
	return o->merged >= 0 ? o->merged : o->below >= 0 ? o->below : o->fd;
}

int told_permits(struct vu_ctx *ctx, struct layer *l,
		 const struct store_object *o, int want)
{
	struct acl *acl = NULL;
	size_t size = 0;
	int err;

	if (acl_matters(ctx, &o->st))
		acl = acl_of(bearer(l, o), XATTR_NAME_POSIX_ACL_ACCESS, &size);
	err = acl ? acl_permits(ctx, acl, size, &o->st, want)
		  : vu_permits(ctx, &o->st, want);
	free(acl);
	return err;
}

/*
 * The object that has them. (Of others than directories the monitor asks only
 * in vstat, and else reads them itself.)
 */
static int find_bearer(struct vu_ctx *ctx, struct layer *l, const char *path,
		       struct store_object *o, char link[32])
{
	int err = layer_find_there(ctx, l, path, o);

	if (!err)
		object_link(bearer(l, o), link);
	return err;
}

static ssize_t get_real(const char *link, const char *name, void *value,
			size_t size)
{
	ssize_t n = getxattr(link, name, value, size);

	return n < 0 ? -errno : n;
}

static ssize_t get_kept(struct vu_ctx *ctx, const char *link,
			const char *name, void *value, size_t size)
{
	char kept[XATTR_NAME_MAX + 1];
	ssize_t n = -ENODATA;

	if (begins(name, "trusted.") && !has_cap(ctx, CAP_SYS_ADMIN))
		return -ENODATA;
	if (!kept_name(name, kept))
		n = get_real(link, kept, value, size);
	/* the real one may be seen by more than can read the file */
	return n < 0 && n != -ERANGE ? get_real(link, name, value, size) : n;
}

ssize_t layer_getxattr(struct vu_ctx *ctx, struct vu_mount *m,
		       const char *path, const char *name,
		       void *value, size_t size)
{
	struct layer *l = layer_of(m);
	struct store_object o;
	char link[32];
	ssize_t n = find_bearer(ctx, l, path, &o, link);

	if (n)
		return n;
	/* a user's are read as the content is */
	if ((l->flags & LAYER_VSTAT) && begins(name, "user."))
		n = told_permits(ctx, l, &o, R_OK);
	if (n || is_ours(l, name))
		n = n ?: -ENODATA;
	else if (is_kept(l, name))
		n = get_kept(ctx, link, name, value, size);
	else
		n = get_real(link, name, value, size);
	if (n > 0 && size && (l->flags & LAYER_VSTAT) &&
	    !strcmp(name, XATTR_NAME_POSIX_ACL_ACCESS))
		acl_tell(value, n, o.st.st_mode);
	store_drop(&o);
	return n;
}

static bool is_listed(const char *list, ssize_t n, const char *name)
{
	for (ssize_t i = 0; i < n; i += strlen(list + i) + 1)
		if (!strcmp(list + i, name))
			return true;
	return false;
}

/* In place: names only become shorter, or fewer. Return: the new length */
static ssize_t tell_names(struct vu_ctx *ctx, char *list, ssize_t n)
{
	bool trusted = has_cap(ctx, CAP_SYS_ADMIN);
	ssize_t to = 0, next;

	for (ssize_t i = 0; i < n; i = next) {
		char *name = list + i;

		next = i + strlen(name) + 1;
		if (begins(name, COPY_KEPT))
			name += strlen(COPY_KEPT);
		if ((begins(name, "trusted.") && !trusted) ||
		    is_listed(list, to, name))
			continue;
		memmove(list + to, name, strlen(name) + 1);
		to += strlen(list + to) + 1;
	}
	return to;
}

static ssize_t list_told(struct vu_ctx *ctx, const char *link, char *list,
			 size_t size)
{
	char *all = malloc(XATTR_LIST_MAX);
	ssize_t n = -ENOMEM;

	if (all) {
		n = listxattr(link, all, XATTR_LIST_MAX);
		n = n < 0 ? -errno : tell_names(ctx, all, n);
	}
	if (n > 0 && size)
		n = (size_t)n > size ? -ERANGE : (memcpy(list, all, n), n);
	free(all);
	return n;
}

ssize_t layer_listxattr(struct vu_ctx *ctx, struct vu_mount *m,
			const char *path, char *list, size_t size)
{
	struct layer *l = layer_of(m);
	struct store_object o;
	char link[32];
	ssize_t n = find_bearer(ctx, l, path, &o, link);

	if (n)
		return n;
	if (l->flags & LAYER_VSTAT)
		n = list_told(ctx, link, list, size);
	else if ((n = listxattr(link, list, size)) < 0)
		n = -errno;
	store_drop(&o);
	return n;
}
