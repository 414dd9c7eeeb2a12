/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is told about an object: stat, statx, access, readlink, statfs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "engine/memory.h"
#include "lib/procfd.h"
#include "sys/creds.h"
#include "sys/handlers.h"
#include "sys/procfs.h"
#include "sys/real.h"
#include "sys/state.h"
#include "view/layered.h"
#include "view/registry.h"

#define PROC_ROOT_INO 1

static struct verdict give(const struct request *rq, uint64_t addr,
			   const void *data, size_t len)
{
	return verdict_value(guest_write(rq->call, addr, data, len));
}

/* Of a removed directory nobody else knows anything any more. */
static void removed_attr(const struct place *p, struct vu_node *node)
{
	node->attr = (struct stat){ .st_mode = S_IFDIR | 0755,
				    .st_ino = p->id.ino };
}

int made_attr(struct request *rq, const struct place *p, struct stat *st)
{
	struct vu_node node = { .kind = VU_NODE_MADE, .fd = -1 };
	struct mount *m = p->mount;
	const struct vu_fs_ops *ops = module_fs(m->module);
	int err;

	if (p->unnamed)
		err = ops->attr_of(&rq->ctx, &m->pub, p->number, &node.attr);
	else
		err = ops->lookup(&rq->ctx, &m->pub, p->rel, &node);
	if (err == -ENOENT && p->unnamed && S_ISDIR(p->mode)) {
		removed_attr(p, &node);
		err = 0;
	}
	if (err)
		return err;
	if (node.kind == VU_NODE_REAL) {
		err = fstat(node.fd, &node.attr) ? -errno : 0;
		close(node.fd);
		memcpy(st, &node.attr, sizeof(*st));
		return err;
	}
	*st = node.attr;
	st->st_dev = st->st_dev ?: makedev(0, MADE_MINOR + m->id);
	st->st_ino = st->st_ino ?: p->id.ino;
	if (!p->unnamed)
		st->st_nlink = st->st_nlink ?: 1;
	st->st_blksize = st->st_blksize ?: 4096;
	return err;
}

static int get_attr(struct request *rq, const struct place *p, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	if (made(p))
		return made_attr(rq, p, st);
	if (syscall(SYS_newfstatat, p->fd, "", st, AT_EMPTY_PATH))
		return -errno;
	if (!layered_tell(rq->version, st))
		procfs_tell_owner(rq, p, st);
	return 0;
}

/* What an open descriptor has to read may differ from what is there now. */
static void size_of_open_file(struct request *rq, int fd, struct stat *st)
{
	struct stat now;

	if (S_ISREG(st->st_mode) && !procfd_stat(rq->call->tid, fd, &now) &&
	    S_ISREG(now.st_mode)) {
		st->st_size = now.st_size;
		st->st_blocks = now.st_blocks;
	}
}

static int found_attr(struct request *rq, const struct found *f, struct stat *st)
{
	int err = f->error ?: get_attr(rq, &f->obj, st);

	if (!err && f->is_descriptor && made(&f->obj))
		size_of_open_file(rq, (int)rq->call->arg[0], st);
	return err;
}

struct verdict call_stat(struct request *rq)
{
	bool at = rq->row->op[0].dirfd >= 0;
	struct stat st;
	int err;

	err = found_attr(rq, &rq->found[0], &st);
	if (err)
		return verdict_value(err);
	return give(rq, rq->call->arg[1 + at], &st, sizeof(st));
}

/* Does a layered mount tell something else of an open file than it is? */
static bool layered_fstat(struct request *rq, struct stat *st)
{
	return rq->version->nlayered &&
	       !procfd_stat(rq->call->tid, (int)rq->call->arg[0], st) &&
	       layered_tell(rq->version, st);
}

/* Is it of a process's directory, which has another owner? */
static bool owner_of_fd(struct request *rq, struct stat *st)
{
	struct place p = NOWHERE;
	bool told;

	if (!guest_has_ids(rq->guest) ||
	    procfd_stat(rq->call->tid, (int)rq->call->arg[0], st) ||
	    st->st_dev != proc_device())
		return false;
	told = !request_fd(rq, (int)rq->call->arg[0], &p) &&
	       procfs_tell_owner(rq, &p, st);
	place_drop(&p);
	return told;
}

/* The descriptor may be a placeholder for what only a module knows. */
struct verdict call_fstat(struct request *rq)
{
	struct place p = NOWHERE;
	struct verdict v = verdict_native();
	struct stat st;
	int err;

	if (rq->call->abi == ABI_COMPAT)
		return v;
	if (layered_fstat(rq, &st) || owner_of_fd(rq, &st))
		return give(rq, rq->call->arg[1], &st, sizeof(st));
	if (!descriptors_made(rq->sys->descriptors))
		return v;
	err = request_fd(rq, (int)rq->call->arg[0], &p);
	if (!err && made(&p)) {
		err = get_attr(rq, &p, &st);
		if (!err)
			size_of_open_file(rq, (int)rq->call->arg[0], &st);
		v = err ? verdict_value(err)
			: give(rq, rq->call->arg[1], &st, sizeof(st));
	}
	place_drop(&p);
	return v;
}

static struct statx_timestamp stx_time(struct timespec t)
{
	return (struct statx_timestamp){ .tv_sec = t.tv_sec,
					 .tv_nsec = t.tv_nsec };
}

static void attr_to_statx(const struct stat *st, struct statx *x)
{
	*x = (struct statx){
		.stx_mask = STATX_BASIC_STATS,
		.stx_blksize = st->st_blksize, .stx_nlink = st->st_nlink,
		.stx_uid = st->st_uid, .stx_gid = st->st_gid,
		.stx_mode = st->st_mode, .stx_ino = st->st_ino,
		.stx_size = st->st_size, .stx_blocks = st->st_blocks,
		.stx_atime = stx_time(st->st_atim),
		.stx_mtime = stx_time(st->st_mtim),
		.stx_ctime = stx_time(st->st_ctim),
		.stx_rdev_major = major(st->st_rdev),
		.stx_rdev_minor = minor(st->st_rdev),
		.stx_dev_major = major(st->st_dev),
		.stx_dev_minor = minor(st->st_dev),
	};
}

/* What is to be told otherwise, in an answer of the kernel's. */
static int tell_statx(struct request *rq, const struct place *p,
		      struct statx *x)
{
	struct statx told;
	struct stat st;

	if (!rq->version->nlayered && !place_in_proc(p))
		return 0;
	if (fstat(p->fd, &st))
		return -errno;
	if (!layered_tell(rq->version, &st) && !procfs_tell_owner(rq, p, &st))
		return 0;
	attr_to_statx(&st, &told);
	told.stx_mask |= x->stx_mask;
	told.stx_attributes = x->stx_attributes;
	told.stx_attributes_mask = x->stx_attributes_mask;
	told.stx_btime = x->stx_btime;
	told.stx_mnt_id = x->stx_mnt_id;
	*x = told;
	return 0;
}

struct verdict call_statx(struct request *rq)
{
	const uint64_t *arg = rq->call->arg;
	const struct place *p = &rq->found[0].obj;
	struct statx x;
	struct stat st;
	int err = rq->found[0].error;

	memset(&x, 0, sizeof(x));
	if (!err && made(p)) {
		err = found_attr(rq, &rq->found[0], &st);
		if (!err)
			attr_to_statx(&st, &x);
	} else if (!err) {
		unsigned flags = (arg[2] & ~(uint64_t)AT_SYMLINK_NOFOLLOW) |
				 AT_EMPTY_PATH;
		err = syscall(SYS_statx, p->fd, "", flags, (unsigned)arg[3], &x) ?
		      -errno : 0;
		if (!err)
			err = tell_statx(rq, p, &x);
	}
	if (err)
		return verdict_value(err);
	return give(rq, arg[4], &x, sizeof(x));
}

/* The access bits that the caller's ids have on made attributes. */
int made_access(struct request *rq, const struct place *p, int want)
{
	struct vu_mount *m = &p->mount->pub;
	struct stat st;
	int err;

	if (m->flags & (VU_MOUNT_OWN_ACCESS | VU_MOUNT_LAYERED))
		return module_fs(p->mount->module)->access(&rq->ctx, m, p->rel,
							   want);
	err = made_attr(rq, p, &st);
	if (!err)
		err = request_ids(rq);
	return err ?: vu_permits(&rq->ctx, &st, want);
}

/* Does the module say who may do what? */
static bool module_permits(const struct place *p)
{
	if (made(p) || !p->rel || p->unnamed)
		return made(p);
	return (p->mount->pub.flags & VU_MOUNT_OWN_ACCESS) ||
	       (mount_layered(p->mount) && S_ISDIR(p->mode));
}

bool place_has_own_access(const struct place *p)
{
	return p->rel && (p->mount->pub.flags & VU_MOUNT_OWN_ACCESS);
}

int place_access(struct request *rq, const struct place *p, int want)
{
	if (module_permits(p))
		return made_access(rq, p, want);
	return syscall(SYS_faccessat2, p->fd, "", want,
		       AT_EMPTY_PATH | AT_EACCESS) ? -errno : 0;
}

static int real_access(struct request *rq, const struct place *p, int want,
		       int flags)
{
	int err = flags & AT_EACCESS ? 0 : creds_assume_real(rq);

	if (err)
		return err;
	/* this thread has them as its file-system ids, its real ones differ */
	if (rq->assumed)
		flags |= AT_EACCESS;
	return syscall(SYS_faccessat2, p->fd, "", want, flags | AT_EMPTY_PATH) ?
	       -errno : 0;
}

/* The same of a node that only a module knows. */
static int unreal_access(struct request *rq, const struct place *p, int want,
			 int flags)
{
	int err = request_ids(rq);

	if (!err && !(flags & AT_EACCESS)) {
		rq->as_real = true;
		rq->ctx.has_who = false;
	}
	return err ?: made_access(rq, p, want);
}

struct verdict call_access(struct request *rq)
{
	const uint64_t *arg = rq->call->arg;
	int at = rq->row->op[0].dirfd >= 0;
	int want = (int)arg[1 + at];
	int flags = rq->row->op[0].flags >= 0 ? (int)arg[3] : 0;
	const struct place *p = &rq->found[0].obj;
	int err = rq->found[0].error;

	if (!err)
		err = module_permits(p) ? unreal_access(rq, p, want, flags)
			      : real_access(rq, p, want, flags & AT_EACCESS);
	if (!err && (want & W_OK) && layered_rdonly(rq->version, p->mount) &&
	    (S_ISREG(p->mode) || S_ISDIR(p->mode) || S_ISLNK(p->mode)))
		err = -EROFS;
	return verdict_value(err);
}

/*
 * What "self" in a directory of /proc says to the caller, which is not what
 * it says to the monitor. Return: length, -ENOSYS for any other link
 */
static ssize_t self_text(struct request *rq, const struct found *f,
			 char *buf, size_t size)
{
	pid_t tgid = request_tgid(rq);

	if (f->dir.id.ino != PROC_ROOT_INO || !place_in_proc(&f->dir))
		return -ENOSYS;
	if (!strcmp(f->name, "self"))
		return snprintf(buf, size, "%d", tgid);
	if (!strcmp(f->name, "thread-self"))
		return snprintf(buf, size, "%d/task/%d", tgid, rq->call->tid);
	return -ENOSYS;
}

/* The text of a link, where it is not what the kernel would tell us. */
static ssize_t special_text(struct request *rq, const struct found *f,
			    char *buf, size_t size)
{
	ssize_t n;

	if (made(&f->obj))
		return module_fs(f->obj.mount->module)->readlink(&rq->ctx,
			&f->obj.mount->pub, f->obj.rel, buf, size);
	if (!f->dir.mount || !f->name[0])
		return -ENOSYS;
	n = procfs_readlink(rq, &f->dir, f->name, buf, size);
	return n == -ENOSYS && !f->native ? self_text(rq, f, buf, size) : n;
}

struct verdict call_readlink(struct request *rq)
{
	int at = rq->row->op[0].dirfd >= 0;
	uint64_t addr = rq->call->arg[1 + at];
	int room = (int)rq->call->arg[2 + at];
	const struct found *f = &rq->found[0];
	char buf[PATH_MAX];
	ssize_t n = f->error;

	if (room <= 0 || (!n && !f->obj.mount))
		return verdict_native();
	if (!n && !S_ISLNK(f->obj.mode))
		n = f->is_descriptor ? -ENOENT : -EINVAL;
	if (!n)
		n = special_text(rq, f, buf, sizeof(buf));
	if (n == -ENOSYS && f->native)
		return verdict_native();
	if (n == -ENOSYS) {
		n = readlinkat(f->obj.fd, "", buf, sizeof(buf));
		n = n < 0 ? -errno : n;
	}
	if (n < 0)
		return verdict_value(n);
	if (n > room)
		n = room;
	return verdict_value(guest_write(rq->call, addr, buf, n) ?: n);
}

static int get_statfs(struct request *rq, const struct place *p,
		      struct statfs *buf)
{
	struct vu_mount *m = &p->mount->pub;

	memset(buf, 0, sizeof(*buf));
	if (made(p))
		return module_fs(p->mount->module)->statfs(&rq->ctx, m, p->rel,
							   buf);
	if (fstatfs(p->fd, buf))
		return -errno;
	if (layered_rdonly(rq->version, p->mount))
		buf->f_flags |= 1;		/* ST_RDONLY */
	return 0;
}

struct verdict call_statfs(struct request *rq)
{
	struct statfs buf;
	int err = rq->found[0].error;

	if (!err)
		err = get_statfs(rq, &rq->found[0].obj, &buf);
	if (err)
		return verdict_value(err);
	return give(rq, rq->call->arg[1], &buf, sizeof(buf));
}

struct verdict call_fstatfs(struct request *rq)
{
	struct place p = NOWHERE;
	struct verdict v = verdict_native();
	struct statfs buf;
	int err;

	if (rq->call->abi == ABI_COMPAT || descriptors_empty(rq->sys->descriptors))
		return v;
	err = request_fd(rq, (int)rq->call->arg[0], &p);
	if (!err && p.mount->id) {
		err = get_statfs(rq, &p, &buf);
		v = err ? verdict_value(err)
			: give(rq, rq->call->arg[1], &buf, sizeof(buf));
	}
	place_drop(&p);
	return v;
}
