/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log
 *
 * A line that is complete has happened; one write(2) adds it. What is before
 * it in an operation is invisible preparation. A line whose record has steps
 * on the disk is followed by "done" when they are done, or by "back" when
 * the first of them was refused: if it is the last line of all, whoever
 * opens the store next does the steps (again). Only the last line can be so,
 * since one changes at a time.
 *
 * An incomplete last line has not happened and is cut off.
 */
#include "store/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/store_internal.h"

#define RECORDS_MAX 8		/* of a line */
#define LOG_MAX (1u << 30)	/* bytes: more is not a log of ours */

/* --- adding --- */

static int write_line(struct store *s, struct strbuf *line)
{
	ssize_t n;
	int err = 0;

	strbuf_putc(line, '\n');
	if (line->failed)
		return -ENOMEM;
	store_step("log");
	n = pwrite(s->log, line->data, line->len, s->logged);
	if (n != (ssize_t)line->len) {
		err = n < 0 ? -errno : -ENOSPC;
		if (n > 0 && ftruncate(s->log, s->logged))
			err = -EIO;
		return err;
	}
	s->logged += n;
	s->lines++;
	return 0;
}

static int write_records(struct store *s, const struct record *r, size_t n)
{
	struct strbuf line = { 0 };
	int err;

	for (size_t i = 0; i < n; i++) {
		if (i)
			strbuf_puts(&line, " ; ");
		record_print(&line, &r[i]);
	}
	err = write_line(s, &line);
	strbuf_free(&line);
	return err;
}

static int write_word(struct store *s, enum record_op op)
{
	return write_records(s, &(struct record){ .op = op }, 1);
}

static int do_steps(struct store *s, const struct record *r, size_t n)
{
	int err = 0;

	for (size_t i = 0; i < n && !err; i++)
		if (record_has_steps(&r[i]))
			err = redo_steps(s, &r[i]);
	return err;
}

static bool have_steps(const struct record *r, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (record_has_steps(&r[i]))
			return true;
	return false;
}

int log_run(struct store *s, const struct record *r, size_t n)
{
	bool steps = have_steps(r, n);
	int err = s->log < 0 ? -EROFS : write_records(s, r, n);

	if (err)
		return err;
	if (steps) {
		err = do_steps(s, r, n);
		/* without room for the word it is as if interrupted here */
		if (write_word(s, err ? RECORD_BACK : RECORD_DONE) && err)
			s->flags |= STORE_RDONLY;
	}
	if (err)
		return err;
	for (size_t i = 0; i < n && !err; i++)
		err = apply_record(s, &r[i]);
	return err;
}

/* --- reading --- */

struct reading {
	struct store *s;
	struct strbuf kept;		/* copy of the line that waits */
	struct record waiting[RECORDS_MAX];
	size_t n;			/* records of it; 0: none waits */
};

static int apply_all(struct reading *rd)
{
	int err = 0;

	for (size_t i = 0; i < rd->n && !err; i++)
		err = apply_record(rd->s, &rd->waiting[i]);
	rd->n = 0;
	return err;
}

static int read_line(struct reading *rd, char *line, size_t len)
{
	struct record r;
	char *rest;
	int got, err;

	if (!strcmp(line, "back")) {
		rd->n = 0;
		return 0;
	}
	err = apply_all(rd);
	if (err || !strcmp(line, "done"))
		return err;
	strbuf_clear(&rd->kept);
	strbuf_add(&rd->kept, line, len + 1);
	if (rd->kept.failed)
		return -ENOMEM;
	rest = rd->kept.data;
	while ((got = record_parse(&rest, &r)) > 0 && rd->n < RECORDS_MAX)
		rd->waiting[rd->n++] = r;
	if (got)
		return -EINVAL;
	return have_steps(rd->waiting, rd->n) ? 0 : apply_all(rd);
}

/* The kernel will not do it: it did not before the interruption either. */
static bool is_refused(int err)
{
	return err == -ENOTEMPTY || err == -EEXIST || err == -EISDIR ||
	       err == -ENOTDIR;
}

/* The last line waits: its steps may have been done, or not, or in part. */
static int finish(struct reading *rd)
{
	struct store *s = rd->s;
	int err;

	if (!rd->n)
		return 0;
	if (s->log < 0)
		return apply_all(rd);
	err = do_steps(s, rd->waiting, rd->n);
	if (is_refused(err)) {
		rd->n = 0;
		return write_word(s, RECORD_BACK);
	}
	return err ?: write_word(s, RECORD_DONE) ?: apply_all(rd);
}

static int read_text(struct store *s, char *text, size_t size,
		     struct store_message *why)
{
	struct reading rd = { .s = s };
	char *line = text, *end;
	int err = 0;

	while (!err && (end = memchr(line, '\n', text + size - line))) {
		*end = '\0';
		err = strlen(line) == (size_t)(end - line) ?
		      read_line(&rd, line, end - line) : -EINVAL;
		s->lines++;
		if (err == -EINVAL)
			snprintf(why->text, sizeof(why->text), META "/log: "
				 "line %zu is not understood", s->lines);
		line = end + 1;
	}
	s->logged = line - text;
	if (!err && s->log >= 0 && (size_t)s->logged < size &&
	    ftruncate(s->log, s->logged))
		err = -errno;
	if (!err)
		err = finish(&rd);
	strbuf_free(&rd.kept);
	return err;
}

static int read_whole(int fd, char **text, size_t *size)
{
	struct stat st;
	ssize_t n;

	*text = NULL;
	*size = 0;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > LOG_MAX)
		return -EINVAL;
	*text = malloc(st.st_size + 1);
	if (!*text)
		return -ENOMEM;
	while (*size < (size_t)st.st_size) {
		n = pread(fd, *text + *size, st.st_size - *size, *size);
		if (n <= 0)
			return n ? -errno : 0;
		*size += n;
	}
	return 0;
}

int log_load(struct store *s, struct store_message *why)
{
	int fd = openat(s->meta, "log", O_RDONLY | O_NONBLOCK |
			O_NOFOLLOW | O_CLOEXEC);
	char *text;
	size_t size;
	int err;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	err = read_whole(fd, &text, &size);
	close(fd);
	if (!err)
		err = read_text(s, text, size, why);
	free(text);
	return err;
}

/* --- writing anew --- */

static size_t put_node(struct strbuf *out, const struct node *n)
{
	char path[PATH_MAX];
	struct record r = { .path = path, .origin = n->from, .attr = n->attr };
	size_t lines = 0;

	if (node_path(n, path, sizeof(path)) < 0)
		return 0;
	if (n->flags & NODE_HIDE || n->from) {
		r.op = n->from ? RECORD_FROM : RECORD_HIDE;
		record_print(out, &r);
		strbuf_putc(out, '\n');
		lines++;
	}
	if (n->attr.set) {
		r.op = RECORD_ATTR;
		record_print(out, &r);
		strbuf_putc(out, '\n');
		lines++;
	}
	return lines;
}

static int replace_log(struct store *s, const struct strbuf *text)
{
	int fd = openat(s->meta, "log.new", O_RDWR | O_CREAT | O_TRUNC |
			O_NOFOLLOW | O_CLOEXEC, 0600);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text->data, text->len) != (ssize_t)text->len)
		err = -ENOSPC;
	/* the old one is complete until the new one is safe */
	if (!err && fdatasync(fd))
		err = -errno;
	store_step("log.new");
	if (!err && renameat(s->meta, "log.new", s->meta, "log"))
		err = -errno;
	if (err) {
		unlinkat(s->meta, "log.new", 0);
		close(fd);
		return err;
	}
	close(s->log);
	s->log = fd;
	s->logged = text->len;
	return 0;
}

int log_compact(struct store *s)
{
	struct strbuf text = { 0 };
	size_t lines = 0;
	int err = 0;

	for (struct node *n = s->tree->root; n; n = known_next(n))
		lines += put_node(&text, n);
	if (s->lines < lines * 2 + 100)
		goto out;
	shared_records(s, &text);
	strbuf_puts(&text, "");	/* also an empty one has data */
	err = text.failed ? -ENOMEM : replace_log(s, &text);
	if (!err)
		s->lines = lines;
out:
	strbuf_free(&text);
	return err;
}
