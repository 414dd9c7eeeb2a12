/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * archivemount shows what libarchive cannot read as an empty directory, and
 * writes that back. The library is the program's, so it is there when that
 * is, and says what the program will be told; it is no library of ours, whose
 * other users need not have it, so it is loaded when it is asked for.
 */
#include "tools/fsmount_probe.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct archive;
struct archive_entry;

enum { BLOCK = 10240 };
enum { EXHAUSTED = 1, WARNED = -20, MTREE = 0x80000, BASE = 0xff0000 };
					/* as archive.h has them */

/* In the order of names[]; all are of libarchive 3. */
struct library {
	struct archive *(*new)(void);
	int (*filter_all)(struct archive *a);
	int (*format_all)(struct archive *a);
	int (*open)(struct archive *a, const char *path, size_t block);
	int (*next)(struct archive *a, struct archive_entry **entry);
	int (*format)(struct archive *a);
	const char *(*error)(struct archive *a);
	int (*free)(struct archive *a);
};

static const char *const names[] = {
	"archive_read_new", "archive_read_support_filter_all",
	"archive_read_support_format_all", "archive_read_open_filename",
	"archive_read_next_header", "archive_format", "archive_error_string",
	"archive_read_free",
};

enum { NAMES = sizeof(names) / sizeof(names[0]) };

_Static_assert(sizeof(struct library) == NAMES * sizeof(void *), "names");

/* It stays until we end, which is soon. Return: 0 or -ENOENT */
static int load(struct library *lib)
{
	void *so = dlopen("libarchive.so.13", RTLD_NOW | RTLD_LOCAL);
	void *symbol[NAMES];

	for (size_t i = 0; i < NAMES; i++) {
		symbol[i] = so ? dlsym(so, names[i]) : NULL;
		if (!symbol[i])
			return -ENOENT;
	}
	memcpy(lib, symbol, sizeof(symbol));
	return 0;
}

/* A text is often taken for a list of files that lacks something. */
static bool is_text(const struct library *lib, struct archive *a, int status)
{
	return status == WARNED && (lib->format(a) & BASE) == MTREE;
}

/* Is there a first entry, or the end of an archive without any? */
static int look(const struct library *lib, struct archive *a,
		const char *path, char *why, size_t size)
{
	struct archive_entry *entry;
	const char *error;
	int status;

	lib->filter_all(a);
	lib->format_all(a);
	status = lib->open(a, path, BLOCK);
	if (!status)
		status = lib->next(a, &entry);
	if (is_text(lib, a, status))
		status = -1;
	if (!status || status == EXHAUSTED || status == WARNED)
		return 0;
	error = status == -1 ? NULL : lib->error(a);
	snprintf(why, size, "%s", error ? error : "not an archive");
	return -EINVAL;
}

int fsmount_probe(const struct fstype *row, const char *path,
		  char *why, size_t size)
{
	struct library lib;
	struct archive *a;
	int err;

	if (strcmp(fstype_value(row, FSTYPE_PROBE), "libarchive") != 0 ||
	    load(&lib))
		return 0;
	a = lib.new();
	if (!a)
		return 0;
	err = look(&lib, a, path, why, size);
	lib.free(a);
	return err;
}
