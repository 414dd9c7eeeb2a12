/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "view/place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "view/mount.h"

void place_drop(struct place *p)
{
	if (p->own && p->fd >= 0)
		close(p->fd);
	free(p->rel);
	*p = NOWHERE;
}

struct place place_borrow(const struct place *p)
{
	struct place b = *p;

	b.own = false;
	b.rel = NULL;
	return b;
}

int place_copy(struct place *to, const struct place *from)
{
	struct place p = place_borrow(from);

	if (from->rel) {
		p.rel = strdup(from->rel);
		if (!p.rel)
			return -ENOMEM;
	}
	if (from->fd >= 0) {
		p.fd = fcntl(from->fd, F_DUPFD_CLOEXEC, 3);
		p.own = true;
		if (p.fd < 0) {
			free(p.rel);
			return -errno;
		}
	}
	*to = p;
	return 0;
}

int place_hold(struct place *to, const struct place *from)
{
	int err = place_copy(to, from);

	if (!err && to->mount)
		mount_get(to->mount);
	return err;
}

void place_free(struct place *p)
{
	struct mount *m = p->mount;

	place_drop(p);
	if (m)
		mount_put(m);
}

/* The inode has just been looked up: no server needs to be asked again. */
int place_identify(struct place *p, int fd, const char *name)
{
	struct statx x;

	if (statx(fd, name, AT_EMPTY_PATH | AT_NO_AUTOMOUNT |
		  AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC,
		  STATX_TYPE | STATX_MODE | STATX_INO | STATX_BTIME |
		  STATX_MNT_ID, &x))
		return -errno;
	p->id.dev = makedev(x.stx_dev_major, x.stx_dev_minor);
	p->id.ino = x.stx_ino;
	p->id.mnt = x.stx_mnt_id;
	p->mode = x.stx_mode;
	p->born = x.stx_mask & STATX_BTIME ?
		  x.stx_btime.tv_sec * 1000000000ull + x.stx_btime.tv_nsec : 0;
	return 0;
}

int place_of_fd(struct place *p, struct mount *mount, int fd)
{
	int err;

	*p = (struct place){ .mount = mount, .fd = fd, .own = true };
	err = place_identify(p, fd, "");
	if (err)
		place_drop(p);
	return err;
}

static pthread_once_t proc_once = PTHREAD_ONCE_INIT;
static dev_t proc_dev;

/* All mounts of procfs for one pid space are one file system. */
static void find_proc(void)
{
	struct stat st;

	if (!stat("/proc/self", &st))
		proc_dev = st.st_dev;
}

int openat2_path(int dir, const char *path, unsigned flags,
		 unsigned resolve)
{
	struct open_how how = {
		.flags = O_PATH | O_CLOEXEC | flags,
		.resolve = resolve,
	};
	int fd = syscall(SYS_openat2, dir, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

dev_t proc_device(void)
{
	pthread_once(&proc_once, find_proc);
	return proc_dev;
}

bool place_in_proc(const struct place *p)
{
	return proc_device() && p->id.dev == proc_dev;
}

/*
 * The kernel appends " (deleted)" to the name of what is gone; a living
 * file may be called so too, hence the look at the link count.
 */
static bool removed(int fd, const char *name, size_t len)
{
	static const char mark[] = " (deleted)";
	struct stat st;

	if (len < sizeof(mark) || strcmp(name + len - sizeof(mark) + 1, mark))
		return false;
	return fstatat(fd, "", &st, AT_EMPTY_PATH) || st.st_nlink == 0 ||
	       lstat(name, &st) != 0;
}

const char *fd_link(int fd, char *buf)
{
	snprintf(buf, 32, "/proc/self/fd/%d", fd);
	return buf;
}

ssize_t kernel_name(int fd, char *buf, size_t size)
{
	char link[32];
	ssize_t n;

	n = readlink(fd_link(fd, link), buf, size);
	if (n < 0)
		return -errno;
	if ((size_t)n >= size)
		return -ENAMETOOLONG;
	buf[n] = '\0';
	if (removed(fd, buf, n))
		return -ENOENT;
	return n;
}

ssize_t name_below(const char *name, const char *top)
{
	size_t n = strlen(top);

	if (n == 1)		/* "/" */
		return 0;
	if (strncmp(name, top, n) || (name[n] && name[n] != '/'))
		return -1;
	return n;
}

/* Where in its mount: "" or "/a/b". */
static ssize_t name_in_mount(const struct place *p, char *buf, size_t size)
{
	char top[PATH_MAX];
	ssize_t n, skip;

	if (p->unnamed)
		return -ENOENT;
	if (p->rel) {
		n = snprintf(buf, size, "%s%s", *p->rel ? "/" : "", p->rel);
		return (size_t)n < size ? n : -ENAMETOOLONG;
	}
	n = kernel_name(p->fd, buf, size);
	if (n < 0)
		return n;
	if (!p->mount->id) {
		if (n == 1)
			buf[--n] = '\0';
		return n;
	}
	skip = kernel_name(p->mount->pub.root, top, sizeof(top));
	if (skip < 0)
		return skip;
	skip = name_below(buf, top);
	if (skip < 0)
		return -ENOENT;
	memmove(buf, buf + skip, n - skip + 1);
	n -= skip;
	if (n == 1 && buf[0] == '/')
		buf[n = 0] = '\0';
	return n;
}

/* Put head before what is in buf. */
static ssize_t prepend(const char *head, char *buf, size_t len, size_t size)
{
	size_t n = strlen(head);

	if (n + len >= size)
		return -ENAMETOOLONG;
	memmove(buf + n, buf, len + 1);
	memcpy(buf, head, n);
	return n + len;
}

/* The name from the real root, "" for the root itself. */
static ssize_t full_name(const struct place *p, char *buf, size_t size)
{
	char up[PATH_MAX];
	const struct mount *m = p->mount;
	struct place at;
	ssize_t len, n;

	len = name_in_mount(p, buf, size);
	/* mounts are few deep; each turn prepends one mount point */
	while (len >= 0 && m->id) {
		at = place_borrow(&m->at);
		at.rel = m->at.rel;
		if (m->name[0]) {
			len = prepend(m->name, buf, len, size);
			if (len >= 0)
				len = prepend("/", buf, len, size);
		}
		if (len < 0)
			return len;
		n = name_in_mount(&at, up, sizeof(up));
		if (n < 0)
			return n;
		len = prepend(up, buf, len, size);
		m = m->at.mount;
	}
	return len;
}

ssize_t place_name(const struct place *p, const struct place *root,
		   char *buf, size_t size)
{
	char top[PATH_MAX] = "";
	ssize_t n, skip;

	n = full_name(p, buf, size);
	if (n < 0)
		return n;
	if (root && root->mount) {
		skip = full_name(root, top, sizeof(top));
		if (skip < 0)
			return skip;
	}
	skip = top[0] ? name_below(buf, top) : 0;
	if (skip < 0)
		return -ENOENT;
	memmove(buf, buf + skip, n - skip + 1);
	n -= skip;
	if (n == 0) {
		if (size < 2)
			return -ENAMETOOLONG;
		strcpy(buf, "/");
		n = 1;
	}
	return n;
}
