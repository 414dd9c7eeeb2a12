/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/diff_show.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <inttypes.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/diff_lines.h"
#include "tools/tool.h"

static const struct {
	char sign;
	const char *word;
	enum shade shade;
} kinds[] = {
	[CHANGE_CREATED]	= { '+', "created", SHADE_GOOD },
	[CHANGE_CHANGED]	= { '~', "changed", SHADE_WARN },
	[CHANGE_REMOVED]	= { '-', "removed", SHADE_BAD },
	[CHANGE_MOVED]		= { '>', "moved", SHADE_NAME },
	[CHANGE_OWNED]		= { '@', "re-owned", SHADE_NAME },
	[CHANGE_TOUCHED]	= { '.', "touched", SHADE_DIM },
};
static_assert(sizeof(kinds) / sizeof(kinds[0]) == CHANGE_KINDS,
	      "every kind is told");

char change_sign(enum change_kind kind)
{
	return kinds[kind].sign;
}

const char *change_word(enum change_kind kind)
{
	return kinds[kind].word;
}

enum shade change_shade(enum change_kind kind)
{
	return kinds[kind].shade;
}

const char *type_word(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "file";
	case S_IFDIR: return "directory";
	case S_IFLNK: return "symlink";
	case S_IFIFO: return "FIFO";
	case S_IFSOCK: return "socket";
	case S_IFCHR: return "character device";
	case S_IFBLK: return "block device";
	default: return "nothing";
	}
}

char *size_text(char *buf, uint64_t bytes)
{
	static const char unit[] = "KMGTPE";
	double n = bytes;
	int i = -1;

	if (bytes < 1000) {
		snprintf(buf, 16, "%" PRIu64, bytes);
		return buf;
	}
	for (; n >= 999.5; i++)
		n /= 1024;
	snprintf(buf, 16, n < 9.95 ? "%.1f%c" : "%.0f%c", n, unit[i]);
	return buf;
}

static void name_of(char *buf, size_t size, const char *name, unsigned id)
{
	if (name)
		snprintf(buf, size, "%.32s", name);
	else
		snprintf(buf, size, "%u", id);
}

char *owner_text(char *buf, const struct stat *st)
{
	const struct passwd *p = getpwuid(st->st_uid);
	const struct group *g;
	char user[40], group[40];

	name_of(user, sizeof(user), p ? p->pw_name : NULL, st->st_uid);
	g = getgrgid(st->st_gid);
	name_of(group, sizeof(group), g ? g->gr_name : NULL, st->st_gid);
	if (S_ISLNK(st->st_mode))
		snprintf(buf, 96, "%s:%s", user, group);
	else
		snprintf(buf, 96, "%s:%s %04o", user, group,
			 (unsigned)st->st_mode & 07777);
	return buf;
}

/* --- the detail of a change ---------------------------------------------- */

static void put_size(FILE *out, const struct stat *st)
{
	char size[16];

	if (S_ISREG(st->st_mode))
		fputs(size_text(size, st->st_size), out);
	else
		fputs(type_word(st->st_mode), out);
}

static void put_lost(FILE *out, const struct change *c)
{
	char size[16];

	if (!c->objects)
		return put_size(out, &c->before);
	if (c->objects > 1)
		fprintf(out, "%" PRIu64 " objects, ", c->objects);
	else if (!S_ISREG(c->before.st_mode))
		return put_size(out, &c->before);
	fputs(size_text(size, c->bytes), out);
}

static void put_sizes(FILE *out, const struct change *c)
{
	if (c->parts & PART_TYPE) {
		fprintf(out, "%s -> ", type_word(c->before.st_mode));
		put_size(out, &c->after);
	} else if (S_ISREG(c->after.st_mode)) {
		put_size(out, &c->before);
		fputs(" -> ", out);
		put_size(out, &c->after);
	} else {
		put_size(out, &c->after);
	}
}

static void put_owners(FILE *out, const struct change *c)
{
	char before[96], after[96];

	if (c->parts & (PART_OWNER | PART_MODE))
		fprintf(out, "%s -> %s", owner_text(before, &c->before),
			owner_text(after, &c->after));
	if (c->parts & PART_XATTRS)
		fputs(c->parts & (PART_OWNER | PART_MODE) ?
		      ", extended attributes" : "extended attributes", out);
}

void change_detail(const struct change *c, const struct term *term)
{
	FILE *out = term->out;

	switch (c->kind) {
	case CHANGE_CREATED: put_size(out, &c->after); break;
	case CHANGE_REMOVED: put_lost(out, c); break;
	case CHANGE_MOVED:
		fputs("from ", out);
		term_safe(term, c->from);
		if (!(c->parts & (PART_CONTENT | PART_TYPE)))
			break;
		fputs(", ", out);
		put_sizes(out, c);
		break;
	case CHANGE_CHANGED: put_sizes(out, c); break;
	case CHANGE_OWNED: break;
	default: fputs("times only", out); break;
	}
	if (c->kind == CHANGE_OWNED ||
	    (c->before.st_mode && c->after.st_mode &&
	     c->parts & (PART_OWNER | PART_MODE))) {
		fputs(c->kind == CHANGE_OWNED ? "" : ", ", out);
		put_owners(out, c);
	}
}

void changes_summary(const struct changes *c, const struct term *term)
{
	uint64_t more = 0, less = 0, n[CHANGE_KINDS] = { 0 };
	const char *between = "";
	char size[16];

	for (size_t i = 0; i < c->n; i++) {
		n[c->list[i].kind]++;
		more += change_gains(&c->list[i]);
		less += change_loses(&c->list[i]);
	}
	for (int k = 0; k < CHANGE_KINDS; k++) {
		if (!n[k])
			continue;
		fprintf(term->out, "%s%" PRIu64 " %s", between, n[k],
			kinds[k].word);
		between = ", ";
	}
	if (!c->n)
		fputs("no changes", term->out);
	if (more)
		fprintf(term->out, "; %s written", size_text(size, more));
	if (less)
		fprintf(term->out, "; %s gone", size_text(size, less));
	putc('\n', term->out);
}

/* --- texts --------------------------------------------------------------- */

/* Return: a descriptor, -1 for an empty side, or another negative */
static int side_of(const struct opened *o, const struct change *c, bool after)
{
	const struct stat *st = after ? &c->after : &c->before;

	if (!st->st_mode)
		return -1;
	if (!S_ISREG(st->st_mode))
		return -2;
	return after ? change_open_after(o, c) : change_open_before(o, c);
}

/* -1 is -EPERM, too: a file that may not be opened is no empty one. */
static bool read_side(const struct opened *o, const struct change *c,
		      bool after, struct text *t)
{
	int fd = side_of(o, c, after);

	if (fd < 0 && (after ? c->after : c->before).st_mode)
		return false;
	return text_read(fd, t) == 0;
}

static bool has_texts(const struct change *c)
{
	if (c->kind == CHANGE_CREATED)
		return S_ISREG(c->after.st_mode);
	if (c->kind == CHANGE_REMOVED)
		return S_ISREG(c->before.st_mode);
	return (c->parts & PART_CONTENT) && !(c->parts & PART_TYPE);
}

bool texts_of(const struct opened *o, const struct change *c, struct text *a,
	      struct text *b)
{
	if (!has_texts(c) || !read_side(o, c, false, a))
		return false;
	if (!read_side(o, c, true, b)) {
		text_free(a);
		return false;
	}
	if (text_compare(a, b) == 0)
		return true;
	text_free(a);
	text_free(b);
	return false;
}

bool count_lines(const struct opened *o, const struct change *c,
		 struct text_count *n)
{
	struct text a, b;

	if (!texts_of(o, c, &a, &b))
		return false;
	n->removed = text_changed(&a);
	n->added = text_changed(&b);
	text_free(&a);
	text_free(&b);
	return true;
}
