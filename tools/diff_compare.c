/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/diff_compare.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>
#include "store/copy.h"
#include "tools/diff_changes.h"

enum { BLOCK = 64 << 10, XATTRS_MAX = 64 << 10, DEPTH_MAX = 512 };

/* --- content ------------------------------------------------------------- */

static ssize_t read_full(int fd, char *buf, size_t n, off_t at)
{
	size_t have = 0;

	while (have < n) {
		ssize_t got = pread(fd, buf + have, n - have, at + have);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		have += got;
	}
	return have;
}

/* Where data begins in one of them; where both have a hole they are equal. */
static off_t next_data(int a, int b, off_t at, off_t end)
{
	off_t x = lseek(a, at, SEEK_DATA), y;

	if (x < 0)
		x = errno == ENXIO ? end : at;
	if (x <= at)
		return at;
	y = lseek(b, at, SEEK_DATA);
	if (y < 0)
		y = errno == ENXIO ? end : at;
	return x < y ? x : y;
}

static bool same_bytes(int a, int b, off_t end)
{
	static char x[BLOCK], y[BLOCK];
	ssize_t n, m;

	for (off_t at = 0; at < end; at += n) {
		at = next_data(a, b, at, end);
		n = read_full(a, x, sizeof(x), at);
		m = read_full(b, y, sizeof(y), at);
		if (n < 0 || n != m || memcmp(x, y, n))
			return false;
		if (n == 0)
			break;
	}
	return true;
}

static bool same_file(const struct side *a, const struct side *b)
{
	int x, y;
	bool same = false;

	if (a->st.st_size != b->st.st_size)
		return false;
	x = copy_reopen(a->fd, O_RDONLY);
	y = copy_reopen(b->fd, O_RDONLY);
	if (x >= 0 && y >= 0)
		same = same_bytes(x, y, a->st.st_size);
	if (x >= 0)
		close(x);
	if (y >= 0)
		close(y);
	return same;
}

static bool same_text(const struct side *a, const struct side *b)
{
	char x[PATH_MAX], y[PATH_MAX];
	ssize_t n = readlinkat(a->fd, "", x, sizeof(x));
	ssize_t m = readlinkat(b->fd, "", y, sizeof(y));

	return n >= 0 && n == m && !memcmp(x, y, n);
}

static bool same_content(const struct side *a, const struct side *b)
{
	switch (a->st.st_mode & S_IFMT) {
	case S_IFREG: return same_file(a, b);
	case S_IFLNK: return same_text(a, b);
	case S_IFCHR:
	case S_IFBLK: return a->st.st_rdev == b->st.st_rdev;
	default: return true;
	}
}

/* --- extended attributes ------------------------------------------------- */

static bool compared(const char *name)
{
	return strncmp(name, "security.", 9) && strncmp(name, "trusted.", 8);
}

/* Does b have all that a has, with the same values? *n: how many */
static bool has_all(const char *a, const char *b, unsigned *n)
{
	static char list[XATTRS_MAX], x[XATTRS_MAX], y[XATTRS_MAX];
	ssize_t len = listxattr(a, list, sizeof(list)), got;

	*n = 0;
	for (ssize_t i = 0; i < len; i += strlen(list + i) + 1) {
		if (!compared(list + i))
			continue;
		++*n;
		got = getxattr(a, list + i, x, sizeof(x));
		if (got < 0)
			continue;
		if (getxattr(b, list + i, y, sizeof(y)) != got ||
		    memcmp(x, y, got))
			return false;
	}
	return true;
}

static bool same_xattrs(const struct side *a, const struct side *b)
{
	char x[32], y[32];
	unsigned n, m;

	snprintf(x, sizeof(x), "/proc/self/fd/%d", a->fd);
	snprintf(y, sizeof(y), "/proc/self/fd/%d", b->fd);
	return has_all(x, y, &n) && has_all(y, x, &m) && n == m;
}

/* --- both ---------------------------------------------------------------- */

static bool same_object(const struct side *a, const struct side *b)
{
	struct stat x, y;

	return fstat(a->fd, &x) == 0 && fstat(b->fd, &y) == 0 &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static unsigned compare_told(const struct stat *a, const struct stat *b)
{
	unsigned parts = 0;

	if (a->st_uid != b->st_uid || a->st_gid != b->st_gid)
		parts |= PART_OWNER;
	if ((a->st_mode ^ b->st_mode) & 07777)
		parts |= PART_MODE;
	if (a->st_mtim.tv_sec != b->st_mtim.tv_sec ||
	    a->st_mtim.tv_nsec != b->st_mtim.tv_nsec)
		parts |= PART_TIMES;
	return parts;
}

unsigned compare_sides(const struct side *a, const struct side *b)
{
	unsigned parts = compare_told(&a->st, &b->st);

	if ((a->st.st_mode ^ b->st.st_mode) & S_IFMT)
		return parts | PART_TYPE | PART_CONTENT;
	if (same_object(a, b))
		return parts;
	if (!same_content(a, b))
		parts |= PART_CONTENT;
	if (!same_xattrs(a, b))
		parts |= PART_XATTRS;
	return parts;
}

static void count_in(int fd, unsigned depth, uint64_t *objects,
		     uint64_t *bytes);

static void count_at(int dir, const char *name, unsigned depth,
		     uint64_t *objects, uint64_t *bytes)
{
	int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) < 0)
		return;
	++*objects;
	if (S_ISREG(st.st_mode))
		*bytes += st.st_size;
	if (!S_ISDIR(st.st_mode) || depth > DEPTH_MAX)
		return;
	fd = openat(dir, *name ? name : ".", flags);
	if (fd >= 0)
		count_in(fd, depth, objects, bytes);
}

static void count_in(int fd, unsigned depth, uint64_t *objects,
		     uint64_t *bytes)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;

	if (!d) {
		close(fd);
		return;
	}
	while ((e = readdir(d))) {
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			count_at(dirfd(d), e->d_name, depth + 1, objects,
				 bytes);
	}
	closedir(d);
}

void compare_count(int dir, const char *name, uint64_t *objects,
		   uint64_t *bytes)
{
	count_at(dir, name, 0, objects, bytes);
}
