/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/fstypes_auto.h"

#include <blkid/blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { AMBIGUOUS = -2, NAME_BYTES = 256 };

/* What a row is held against. */
struct sample {
	const char *name;	/* the last one */
	int fd;
	char type[64];		/* libblkid's, or "" */
	char partitions[64];	/* the kind of table of them, or "" */
	bool ambiguous;
};

typedef bool row_fits(const struct fstype *row, const struct sample *s);

static const struct fstype *first(const struct fstypes *t, row_fits *fits,
				  const struct sample *s)
{
	/* From the end: who overrides a row overrides what it recognizes. */
	for (size_t i = t->n; i-- > 0;) {
		const struct fstype *row = &t->row[i];

		if (fits(row, s) && fstypes_find(t, row->name) == row)
			return row;
	}
	return NULL;
}

/* --- files --------------------------------------------------------------- */

static void copy_value(blkid_probe p, const char *key, char *value,
		       size_t size)
{
	const char *data;

	if (!blkid_probe_lookup_value(p, key, &data, NULL))
		snprintf(value, size, "%s", data);
}

static void ask_blkid(struct sample *s)
{
	blkid_probe p = blkid_new_probe();

	if (!p)
		return;
	if (!blkid_probe_set_device(p, s->fd, 0, 0)) {
		blkid_probe_enable_superblocks(p, 1);
		blkid_probe_set_superblocks_flags(p, BLKID_SUBLKS_TYPE);
		blkid_probe_enable_partitions(p, 1);
		s->ambiguous = blkid_do_safeprobe(p) == AMBIGUOUS;
		if (!s->ambiguous) {
			copy_value(p, "TYPE", s->type, sizeof(s->type));
			copy_value(p, "PTTYPE", s->partitions,
				   sizeof(s->partitions));
		}
	}
	blkid_free_probe(p);
}

static bool fits_blkid(const struct fstype *row, const struct sample *s)
{
	const char *list = fstype_value(row, FSTYPE_BLKID), *word;
	size_t n;

	while ((n = fstype_word(&list, &word))) {
		if (strlen(s->type) == n && memcmp(s->type, word, n) == 0)
			return true;
	}
	return false;
}

static bool has_bytes(int fd, const struct fstype_magic *m)
{
	unsigned char have[FSTYPE_MAGIC_BYTES];
	ssize_t n = pread(fd, have, m->n, m->offset);

	return n == (ssize_t)m->n && memcmp(have, m->byte, m->n) == 0;
}

static bool fits_magic(const struct fstype *row, const struct sample *s)
{
	const char *list = fstype_value(row, FSTYPE_MAGIC), *word;
	struct fstype_magic m;
	size_t n;

	while ((n = fstype_word(&list, &word))) {
		if (!fstype_magic(word, n, &m) && has_bytes(s->fd, &m))
			return true;
	}
	return false;
}

static bool fits_name(const struct fstype *row, const struct sample *s)
{
	const char *list = fstype_value(row, FSTYPE_NAME), *word;
	char pattern[NAME_BYTES];
	size_t n;

	while ((n = fstype_word(&list, &word))) {
		if (n >= sizeof(pattern))
			continue;
		memcpy(pattern, word, n);
		pattern[n] = '\0';
		if (!fnmatch(pattern, s->name, FNM_CASEFOLD))
			return true;
	}
	return false;
}

static void explain(const struct sample *s, char *why, size_t size)
{
	if (s->ambiguous)
		snprintf(why, size, "more than one file system seems to be "
			 "on it; name the type");
	else if (s->type[0])
		snprintf(why, size, "%s, which no type serves", s->type);
	else if (s->partitions[0])
		snprintf(why, size, "a disk with partitions (%s), no file "
			 "system", s->partitions);
	else
		snprintf(why, size, "not recognized; name the type");
}

static const struct fstype *by_content(const struct fstypes *t,
				       struct sample *s, char *why,
				       size_t size)
{
	const struct fstype *row = NULL;

	ask_blkid(s);
	if (s->type[0])
		row = first(t, fits_blkid, s);
	else if (!s->ambiguous && !(row = first(t, fits_magic, s)))
		row = first(t, fits_name, s);
	if (!row)
		explain(s, why, size);
	return row;
}

static const struct fstype *by_file(const struct fstypes *t,
				    const char *source, char *why, size_t size)
{
	const char *slash = strrchr(source, '/');
	struct sample s = { .name = slash ? slash + 1 : source };
	const struct fstype *row = NULL;

	s.fd = open(source, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (s.fd < 0) {
		snprintf(why, size, "%s", strerror(errno));
		return NULL;
	}
	row = by_content(t, &s, why, size);
	close(s.fd);
	return row;
}

/* --- the rest ------------------------------------------------------------ */

static bool fits_directory(const struct fstype *row, const struct sample *s)
{
	const char *list = fstype_value(row, FSTYPE_HOLDS), *word;
	char name[NAME_BYTES];
	size_t n;

	while ((n = fstype_word(&list, &word))) {
		if (n >= sizeof(name))
			continue;
		memcpy(name, word, n);
		name[n] = '\0';
		if (!faccessat(s->fd, name, F_OK, 0))
			return true;
	}
	return false;
}

static const struct fstype *by_directory(const struct fstypes *t,
					 const char *source, char *why,
					 size_t size)
{
	struct sample s = { .fd = open(source, O_PATH | O_DIRECTORY |
				       O_CLOEXEC) };
	const struct fstype *row;

	if (s.fd < 0) {
		snprintf(why, size, "%s", strerror(errno));
		return NULL;
	}
	row = first(t, fits_directory, &s);
	close(s.fd);
	if (!row)
		snprintf(why, size, "a directory, and not recognized; name "
			 "the type");
	return row;
}

static bool fits_remote(const struct fstype *row, const struct sample *s)
{
	(void)s;
	return fstype_source(row) == SOURCE_REMOTE;
}

int fstypes_looks_remote(const char *source)
{
	size_t n = strcspn(source, ":/");

	return source[0] != '-' && n && source[n] == ':';
}

const struct fstype *fstypes_recognize(const struct fstypes *t,
				       const char *source,
				       char *why, size_t size)
{
	struct sample none = { .fd = -1 };
	struct stat st;

	if (stat(source, &st)) {
		snprintf(why, size, "%s", strerror(errno));
		return fstypes_looks_remote(source) ?
		       first(t, fits_remote, &none) : NULL;
	}
	if (S_ISDIR(st.st_mode))
		return by_directory(t, source, why, size);
	if (S_ISREG(st.st_mode) || S_ISBLK(st.st_mode))
		return by_file(t, source, why, size);
	snprintf(why, size, "neither a file nor a directory");
	return NULL;
}
