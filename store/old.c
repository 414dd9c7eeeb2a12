/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/old.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

enum {
	RECORD_MAX = 1024,	/* as the writers had it */
	DEPTH_MAX = 256,
	MARK_VIEWFS = 0xff,
	MARK_VUFS = 0x7f,
};

struct reading {
	const struct old_sink *sink;
	char path[PATH_MAX];
	size_t len;
	unsigned depth;
};

/* --- viewfs: columns of hexadecimal digits ------------------------------- */

/* One column. Return: is there a number in it? */
static bool column(const char *text, size_t len, unsigned n, unsigned *value)
{
	char digits[9] = "", *end;
	unsigned long number;

	if (len < 8 * (n + 1))
		return false;
	memcpy(digits, text + (size_t)8 * n, 8);
	number = strtoul(digits, &end, 16);
	if (end == digits || end[strspn(end, " ")])
		return false;
	*value = number;
	return true;
}

/* As the kernel hands a device number to programs. */
static dev_t kernel_device(unsigned n)
{
	return makedev((n >> 8) & 0xfff, (n & 0xff) | ((n >> 12) & 0xfff00));
}

static void parse_columns(const char *text, size_t len, struct old_attr *a)
{
	unsigned n;

	if (column(text, len, 0, &n)) {
		a->mode = n & 07777;
		a->type = n & S_IFMT;
		a->set |= OLD_MODE | (a->type ? OLD_TYPE : 0);
	}
	if (column(text, len, 1, &n)) {
		a->uid = n;
		a->set |= OLD_UID;
	}
	if (column(text, len, 2, &n)) {
		a->gid = n;
		a->set |= OLD_GID;
	}
	if (column(text, len, 3, &n)) {
		a->rdev = kernel_device(n);
		a->set |= OLD_RDEV;
	}
}

/* --- vufs: lines of text ------------------------------------------------- */

static mode_t type_of(char letter)
{
	switch (letter) {
	case '-':
	case 'f': return S_IFREG;
	case 's': return S_IFSOCK;
	case 'c': return S_IFCHR;
	case 'b': return S_IFBLK;
	default: return 0;
	}
}

/* "8,1" as two numbers; the second is 0 when missing. */
static bool pair(const char *value, long *first, long *second)
{
	char *end;

	*first = strtol(value, &end, 0);
	*second = 0;
	if (end == value)
		return false;
	if (*end == ',')
		*second = strtol(end + 1, NULL, 0);
	return true;
}

static void parse_pair(const char *word, const char *value,
		       struct old_attr *a)
{
	long first, second;

	if (!pair(value, &first, &second))
		return;
	if (strcmp(word, "uid") == 0) {
		a->uid = first;
		a->set |= OLD_UID;
	} else if (strcmp(word, "gid") == 0) {
		a->gid = first;
		a->set |= OLD_GID;
	} else if (strcmp(word, "rdev") == 0) {
		a->rdev = makedev(first, second);
		a->set |= OLD_RDEV;
	} else if (strcmp(word, "dev") == 0) {
		a->dev = makedev(first, second);
		a->set |= OLD_DEV;
	} else if (strcmp(word, "ctime") == 0) {
		a->ctime = (struct timespec){ first, second };
		a->set |= OLD_CTIME;
	}
}

static void parse_line(char *line, struct old_attr *a)
{
	char *value = strchr(line, '=');
	mode_t type;

	if (!value)
		return;
	*value++ = '\0';
	if (strcmp(line, "type") == 0) {
		type = type_of(*value);
		if (!type)
			return;
		a->type = type;
		a->set |= OLD_TYPE;
	} else if (strcmp(line, "mode") == 0 && *value) {
		a->mode = strtoul(value, NULL, 8) & 07777;
		a->set |= OLD_MODE;
	} else {
		parse_pair(line, value, a);
	}
}

static void parse_lines(char *text, struct old_attr *a)
{
	char *rest = NULL;

	for (char *line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest))
		parse_line(line, a);
}

/* --- the tree ------------------------------------------------------------ */

/* Return: length, 0 when it cannot be read */
static size_t read_record(int dir, const char *name, char *text)
{
	int fd = openat(dir, name,
			O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	ssize_t n;

	text[0] = '\0';
	if (fd < 0)
		return 0;
	n = read(fd, text, RECORD_MAX - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	return n;
}

static int take_attr(struct reading *r, int dir, const char *name)
{
	struct old_attr a = { 0 };
	char text[RECORD_MAX];
	size_t len = read_record(dir, name, text);
	unsigned char mark = r->path[--r->len];

	r->path[r->len] = '\0';
	/* That of a directory's own is "/" and nothing. */
	if (r->len && r->path[r->len - 1] == '/')
		r->path[--r->len] = '\0';
	if (mark == MARK_VIEWFS)
		parse_columns(text, len, &a);
	else
		parse_lines(text, &a);
	if (!a.set || !r->sink->attr)
		return 0;
	return r->sink->attr(r->sink->ctx, r->path, &a);
}

static int take_file(struct reading *r, int dir, const char *name)
{
	unsigned char last = name[strlen(name) - 1];

	if (last == MARK_VIEWFS || last == MARK_VUFS)
		return take_attr(r, dir, name);
	return r->sink->hide ? r->sink->hide(r->sink->ctx, r->path) : 0;
}

static int read_directory(struct reading *r, int fd);

static int take_entry(struct reading *r, int dir, const char *name)
{
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return 0;
	if (S_ISREG(st.st_mode))
		return take_file(r, dir, name);
	if (!S_ISDIR(st.st_mode) || r->depth >= DEPTH_MAX)
		return 0;
	fd = openat(dir, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	return fd < 0 ? -errno : read_directory(r, fd);
}

/* A name behind the path, which is as before afterwards. */
static int enter(struct reading *r, int dir, const char *name)
{
	size_t len = r->len, add = strlen(name);
	int err;

	if (len + add + 2 > sizeof(r->path))
		return 0;
	if (len)
		r->path[r->len++] = '/';
	memcpy(r->path + r->len, name, add + 1);
	r->len += add;
	r->depth++;
	err = take_entry(r, dir, name);
	r->depth--;
	r->len = len;
	r->path[len] = '\0';
	return err;
}

/* fd is closed. */
static int read_directory(struct reading *r, int fd)
{
	DIR *d = fdopendir(fd);
	struct dirent *e;
	int err = 0;

	if (!d) {
		err = -errno;
		close(fd);
		return err;
	}
	while (!err && (errno = 0, e = readdir(d))) {
		if (strcmp(e->d_name, ".") && strcmp(e->d_name, ".."))
			err = enter(r, dirfd(d), e->d_name);
	}
	if (!err)
		err = -errno;
	closedir(d);
	return err;
}

static int open_tree_of(int store)
{
	return openat(store, OLD_DIRECTORY,
		      O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

bool old_present(int store)
{
	struct stat st;

	return fstatat(store, OLD_DIRECTORY, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(st.st_mode);
}

int old_read(int store, const struct old_sink *sink)
{
	struct reading *r;
	int fd = open_tree_of(store), err;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	r = calloc(1, sizeof(*r));
	if (!r) {
		close(fd);
		return -ENOMEM;
	}
	r->sink = sink;
	err = read_directory(r, fd);
	free(r);
	return err;
}
