/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "store/store.h"
#include "tools/diff_lines.h"
#include "tools/diff_show.h"

/* --- diff -u ------------------------------------------------------------- */

static void put_range(FILE *out, size_t first, size_t n)
{
	fprintf(out, n == 1 ? "%zu" : "%zu,%zu", first, n);
}

static void on_hunk(void *ctx, const size_t first[2], const size_t n[2])
{
	const struct term *t = ctx;

	term_select(t, "36");
	fputs("@@ -", t->out);
	put_range(t->out, first[0], n[0]);
	fputs(" +", t->out);
	put_range(t->out, first[1], n[1]);
	fputs(" @@", t->out);
	term_select(t, "");
	putc('\n', t->out);
}

/* On a terminal nothing but text; to a file the very bytes. */
static void put_text(const struct term *t, const struct line *l)
{
	size_t len = l->len && l->s[l->len - 1] == '\n' ? l->len - 1 : l->len;
	const char *s = l->s, *end = l->s + len;

	if (!t->width && !t->colour) {
		fwrite(s, 1, len, t->out);
		return;
	}
	while (s < end) {
		size_t n = 0;
		char *part;

		while (s + n < end && s[n] != '\t' && s[n] != '\\' && s[n])
			n++;
		part = strndup(s, n);
		if (part)
			term_safe(t, part);
		free(part);
		s += n;
		if (s < end)
			fputs(*s ? (char[]){ *s, '\0' } : "\\000", t->out);
		s++;
	}
}

static void on_line(void *ctx, char mark, const struct line *l)
{
	const struct term *t = ctx;
	bool whole = l->len && l->s[l->len - 1] == '\n';

	if (mark != ' ')
		term_select(t, mark == '+' ? "32" : "31");
	putc(mark, t->out);
	put_text(t, l);
	if (mark != ' ')
		term_select(t, "");
	putc('\n', t->out);
	if (!whole)
		fputs("\\ No newline at end of file\n", t->out);
}

/* Names as patch -p1 takes them, with a target / or from within it. */
static void put_name(const struct term *t, const char *mark, const char *side,
		     const struct stat *st, const char *path)
{
	term_select(t, "1");
	fprintf(t->out, "%s ", mark);
	if (st->st_mode) {
		fputs(side, t->out);
		term_safe(t, path);
	} else {
		fputs("/dev/null", t->out);
	}
	term_select(t, "");
	putc('\n', t->out);
}

static bool put_texts(const struct opened *o, const struct change *c,
		      const struct term *term)
{
	struct hunks h = {
		.hunk = on_hunk, .line = on_line, .ctx = (void *)term,
	};
	struct text a, b;

	if (!texts_of(o, c, &a, &b))
		return false;
	if (a.n || b.n) {
		put_name(term, "---", "a/", &c->before, c->base);
		put_name(term, "+++", "b/", &c->after, c->path);
		text_hunks(&a, &b, &h);
	}
	text_free(&a);
	text_free(&b);
	return true;
}

static void put_link(const struct opened *o, const struct change *c,
		     const struct term *term)
{
	struct store_object object;
	char text[PATH_MAX];
	ssize_t n;

	if (!S_ISLNK(c->after.st_mode) ||
	    store_find(o->store, c->path, &object))
		return;
	n = readlinkat(object.fd, "", text, sizeof(text) - 1);
	store_drop(&object);
	if (n < 0)
		return;
	text[n] = '\0';
	fputs(" -> ", term->out);
	term_safe(term, text);
}

static void put_heading(const struct opened *o, const struct change *c,
			const struct term *term)
{
	term_select(term, "1");
	fprintf(term->out, "%s: ", change_word(c->kind));
	term_safe(term, *c->path ? c->path : ".");
	put_link(o, c, term);
	term_select(term, "");
	fputs(" (", term->out);
	change_detail(c, term);
	fputs(")\n", term->out);
}

void changes_unified(const struct opened *o, const struct changes *c,
		  const struct term *term)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct change *change = &c->list[i];

		if (change->kind == CHANGE_TOUCHED)
			continue;
		put_heading(o, change, term);
		put_texts(o, change, term);
	}
}

/* --- --stat -------------------------------------------------------------- */

static void put_counts(const struct term *t, const struct text_count *n)
{
	char text[32];

	snprintf(text, sizeof(text), "+%zu", n->added);
	term_shaded(t, SHADE_GOOD, text);
	snprintf(text, sizeof(text), " -%zu", n->removed);
	term_shaded(t, SHADE_BAD, text);
}

static int longest(const struct changes *c)
{
	size_t most = 1;

	for (size_t i = 0; i < c->n; i++) {
		size_t len = strlen(c->list[i].path);

		most = len > most ? len : most;
	}
	return most > 60 ? 60 : (int)most;
}

void changes_stat(const struct opened *o, const struct changes *c,
	       const struct term *term)
{
	int width = longest(c);

	for (size_t i = 0; i < c->n; i++) {
		const struct change *change = &c->list[i];
		const char *path = *change->path ? change->path : ".";
		char sign[3] = { change_sign(change->kind), ' ', '\0' };
		struct text_count n;
		int pad = width - (int)strlen(path);

		term_shaded(term, change_shade(change->kind), sign);
		term_safe(term, path);
		fprintf(term->out, "%*s | ", pad > 0 ? pad : 0, "");
		if (count_lines(o, change, &n))
			put_counts(term, &n);
		else
			change_detail(change, term);
		putc('\n', term->out);
	}
	changes_summary(c, term);
}
