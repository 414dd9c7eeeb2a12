/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every module borrows: the defaults of operations it does not have,
 * and the small helpers of include/vu/module.h that need nothing of the
 * monitor.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "include/vu/module.h"
#include "lib/log.h"
#include "lib/proc.h"

static ssize_t no_readlink(struct vu_ctx *ctx, struct vu_mount *m,
			   const char *path, char *buf, size_t size)
{
	(void)ctx, (void)m, (void)path, (void)buf, (void)size;
	return -EINVAL;
}

static int no_open(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		   int flags)
{
	(void)ctx, (void)m, (void)path, (void)flags;
	return -EACCES;
}

static int may_access(struct vu_ctx *ctx, struct vu_mount *m,
		      const char *path, int want)
{
	(void)ctx, (void)m, (void)path, (void)want;
	return 0;
}

static ssize_t no_name_of(struct vu_ctx *ctx, struct vu_mount *m,
			  uint64_t number, char *buf, size_t size)
{
	(void)ctx, (void)m, (void)number, (void)buf, (void)size;
	return -ENOSYS;
}

static int no_attr_of(struct vu_ctx *ctx, struct vu_mount *m, uint64_t number,
		      struct stat *attr)
{
	(void)ctx, (void)m, (void)number, (void)attr;
	return -ENOSYS;
}

static int no_sync(struct vu_ctx *ctx, struct vu_mount *m, const char *path)
{
	(void)ctx, (void)m, (void)path;
	return 0;
}

static int no_allocate(struct vu_ctx *ctx, struct vu_mount *m,
		       const char *path, off_t off, off_t len)
{
	(void)ctx, (void)m, (void)path, (void)off, (void)len;
	return 0;
}

static int nobody_serves(struct vu_mount *m, pid_t pid)
{
	(void)m, (void)pid;
	return -1;
}

static void no_quit(struct vu_mount *m)
{
	(void)m;
}

static bool not_busy(struct vu_mount *m)
{
	(void)m;
	return false;
}

static int empty_readdir(struct vu_ctx *ctx, struct vu_mount *m,
			 const char *path, struct vu_dir *dir)
{
	(void)ctx, (void)m, (void)path, (void)dir;
	return 0;
}

static int ro_mknod(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		    mode_t mode, dev_t dev)
{
	(void)ctx, (void)m, (void)path, (void)mode, (void)dev;
	return -EROFS;
}

/* mkdir and chmod */
static int ro_mode(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		   mode_t mode)
{
	(void)ctx, (void)m, (void)path, (void)mode;
	return -EROFS;
}

/* symlink and link */
static int ro_two_names(struct vu_ctx *ctx, struct vu_mount *m,
			const char *one, const char *two)
{
	(void)ctx, (void)m, (void)one, (void)two;
	return -EROFS;
}

/* unlink and rmdir */
static int ro_name(struct vu_ctx *ctx, struct vu_mount *m, const char *path)
{
	(void)ctx, (void)m, (void)path;
	return -EROFS;
}

static int ro_rename(struct vu_ctx *ctx, struct vu_mount *m, const char *from,
		     const char *to, unsigned flags)
{
	(void)ctx, (void)m, (void)from, (void)to, (void)flags;
	return -EROFS;
}

static int ro_truncate(struct vu_ctx *ctx, struct vu_mount *m,
		       const char *path, off_t size)
{
	(void)ctx, (void)m, (void)path, (void)size;
	return -EROFS;
}

static int ro_chown(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		    uid_t uid, gid_t gid)
{
	(void)ctx, (void)m, (void)path, (void)uid, (void)gid;
	return -EROFS;
}

static int ro_utimens(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		      const struct timespec times[2])
{
	(void)ctx, (void)m, (void)path, (void)times;
	return -EROFS;
}

static int made_statfs(struct vu_ctx *ctx, struct vu_mount *m,
		       const char *path, struct statfs *buf)
{
	(void)ctx, (void)m, (void)path;
	*buf = (struct statfs){ .f_type = TMPFS_MAGIC, .f_bsize = 4096,
				.f_frsize = 4096, .f_namelen = 255 };
	return 0;
}

static ssize_t no_getxattr(struct vu_ctx *ctx, struct vu_mount *m,
			   const char *path, const char *name,
			   void *value, size_t size)
{
	(void)ctx, (void)m, (void)path, (void)name, (void)value, (void)size;
	return -EOPNOTSUPP;
}

static ssize_t no_listxattr(struct vu_ctx *ctx, struct vu_mount *m,
			    const char *path, char *list, size_t size)
{
	(void)ctx, (void)m, (void)path, (void)list, (void)size;
	return -EOPNOTSUPP;
}

static int no_setxattr(struct vu_ctx *ctx, struct vu_mount *m,
		       const char *path, const char *name,
		       const void *value, size_t size, int flags)
{
	(void)ctx, (void)m, (void)path, (void)name;
	(void)value, (void)size, (void)flags;
	return -EOPNOTSUPP;
}

static int no_removexattr(struct vu_ctx *ctx, struct vu_mount *m,
			  const char *path, const char *name)
{
	(void)ctx, (void)m, (void)path, (void)name;
	return -EOPNOTSUPP;
}

static const struct vu_fs_ops defaults = {
	.readlink = no_readlink,
	.open = no_open,
	.access = may_access,
	.name_of = no_name_of,
	.attr_of = no_attr_of,
	.sync = no_sync,
	.allocate = no_allocate,
	.busy = not_busy,
	.serves = nobody_serves,
	.quit = no_quit,
	.readdir = empty_readdir,
	.mknod = ro_mknod,
	.mkdir = ro_mode,
	.symlink = ro_two_names,
	.unlink = ro_name,
	.rmdir = ro_name,
	.link = ro_two_names,
	.rename = ro_rename,
	.truncate = ro_truncate,
	.chmod = ro_mode,
	.chown = ro_chown,
	.utimens = ro_utimens,
	.statfs = made_statfs,
	.getxattr = no_getxattr,
	.listxattr = no_listxattr,
	.setxattr = no_setxattr,
	.removexattr = no_removexattr,
};

#define BORROW(op) do { if (!ops->op) ops->op = defaults.op; } while (0)

void vu_fs_borrow(struct vu_fs_ops *ops)
{
	if (!ops->find)
		ops->find = ops->lookup;
	BORROW(readlink);
	BORROW(open);
	BORROW(access);
	BORROW(name_of);
	BORROW(attr_of);
	BORROW(sync);
	BORROW(allocate);
	BORROW(busy);
	BORROW(serves);
	BORROW(quit);
	BORROW(readdir);
	BORROW(mknod);
	BORROW(mkdir);
	BORROW(symlink);
	BORROW(unlink);
	BORROW(rmdir);
	BORROW(link);
	BORROW(rename);
	BORROW(truncate);
	BORROW(chmod);
	BORROW(chown);
	BORROW(utimens);
	BORROW(statfs);
	BORROW(getxattr);
	BORROW(listxattr);
	BORROW(setxattr);
	BORROW(removexattr);
}

int vu_bytes_file(const char *name, const void *bytes, size_t len)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	char link[32];
	int ro, err;

	if (fd < 0)
		return -errno;
	if (write(fd, bytes, len) != (ssize_t)len ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SHRINK |
		  F_SEAL_GROW | F_SEAL_SEAL)) {
		err = errno ? -errno : -EIO;
		close(fd);
		return err;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	ro = open(link, O_RDONLY | O_CLOEXEC);
	err = ro < 0 ? -errno : ro;
	close(fd);
	return err;
}

int vu_next_option(const char **rest, char *key, size_t keysize,
		   char *value, size_t valuesize)
{
	const char *s = *rest;
	size_t n, k;

	s += strspn(s, ",");
	n = strcspn(s, ",");
	*rest = s + n;
	if (!n)
		return 0;
	k = strcspn(s, "=,");
	if (k >= keysize || n - k >= valuesize)
		return -ENAMETOOLONG;
	memcpy(key, s, k);
	key[k] = '\0';
	if (k < n)
		k++;
	memcpy(value, s + k, n - k);
	value[n - k] = '\0';
	return 1;
}

struct search {
	bool (*such)(void *arg, const struct stat *st);
	void *arg;
};

static bool is_such(void *arg, int dir, const char *name)
{
	const struct search *s = arg;
	struct stat st;

	return !fstatat(dir, name, &st, 0) && s->such(s->arg, &st);
}

bool vu_has_open(pid_t pid, bool (*such)(void *arg, const struct stat *st),
		 void *arg)
{
	struct search s = { such, arg };

	return proc_find_fd(pid, is_such, &s);
}

size_t vu_guests(pid_t **pid)
{
	return proc_descendants(getpid(), pid);
}

void vu_log(const char *format, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_error("%s", text);
}

void vu_progress(const char *format, ...)
{
	char text[512];
	va_list ap;

	if (!format) {
		log_progress(NULL);
		return;
	}
	va_start(ap, format);
	vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	log_progress("%s", text);
}

void vu_message_set(struct vu_message *msg, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vsnprintf(msg->text, sizeof(msg->text), format, ap);
	va_end(ap);
}
