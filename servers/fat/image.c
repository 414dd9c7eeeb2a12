/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The image is only read and written here, and nothing outside of the size
 * that it had when it was opened. It is not mapped: who cuts it while we
 * use it gets an error, not a dead server.
 *
 * Who else opens it is told by a lock of the open file (F_OFD_SETLK), which
 * the fork into the background keeps, and which is no flock(2): that one may
 * be held by who has started us.
 */
#include "servers/fat/image.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int image_take(struct fat_image *i, int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	struct stat st;

	*i = (struct fat_image){ .fd = fd };
	if (fstat(fd, &st) < 0 || end < 0 ||
	    !(S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))) {
		image_close(i);
		return -EINVAL;
	}
	i->size = end;
	return 0;
}

static int lock(int fd, bool readonly)
{
	struct flock all = { .l_type = readonly ? F_RDLCK : F_WRLCK,
			     .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &all) < 0 &&
	    (errno == EAGAIN || errno == EACCES))
		return -EBUSY;
	return 0;	/* where there are no locks we do without */
}

int image_open(struct fat_image *i, const char *path, bool *readonly)
{
	int flags = O_CLOEXEC | O_NOCTTY | O_NONBLOCK, fd = -1, err;

	if (!*readonly) {
		fd = open(path, O_RDWR | flags);
		*readonly = fd < 0 && (errno == EACCES || errno == EROFS ||
				       errno == EPERM);
	}
	if (*readonly)
		fd = open(path, O_RDONLY | flags);
	if (fd < 0)
		return -errno;
	err = image_take(i, fd);
	if (!err)
		err = lock(fd, *readonly);
	if (err)
		image_close(i);
	return err;
}

void image_close(struct fat_image *i)
{
	if (i->fd >= 0)
		close(i->fd);
	i->fd = -1;
}

static bool inside(const struct fat_image *i, uint64_t n, uint64_t at)
{
	return at <= i->size && n <= i->size - at;
}

int image_read(const struct fat_image *i, void *buf, size_t n, uint64_t at)
{
	uint8_t *p = buf;

	if (!inside(i, n, at))
		return -EIO;
	while (n) {
		ssize_t got = pread(i->fd, p, n, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -EIO;
		p += got;
		at += got;
		n -= got;
	}
	return 0;
}

int image_write(const struct fat_image *i, const void *buf, size_t n,
		uint64_t at)
{
	const uint8_t *p = buf;

	if (!inside(i, n, at))
		return -EIO;
	while (n) {
		ssize_t put = pwrite(i->fd, p, n, at);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0 && (errno == ENOSPC || errno == EDQUOT))
			return -ENOSPC;
		if (put <= 0)
			return -EIO;
		p += put;
		at += put;
		n -= put;
	}
	return 0;
}

int image_zero(const struct fat_image *i, uint64_t n, uint64_t at)
{
	static const uint8_t zero[65536];
	int err = 0;

	while (n && !err) {
		size_t part = n < sizeof(zero) ? n : sizeof(zero);

		err = image_write(i, zero, part, at);
		at += part;
		n -= part;
	}
	return err;
}

int image_sync(const struct fat_image *i)
{
	return fdatasync(i->fd) < 0 && errno != EINVAL ? -EIO : 0;
}
