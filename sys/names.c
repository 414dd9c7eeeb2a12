/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that make, remove and move names. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/memory.h"
#include "sys/handlers.h"
#include "sys/operand.h"
#include "sys/real.h"
#include "sys/special.h"
#include "view/layered.h"
#include "view/registry.h"

/* The name in its served mount. 0 or -ENAMETOOLONG */
static int made_name(const struct found *f, char *rel, size_t size)
{
	size_t n;

	if (!f->name[0] || f->magic)	/* ".", "/": what it leads to */
		n = snprintf(rel, size, "%s", f->obj.rel ?: "");
	else
		n = snprintf(rel, size, "%s%s%s", f->dir.rel,
			     *f->dir.rel ? "/" : "", f->name);
	return n < size ? 0 : -ENAMETOOLONG;
}

static const struct vu_fs_ops *ops_of(const struct found *f)
{
	return module_fs(f->dir.mount->module);
}

/* Can a new name be made here? The errors in the kernel's order. */
static int check_new(const struct request *rq, const struct found *f,
		     bool dir)
{
	if (!f->error || !f->name[0])
		return -EEXIST;
	if (f->slash && !dir)
		return -ENOENT;
	if (layered_rdonly(rq->version, f->dir.mount))
		return -EROFS;
	if (f->point)
		return -EACCES;		/* hidden: taken, but not to be seen */
	return 0;
}

struct verdict call_mkdir(struct request *rq)
{
	const struct found *f = &rq->found[0];
	mode_t mode = rq->call->arg[rq->row->op[0].path + 1] & 07777;
	char rel[PATH_MAX];
	int err = check_new(rq, f, true);

	if (!err)
		err = masked_mode(rq, &f->dir, &mode);
	if (!err && module_changes(&f->dir)) {
		err = made_name(f, rel, sizeof(rel));
		if (!err)
			err = ops_of(f)->mkdir(&rq->ctx, &f->dir.mount->pub,
					       rel, mode);
	} else if (!err) {
		err = mkdirat(f->dir.fd, f->name, mode) ? -errno : 0;
	}
	return verdict_value(err);
}

/* Is it a type that mknod(2) makes? As the kernel says it, before all else. */
static int check_type(mode_t mode)
{
	switch (mode & S_IFMT) {
	case 0: case S_IFREG: case S_IFCHR: case S_IFBLK: case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFDIR:
		return -EPERM;
	default:
		return -EINVAL;
	}
}

struct verdict call_mknod(struct request *rq)
{
	const struct found *f = &rq->found[0];
	int path = rq->row->op[0].path;
	mode_t mode = rq->call->arg[path + 1];
	dev_t dev = (unsigned)rq->call->arg[path + 2];
	char rel[PATH_MAX];
	int err = check_type(mode) ?: check_new(rq, f, false);

	if (!err)
		err = masked_mode(rq, &f->dir, &mode);
	if (!err && module_changes(&f->dir)) {
		err = made_name(f, rel, sizeof(rel));
		if (!err)
			err = ops_of(f)->mknod(&rq->ctx, &f->dir.mount->pub,
					       rel, mode, dev);
	} else if (!err) {
		err = syscall(SYS_mknodat, f->dir.fd, f->name, mode,
			      (unsigned)dev) ? -errno : 0;
	}
	return verdict_value(err);
}

struct verdict call_symlink(struct request *rq)
{
	const struct found *f = &rq->found[0];
	char text[PATH_MAX], rel[PATH_MAX];
	ssize_t n = guest_read_string(rq->call, rq->call->arg[0], text,
				      sizeof(text));
	int err = n < 0 ? n : n == 0 ? -ENOENT : check_new(rq, f, false);

	if (!err && module_changes(&f->dir)) {
		err = made_name(f, rel, sizeof(rel));
		if (!err)
			err = ops_of(f)->symlink(&rq->ctx, &f->dir.mount->pub,
						 rel, text);
	} else if (!err) {
		err = symlinkat(text, f->dir.fd, f->name) ? -errno : 0;
	}
	return verdict_value(err);
}

/* --- removing --- */

static int check_removal(const struct request *rq, bool dir)
{
	const struct found *f = &rq->found[0];

	if (f->dots == 1)
		return dir ? -EINVAL : -EISDIR;
	if (f->dots == 2)
		return dir ? -ENOTEMPTY : -EISDIR;
	if (!f->name[0])
		return dir ? -EBUSY : -EISDIR;
	if (layered_rdonly(rq->version, f->dir.mount))
		return -EROFS;
	if (f->error)
		return f->error;
	if (f->point && dir == S_ISDIR(f->obj.mode))
		return -EBUSY;
	if (f->point)
		return dir ? -ENOTDIR : -EISDIR;
	if (f->slash && !dir)
		return S_ISDIR(f->obj.mode) ? -EISDIR : -ENOTDIR;
	/* empty on disk, but mounts have names in it */
	if (dir && version_edits(rq->version, f->obj.mount, f->obj.id))
		return -ENOTEMPTY;
	return 0;
}

static int remove_made(struct request *rq, const struct found *f, bool dir)
{
	bool last = special_last(rq, f);
	char rel[PATH_MAX];
	int err = made_name(f, rel, sizeof(rel));

	if (!err)
		err = (dir ? ops_of(f)->rmdir : ops_of(f)->unlink)
			(&rq->ctx, &f->dir.mount->pub, rel);
	if (!err && last)
		special_gone(rq, &f->obj);
	return err;
}

struct verdict call_unlink(struct request *rq)
{
	const struct found *f = &rq->found[0];
	bool dir = operand_is_rmdir(rq);
	int err = check_removal(rq, dir);

	if (!err && module_changes(&f->dir)) {
		err = remove_made(rq, f, dir);
	} else if (!err) {
		err = unlinkat(f->dir.fd, f->name, dir ? AT_REMOVEDIR : 0) ?
		      -errno : 0;
	}
	return verdict_value(err);
}

/* --- two names --- */

static int link_real(const struct found *from, const struct found *to)
{
	char link[32];

	/*
	 * By name where there is one: the kernel then checks and says what
	 * it always does. A descriptor has only itself.
	 */
	if (!from->is_descriptor && from->name[0] && !from->point &&
	    from->dir.fd >= 0 && from->obj.mount == from->dir.mount &&
	    !from->magic)
		return linkat(from->dir.fd, from->name, to->dir.fd, to->name,
			      0) ? -errno : 0;
	return linkat(AT_FDCWD, fd_link(from->obj.fd, link), to->dir.fd,
		      to->name, AT_SYMLINK_FOLLOW) ? -errno : 0;
}

/*
 * Of a file known by its descriptor alone we may not know the mount: then
 * the kernel decides.
 */
static bool same_mount(const struct found *from, const struct mount *to)
{
	const struct mount *m = from->obj.mount;

	return m == to || ((from->is_descriptor || from->magic) && !m->id);
}

/* A descriptor of something that may be an O_TMPFILE of a layered mount. */
static bool is_nameless(const struct found *from)
{
	return (from->is_descriptor || from->magic) && from->obj.fd >= 0 &&
	       !from->obj.mount->id;
}

static int adopt(struct request *rq, const struct found *from,
		 const struct found *to)
{
	char name[PATH_MAX];
	int err = made_name(to, name, sizeof(name));

	return err ?: ops_of(to)->adopt(&rq->ctx, &to->dir.mount->pub,
					from->obj.fd, name);
}

struct verdict call_link(struct request *rq)
{
	const struct found *from = &rq->found[0], *to = &rq->found[1];
	char a[PATH_MAX], b[PATH_MAX];
	int err = from->error;

	if (!err)
		err = check_new(rq, to, false);
	if (!err && !same_mount(from, to->dir.mount))
		err = -EXDEV;
	if (err)
		return verdict_value(err);
	if (!module_changes(&from->obj) && !module_changes(&to->dir))
		return verdict_value(link_real(from, to));
	if (is_nameless(from) && mount_layered(to->dir.mount))
		return verdict_value(adopt(rq, from, to));
	if (!module_changes(&from->obj) || !module_changes(&to->dir))
		return verdict_value(-EXDEV);
	/* one that may not put a name there is told that first */
	if (S_ISDIR(from->obj.mode) && !mount_layered(to->dir.mount))
		return verdict_value(-EPERM);
	err = made_name(from, a, sizeof(a)) ?: made_name(to, b, sizeof(b));
	if (!err)
		err = ops_of(to)->link(&rq->ctx, &to->dir.mount->pub, a, b);
	return verdict_value(err);
}

/* The mount whose name it is; NULL: not known, which is true of "..". */
static const struct mount *mount_of(const struct found *f)
{
	return f->dots == 2 ? NULL : f->dir.mount ?: f->obj.mount;
}

/*
 * One of the names is a mount point, or hidden: that is looked at last.
 * Return: -errno, or 1 when there is nothing to do
 */
static int points_in_the_way(const struct found *from, const struct found *to,
			     unsigned flags)
{
	if (to->error)			/* hidden: taken, but not to be seen */
		return to->point ? -EACCES : -EBUSY;
	if (file_id_equal(from->dir.id, to->dir.id) &&
	    !strcmp(from->name, to->name))
		return 1;
	if (!(flags & RENAME_EXCHANGE) &&
	    S_ISDIR(from->obj.mode) != S_ISDIR(to->obj.mode))
		return S_ISDIR(to->obj.mode) ? -EISDIR : -ENOTDIR;
	return -EBUSY;
}

/* Has something a slash behind its name that is no directory? */
static bool says_directory(const struct found *from, const struct found *to,
			   unsigned flags)
{
	if (!S_ISDIR(from->obj.mode) && from->slash)
		return true;
	if (flags & RENAME_EXCHANGE)
		return !S_ISDIR(to->obj.mode) && to->slash;
	return !S_ISDIR(from->obj.mode) && to->slash;
}

/* In the kernel's order. */
static int check_rename(const struct request *rq, const struct found *from,
			const struct found *to, unsigned flags)
{
	const struct mount *a = mount_of(from), *b = mount_of(to);

	if (a && b && a != b)
		return -EXDEV;
	if (!from->name[0])
		return -EBUSY;
	if (!to->name[0])
		return flags & RENAME_NOREPLACE ? -EEXIST : -EBUSY;
	if (layered_rdonly(rq->version, from->dir.mount))
		return -EROFS;
	if (from->error)
		return from->error;
	if (!to->error && (flags & RENAME_NOREPLACE))
		return -EEXIST;
	if (to->error && (flags & RENAME_EXCHANGE))
		return to->error;
	if (says_directory(from, to, flags))
		return -ENOTDIR;
	if (from->point || to->point)
		return points_in_the_way(from, to, flags);
	return 0;
}

static int rename_made(struct request *rq, unsigned flags)
{
	const struct found *from = &rq->found[0], *to = &rq->found[1];
	bool exchange = flags & RENAME_EXCHANGE;
	bool last = !exchange && special_last(rq, to);
	char a[PATH_MAX], b[PATH_MAX];
	int err = made_name(from, a, sizeof(a)) ?: made_name(to, b, sizeof(b));

	if (!err)
		err = ops_of(to)->rename(&rq->ctx, &to->dir.mount->pub, a, b,
					 flags);
	if (!err && last)
		special_gone(rq, &to->obj);
	if (!err)
		special_moved(rq, from, to, a, b, exchange);
	return err;
}

struct verdict call_rename(struct request *rq)
{
	const struct found *from = &rq->found[0], *to = &rq->found[1];
	unsigned flags = !strcmp(rq->row->name, "renameat2") ?
			 rq->call->arg[4] : 0;
	int err = check_rename(rq, from, to, flags);

	if (err)
		return verdict_value(err < 0 ? err : 0);
	if (!module_changes(&from->dir) && !module_changes(&to->dir))
		return verdict_value(syscall(SYS_renameat2, from->dir.fd,
			from->name, to->dir.fd, to->name, flags) ? -errno : 0);
	if (!module_changes(&from->dir) || !module_changes(&to->dir))
		return verdict_value(-EXDEV);
	return verdict_value(rename_made(rq, flags));
}
