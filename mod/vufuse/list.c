/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A directory is opened, read page by page until a page is empty, and
 * released. A page is a row of records, each padded to 8 bytes; a record that
 * the page has cut off comes again with the next page, as that begins where
 * the last whole one has ended (its off).
 *
 * With READDIRPLUS each record has an entry in front, and each entry with a
 * node is a lookup that the server has counted (requests.c): what does not
 * reach the callback is given back, also the rest of the page when the
 * callback has had enough. Not so for "." and "..": those a server does not
 * count, whatever node they bear.
 *
 * A name with '/' or NUL makes the whole listing invalid, and so does a
 * length that cannot be: nothing behind it can be found then. A name longer
 * than any path here may have is left out.
 */
#include "mod/vufuse/ask.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#define PAGE_LEAST 4096		/* Linux has always asked for so much */
#define PAGE_MOST 32768		/* what getdents of glibc asks for */
#define RECORDS_MAX (1u << 24)
#define WIRE_NAME_MAX 1024
#define NAME_LONGEST 255

struct listing {
	struct conn *c;
	struct vu_ctx *ctx;
	struct file dir;
	list_entry *f;
	void *arg;
	bool plus;
	uint64_t off;		/* where the next page begins */
	uint32_t records;	/* taken so far */
	size_t size;		/* of page */
	char *page;
};

static ssize_t read_page(struct listing *l)
{
	struct fuse_read_in in = {
		.fh = l->dir.fh, .offset = l->off, .size = l->size,
		.flags = l->dir.flags,
	};
	struct ask ask = {
		.opcode = l->plus ? FUSE_READDIRPLUS : FUSE_READDIR,
		.node = l->dir.node,
		.in = { ask_part(&in, sizeof(in)) }, .nin = 1,
	};

	ask_upto(&ask, l->page, l->size);
	return conn_call(l->c, l->ctx, &ask);
}

static void drop(struct listing *l, const struct fuse_entry_out *e)
{
	if (e)
		ask_give_back(l->c, e);
}

static bool name_is_dots(const struct fuse_dirent *d)
{
	return d->name[0] == '.' &&
	       (d->namelen == 1 || (d->namelen == 2 && d->name[1] == '.'));
}

static bool name_valid(const struct fuse_dirent *d)
{
	return !memchr(d->name, '/', d->namelen) &&
	       !memchr(d->name, '\0', d->namelen);
}

static mode_t type_of(const struct fuse_dirent *d,
		      const struct fuse_entry_out *e)
{
	if (e)
		return e->attr.mode & S_IFMT;
	if (d->type > DT_WHT || !ask_type_valid(DTTOIF(d->type)))
		return 0;
	return DTTOIF(d->type);
}

/* Hand over one name. e without use is given back; the name is there. */
static int pass_on(struct listing *l, const struct fuse_dirent *d,
		   struct fuse_entry_out *e)
{
	char name[NAME_LONGEST + 1];

	memcpy(name, d->name, d->namelen);
	name[d->namelen] = '\0';
	if (e && ask_check_entry(e, 0)) {
		drop(l, e);
		e = NULL;
	}
	return l->f(l->arg, name, d->ino, type_of(d, e), e);
}

/* e: what is owed for it, or NULL. Return: 0 to go on */
static int take_record(struct listing *l, const struct fuse_dirent *d,
		       struct fuse_entry_out *e)
{
	if (l->records++ == RECORDS_MAX || !name_valid(d)) {
		drop(l, e);
		return -EIO;
	}
	l->off = d->off;
	if (name_is_dots(d))
		return 0;
	if (d->namelen > NAME_LONGEST) {
		drop(l, e);
		return 0;
	}
	return pass_on(l, d, e);
}

/* After the first one that ends the listing, the rest is only given back. */
static int take_page(struct listing *l, size_t len)
{
	size_t skip = l->plus ? sizeof(struct fuse_entry_out) : 0;
	size_t head = skip + FUSE_NAME_OFFSET, at = 0, size;
	int stop = 0;

	for (; len - at >= head; at += size) {
		void *record = l->page + at;
		struct fuse_dirent *d = record + skip;
		struct fuse_entry_out *e;

		if (!d->namelen || d->namelen > WIRE_NAME_MAX)
			return stop ? stop : -EIO;
		size = FUSE_REC_ALIGN(head + d->namelen);
		if (size > len - at)
			break;
		e = l->plus && !name_is_dots(d) ? record : NULL;
		if (!stop)
			stop = take_record(l, d, e);
		else
			drop(l, e);
	}
	return stop;
}

/* A page without a whole record is the end as well. */
static int take_pages(struct listing *l)
{
	for (;;) {
		uint32_t before = l->records;
		ssize_t len = read_page(l);
		int stop = len > 0 ? take_page(l, len) : (int)len;

		if (stop || l->records == before)
			return stop;
	}
}

static size_t page_size(const struct conn_limits *limits)
{
	if (limits->max_read < PAGE_LEAST)
		return PAGE_LEAST;
	return limits->max_read < PAGE_MOST ? limits->max_read : PAGE_MOST;
}

static int open_dir(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		    struct file *dir)
{
	*dir = (struct file){
		.node = node,
		.flags = O_RDONLY | O_DIRECTORY | O_NONBLOCK | OPEN_LARGEFILE,
	};
	return ask_open(c, ctx, FUSE_OPENDIR, dir);
}

int ask_list(struct conn *c, struct vu_ctx *ctx, uint64_t dir, bool plus,
	     list_entry *f, void *arg)
{
	const struct conn_limits *limits = conn_limits(c);
	struct listing l = {
		.c = c, .ctx = ctx, .f = f, .arg = arg,
		.plus = plus && limits->minor >= 21 &&
			(limits->flags & FUSE_DO_READDIRPLUS),
		.size = page_size(limits),
	};
	int err;

	l.page = malloc(l.size);
	if (!l.page)
		return -ENOMEM;
	err = open_dir(c, ctx, dir, &l.dir);
	if (!err) {
		err = take_pages(&l);
		ask_release(c, ctx, FUSE_RELEASEDIR, &l.dir);
	}
	free(l.page);
	return err;
}

int ask_syncdir(struct conn *c, struct vu_ctx *ctx, uint64_t dir)
{
	struct file f;
	int err = open_dir(c, ctx, dir, &f);

	if (err)
		return err;
	err = ask_sync(c, ctx, FUSE_FSYNCDIR, &f, false);
	ask_release(c, ctx, FUSE_RELEASEDIR, &f);
	return err;
}
