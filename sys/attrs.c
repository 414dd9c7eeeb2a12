/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Calls that change attributes, and extended attributes. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "engine/memory.h"
#include "sys/handlers.h"
#include "sys/operand.h"
#include "sys/real.h"
#include "sys/special.h"
#include "sys/state.h"
#include "view/layered.h"
#include "view/registry.h"

static const struct vu_fs_ops *ops_of(const struct place *p)
{
	return module_fs(p->mount->module);
}

/* Why a file of a read-only mount is not truncated: the mount comes last. */
static int refuse_truncation(struct request *rq, const struct place *p)
{
	if (!S_ISREG(p->mode))
		return S_ISDIR(p->mode) ? -EISDIR : -EINVAL;
	return place_access(rq, p, W_OK) ?: -EROFS;
}

struct verdict call_truncate(struct request *rq)
{
	const struct place *p = &rq->found[0].obj;
	off_t size = operand_length(rq);
	char link[32];
	int err = rq->found[0].error;

	if (!err && layered_rdonly(rq->version, p->mount))
		err = refuse_truncation(rq, p);
	if (!err && module_changes(p))
		err = ops_of(p)->truncate(&rq->ctx, &p->mount->pub, p->rel, size);
	else if (!err)
		err = truncate(fd_link(p->fd, link), size) ? -errno : 0;
	return verdict_value(err);
}

static int chmod_made(struct request *rq, const struct place *p, mode_t mode)
{
	int err = ops_of(p)->chmod(&rq->ctx, &p->mount->pub, p->rel, mode);

	if (!err && made(p))
		special_changed(rq, p);
	return err;
}

static int chown_made(struct request *rq, const struct place *p, uid_t uid,
		      gid_t gid)
{
	int err = ops_of(p)->chown(&rq->ctx, &p->mount->pub, p->rel, uid, gid);

	if (!err && made(p))
		special_changed(rq, p);
	return err;
}

struct verdict call_chmod(struct request *rq)
{
	const struct place *p = &rq->found[0].obj;
	mode_t mode = rq->call->arg[rq->row->op[0].path + 1] & 07777;
	char link[32];
	int err = rq->found[0].error;

	if (!err && S_ISLNK(p->mode))
		err = -EOPNOTSUPP;
	if (!err && module_changes(p))
		err = chmod_made(rq, p, mode);
	else if (!err)
		err = chmod(fd_link(p->fd, link), mode) ? -errno : 0;
	return verdict_value(err);
}

struct verdict call_chown(struct request *rq)
{
	const struct place *p = &rq->found[0].obj;
	const uint64_t *arg = rq->call->arg + rq->row->op[0].path + 1;
	uid_t uid = arg[0];
	gid_t gid = arg[1];
	int err = rq->found[0].error;

	if (!err && module_changes(p))
		err = chown_made(rq, p, uid, gid);
	else if (!err)
		err = fchownat(p->fd, "", uid, gid, AT_EMPTY_PATH) ? -errno : 0;
	return verdict_value(err);
}

/*
 * Was the descriptor of the call opened to have a name only (O_PATH)? One that
 * can be read or written has a link in /proc that can be.
 */
static bool is_path(const struct request *rq)
{
	int fd = (int)rq->call->arg[0];
	char link[64];
	struct stat st;

	snprintf(link, sizeof(link), "/proc/%d/fd/%d", rq->call->tid, fd);
	if (!lstat(link, &st) && st.st_mode & 0600)
		return false;
	return descriptor_flags(rq->call->tid, fd) & O_PATH;
}

/* --- times --- */

/* n numbers of the size that the caller's table of calls has. 0 or -errno */
static int read_longs(const struct request *rq, uint64_t addr, long *v,
		      size_t n)
{
	int32_t old[4];
	int err;

	if (rq->call->abi == ABI_NATIVE ||
	    !strcmp(rq->row->name, "utimensat_time64"))
		return guest_read(rq->call, addr, v, n * sizeof(*v));
	err = guest_read(rq->call, addr, old, n * sizeof(*old));
	for (size_t i = 0; i < n && !err; i++)
		v[i] = old[i];
	return err;
}

static int read_utime(const struct request *rq, uint64_t addr,
		      struct timespec t[2])
{
	long v[2];
	int err = read_longs(rq, addr, v, 2);

	if (err)
		return err;
	t[0] = (struct timespec){ .tv_sec = v[0] };
	t[1] = (struct timespec){ .tv_sec = v[1] };
	return 0;
}

static int read_timevals(const struct request *rq, uint64_t addr,
			 struct timespec t[2])
{
	long v[4];
	int err = read_longs(rq, addr, v, 4);

	for (int i = 0; i < 2 && !err; i++) {
		if (v[2 * i + 1] < 0 || v[2 * i + 1] >= 1000000)
			return -EINVAL;
		t[i].tv_sec = v[2 * i];
		t[i].tv_nsec = v[2 * i + 1] * 1000;
	}
	return err;
}

static int read_timespecs(const struct request *rq, uint64_t addr,
			  struct timespec t[2])
{
	long v[4];
	int err = read_longs(rq, addr, v, 4);

	for (int i = 0; i < 2 && !err; i++)
		t[i] = (struct timespec){ v[2 * i], v[2 * i + 1] };
	return err;
}

/* The times that the call sets. Return: 0, or -errno; *now: it is now */
static int read_times(const struct request *rq, struct timespec t[2], bool *now)
{
	uint64_t addr = rq->call->arg[rq->row->op[0].path + 1];

	*now = !addr;
	if (!addr)
		return 0;
	if (!strcmp(rq->row->name, "utime"))
		return read_utime(rq, addr, t);
	if (!strncmp(rq->row->name, "utimensat", strlen("utimensat")))
		return read_timespecs(rq, addr, t);
	return read_timevals(rq, addr, t);
}

static bool is_valid(const struct timespec *t)
{
	return t->tv_nsec == UTIME_NOW || t->tv_nsec == UTIME_OMIT ||
	       (t->tv_nsec >= 0 && t->tv_nsec < 1000000000);
}

struct verdict call_utime(struct request *rq)
{
	const struct place *p = &rq->found[0].obj;
	struct timespec t[2] = { { .tv_nsec = UTIME_NOW },
				 { .tv_nsec = UTIME_NOW } };
	bool now;
	int err = read_times(rq, t, &now);

	/* by a descriptor: it leads where it should, unless a module made it */
	if (!rq->call->arg[(int)rq->row->op[0].path] &&
	    (rq->found[0].error || !module_changes(p) || is_path(rq)))
		return verdict_native();
	if (err)
		return verdict_value(err);
	err = rq->found[0].error;
	if (!err && !now && !(is_valid(&t[0]) && is_valid(&t[1])))
		err = -EINVAL;
	if (!err && module_changes(p))
		err = ops_of(p)->utimens(&rq->ctx, &p->mount->pub, p->rel, t);
	else if (!err)
		err = syscall(SYS_utimensat, p->fd, "", now ? NULL : t,
			      AT_EMPTY_PATH) ? -errno : 0;
	return verdict_value(err);
}

/* --- extended attributes --- */

/* Name of the attribute. 0 or -errno as the kernel says it */
static int xattr_name(const struct request *rq, char *name)
{
	ssize_t n = guest_read_string(rq->call, rq->call->arg[1], name,
				      XATTR_NAME_MAX + 1);

	if (n == 0 || n == -ENAMETOOLONG)
		return -ERANGE;
	return n < 0 ? n : 0;
}

/* Set an attribute of a place, to what the arguments say. */
static int set_xattr(struct request *rq, const struct place *p)
{
	const uint64_t *arg = rq->call->arg;
	char name[XATTR_NAME_MAX + 1], link[32];
	size_t size = arg[3];
	void *value;
	int err;

	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	value = malloc(size + 1);
	if (!value)
		return -ENOMEM;
	err = xattr_name(rq, name);
	if (!err && size)
		err = guest_read(rq->call, arg[2], value, size);
	if (!err && module_changes(p))
		err = ops_of(p)->setxattr(&rq->ctx, &p->mount->pub, p->rel, name,
					  value, size, (int)arg[4]);
	else if (!err)
		err = setxattr(fd_link(p->fd, link), name, value, size,
			       (int)arg[4]) ? -errno : 0;
	free(value);
	return err;
}

struct verdict call_setxattr(struct request *rq)
{
	if (rq->call->arg[3] > XATTR_SIZE_MAX)
		return verdict_value(-E2BIG);
	return verdict_value(rq->found[0].error ?:
			     set_xattr(rq, &rq->found[0].obj));
}

/*
 * Does the module know the attributes? Of a layered mount's directories the
 * object is the target's, whatever was set in the view.
 */
static bool module_has_xattr(const struct place *p)
{
	return made(p) || (mount_layered(p->mount) && p->rel &&
			   (S_ISDIR(p->mode) ||
			    p->mount->pub.flags & VU_MOUNT_OWN_XATTR));
}

/* Fetch into a buffer of the caller's size and hand it over. name NULL: list */
static struct verdict give_xattr(struct request *rq, const struct place *p,
				 const char *name, uint64_t addr, size_t size)
{
	char link[32], *buf;
	ssize_t n;

	if (size > XATTR_SIZE_MAX)
		size = XATTR_SIZE_MAX;
	buf = malloc(size + 1);
	if (!buf)
		return verdict_value(-ENOMEM);
	if (module_has_xattr(p) && name)
		n = ops_of(p)->getxattr(&rq->ctx, &p->mount->pub, p->rel, name,
					buf, size);
	else if (module_has_xattr(p))
		n = ops_of(p)->listxattr(&rq->ctx, &p->mount->pub, p->rel, buf,
					 size);
	else
		n = name ? getxattr(fd_link(p->fd, link), name, buf, size)
			 : listxattr(fd_link(p->fd, link), buf, size);
	if (n < 0 && !module_has_xattr(p))
		n = -errno;
	if (n > 0 && size && guest_write(rq->call, addr, buf, n))
		n = -EFAULT;
	free(buf);
	return verdict_value(n);
}

/* getxattr and listxattr of a place, with the arguments of the call. */
static struct verdict get_xattr(struct request *rq, const struct place *p)
{
	char name[XATTR_NAME_MAX + 1];
	int err = xattr_name(rq, name);

	if (err)
		return verdict_value(err);
	return give_xattr(rq, p, name, rq->call->arg[2], rq->call->arg[3]);
}

static struct verdict list_xattr(struct request *rq, const struct place *p)
{
	return give_xattr(rq, p, NULL, rq->call->arg[1], rq->call->arg[2]);
}

struct verdict call_getxattr(struct request *rq)
{
	if (rq->found[0].error)
		return verdict_value(rq->found[0].error);
	return get_xattr(rq, &rq->found[0].obj);
}

struct verdict call_listxattr(struct request *rq)
{
	if (rq->found[0].error)
		return verdict_value(rq->found[0].error);
	return list_xattr(rq, &rq->found[0].obj);
}

static int remove_xattr(struct request *rq, const struct place *p)
{
	char name[XATTR_NAME_MAX + 1], link[32];
	int err = xattr_name(rq, name);

	if (!err && module_changes(p))
		err = ops_of(p)->removexattr(&rq->ctx, &p->mount->pub, p->rel,
					     name);
	else if (!err)
		err = removexattr(fd_link(p->fd, link), name) ? -errno : 0;
	return err;
}

struct verdict call_removexattr(struct request *rq)
{
	return verdict_value(rq->found[0].error ?:
			     remove_xattr(rq, &rq->found[0].obj));
}

/* --- through a descriptor --- */

/* What the call does to a node that only a module knows. */
static struct verdict change_made(struct request *rq, const struct place *p)
{
	const char *call = rq->row->name;
	const uint64_t *arg = rq->call->arg;
	int err;

	if (!strcmp(call, "fgetxattr"))
		return get_xattr(rq, p);
	if (!strcmp(call, "flistxattr"))
		return list_xattr(rq, p);
	if (layered_rdonly(rq->version, p->mount))
		err = -EROFS;
	else if (!strcmp(call, "fchmod"))
		err = chmod_made(rq, p, arg[1] & 07777);
	else if (!strcmp(call, "fchown"))
		err = chown_made(rq, p, arg[1], arg[2]);
	else if (!strcmp(call, "fsetxattr"))
		err = set_xattr(rq, p);
	else
		err = remove_xattr(rq, p);
	return verdict_value(err);
}

/* A descriptor that we cannot look at may be of what must stay as it is. */
static struct verdict unknown_descriptor(const struct request *rq, int err)
{
	return rq->version->nlayered && err != -EBADF ? verdict_value(err)
						      : verdict_native();
}

/*
 * Changes through a descriptor: refused below a read-only mount. One that
 * can be written to was not opened there, whatever is noted of its file.
 */
struct verdict call_fd_change(struct request *rq)
{
	struct place p = NOWHERE;
	struct verdict v = verdict_native();
	int fd = (int)rq->call->arg[0], err;

	if (descriptors_empty(rq->sys->descriptors) && !rq->version->nlayered)
		return v;
	err = request_fd(rq, fd, &p);
	if (err)
		return unknown_descriptor(rq, err);
	if (module_changes(&p) && is_path(rq))
		v = verdict_native();	/* which does not work on files */
	else if (hidden_file(&p))
		v = verdict_value(0);
	else if (p.mount->id && layered_rdonly(rq->version, p.mount) &&
		 !(descriptor_flags(rq->call->tid, fd) & O_ACCMODE))
		v = verdict_value(-EROFS);
	else if (module_changes(&p) && !p.unnamed)
		v = change_made(rq, &p);
	place_drop(&p);
	return v;
}

/* Attributes that are asked for by a descriptor: only a module's are ours. */
struct verdict call_fd_attribute(struct request *rq)
{
	struct place p = NOWHERE;
	struct verdict v = verdict_native();

	if (!request_fd(rq, (int)rq->call->arg[0], &p) && !p.unnamed &&
	    module_has_xattr(&p))
		v = change_made(rq, &p);
	place_drop(&p);
	return v;
}

/*
 * Through a descriptor that cannot write these would change the file or the
 * directory that a layered mount keeps as it is: its flags, version, format,
 * protection; FAT's attributes; btrfs' subvolumes.
 */
struct verdict call_ioctl(struct request *rq)
{
	static const unsigned changes[] = {
		0x6602, 0x5820, 0x7602, 0x6604, 0x6609, 0x6613, 0x6685, 0x7211,
		0x9401, 0x940e, 0x940f, 0x9417, 0x9418, 0x941a, 0x9425, 0x943f,
	};
	struct place p = NOWHERE;
	struct verdict v = verdict_native();
	int fd = (int)rq->call->arg[0], err;
	bool concerned = false;

	for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++)
		concerned |= (rq->call->arg[1] & 0xffff) == changes[i];
	if (!concerned || !rq->version->nlayered)
		return v;
	err = request_fd(rq, fd, &p);
	if (err)
		return unknown_descriptor(rq, err);
	if (p.mount->id && mount_layered(p.mount) &&
	    !(descriptor_flags(rq->call->tid, fd) & O_ACCMODE))
		v = verdict_value(-EOPNOTSUPP);
	place_drop(&p);
	return v;
}

/*
 * Descriptors that no name is given for: open_by_handle_at(2), and those of
 * fanotify's events. Where there is a layered mount they are to read only.
 */
struct verdict call_open_nameless(struct request *rq)
{
	bool handle = !strcmp(rq->row->name, "open_by_handle_at");
	unsigned flags = rq->call->arg[handle ? 2 : 1];
	bool changes = !(flags & O_PATH) && (flags & (O_ACCMODE | O_TRUNC));

	return rq->version->nlayered && changes ? verdict_value(-EPERM)
						: verdict_native();
}
