/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The content of a file, by the cheapest way that its file system offers:
 * shared blocks; the kernel's own copying, piece of data by piece of data so
 * that holes stay holes; reading and writing. Each way that is refused leaves
 * nothing behind, and the next one is tried from where it stopped.
 *
 * What the size says is not believed: the file may grow or shrink meanwhile,
 * and one of /proc says 0. The data ends where reading says so, or at the
 * size that was said if there is more.
 */
#include "store/copy.h"

#include <errno.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum {
	STEP = 4 << 20,		/* bytes between two calls of progress() */
	BUFFER = 256 << 10,
};

struct content {
	int from, to;
	uint64_t total;
	const struct copy_plan *plan;
	char *buf;		/* once reading and writing has begun */
};

static int go_on(const struct content *c, uint64_t done)
{
	if (!c->plan->progress)
		return 0;
	return c->plan->progress(c->plan->ctx, done, c->total);
}

static int write_all(const struct content *c, size_t n, off_t at)
{
	size_t done = 0;

	while (done < n) {
		ssize_t put = pwrite(c->to, c->buf + done, n - done, at + done);

		if (put < 0 && errno != EINTR)
			return -errno;
		if (put == 0)
			return -EIO;
		if (put > 0)
			done += put;
	}
	return 0;
}

/* Return: how much was read and written, 0 at the end, or -errno */
static ssize_t by_hand(struct content *c, off_t at, size_t max)
{
	ssize_t n;
	int err;

	if (!c->buf)
		c->buf = malloc(BUFFER);
	if (!c->buf)
		return -ENOMEM;
	do {
		n = pread(c->from, c->buf, max < BUFFER ? max : BUFFER, at);
	} while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n ? -errno : 0;
	err = write_all(c, n, at);
	return err ? err : n;
}

/* Will the kernel not do it between these two files at all? */
static bool refused(int err)
{
	return err == EXDEV || err == EINVAL || err == EOPNOTSUPP ||
	       err == ENOSYS || err == EPERM || err == EBADF || err == ETXTBSY;
}

/* As by_hand(). What the kernel says to copy nothing of is tried by hand. */
static ssize_t some(struct content *c, off_t at, size_t max)
{
	loff_t in = at, out = at;
	ssize_t n;

	if (c->buf)
		return by_hand(c, at, max);
	do {
		n = copy_file_range(c->from, &in, c->to, &out, max, 0);
	} while (n < 0 && errno == EINTR);
	if (n > 0)
		return n;
	if (n < 0 && !refused(errno))
		return -errno;
	return by_hand(c, at, max);
}

/*
 * One stretch of data.
 * Return: 0, -errno, or 1: the file ends in it. @at: out: where it ended
 */
static int stretch(struct content *c, off_t *at, off_t end)
{
	uint64_t asked = *at;

	while (*at < end) {
		uint64_t left = end - *at;
		ssize_t n = some(c, *at, left < STEP ? left : STEP);
		int err;

		if (n <= 0)
			return n ? (int)n : 1;
		*at += n;
		if ((uint64_t)*at - asked < STEP)
			continue;
		asked = *at;
		err = go_on(c, asked);
		if (err)
			return err;
	}
	return 0;
}

/* Where data begins from at on, at most end. A file system that does not
 * know says: here. */
static off_t data_from(const struct content *c, off_t at, off_t end)
{
	off_t data = lseek(c->from, at, SEEK_DATA);

	if (data < 0)
		return errno == ENXIO ? end : at;
	return data < at || data > end ? end : data;
}

static off_t hole_from(const struct content *c, off_t at, off_t end)
{
	off_t hole = lseek(c->from, at, SEEK_HOLE);

	return hole <= at || hole > end ? end : hole;
}

/* A file that is what it says. */
static int sized(struct content *c)
{
	off_t at = 0, end = c->total;
	int err = 0;

	while (at < end && !err) {
		at = data_from(c, at, end);
		err = stretch(c, &at, hole_from(c, at, end));
		if (!err)
			err = go_on(c, at);
	}
	if (err < 0)
		return err;
	/* Writing has made what ends in data as long as it is. */
	return ftruncate(c->to, at) < 0 ? -errno : 0;
}

/* One that says it is empty, and may be of the kernel's making. */
static int unsized(struct content *c)
{
	off_t at = 0;
	ssize_t n;
	int err = 0;

	do {
		n = by_hand(c, at, BUFFER);
		if (n > 0) {
			at += n;
			err = go_on(c, at);
		}
	} while (n > 0 && !err);
	/* A file without positions has no more to say. */
	return n < 0 && n != -ESPIPE ? (int)n : err;
}

int copy_content(int from, int to, const struct copy_plan *plan)
{
	struct content c = { .from = from, .to = to, .plan = plan };
	struct stat st;
	int err;

	if (fstat(from, &st) < 0)
		return -errno;
	c.total = st.st_size;
	err = go_on(&c, 0);
	if (err)
		return err;
	if (c.total && ioctl(to, FICLONE, from) == 0)
		return go_on(&c, c.total);
	err = c.total ? sized(&c) : unsized(&c);
	free(c.buf);
	return err;
}
