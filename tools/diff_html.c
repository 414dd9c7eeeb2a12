/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One page, with its style in it and no script: what is shown is chosen by
 * check boxes. Names and contents come from whoever was let loose, so none
 * of it gets past put(), which leaves no markup and no control characters.
 */
#include <stdlib.h>
#include <string.h>
#include "tools/diff_lines.h"
#include "tools/diff_show.h"
#include "tools/utf8.h"

/* Of one file, and of all: a browser must be able to show it. */
enum { LINES_MAX = 2000, PAGE_LINES_MAX = 100000 };

static const char style[] =
	":root{color-scheme:light dark;--bg:#fff;--fg:#1c2128;--dim:#636c76;"
	"--line:#d1d9e0;--soft:#f6f8fa;--add:#dafbe1;--del:#ffebe9;"
	"--created:#1a7f37;--changed:#9a6700;--removed:#cf222e;"
	"--moved:#0969da;--re-owned:#8250df;--touched:#636c76}\n"
	"@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;"
	"--dim:#8d96a0;--line:#30363d;--soft:#161b22;--add:#12361f;"
	"--del:#4a1d20;--created:#3fb950;--changed:#d29922;--removed:#f85149;"
	"--moved:#4493f8;--re-owned:#ab7df8;--touched:#8d96a0}}\n"
	"body{margin:0 auto;max-width:72rem;padding:1rem;background:var(--bg);"
	"color:var(--fg);font:15px/1.5 system-ui,sans-serif}\n"
	"h1{font-size:1.3rem;margin:.5rem 0}p{margin:.3rem 0}\n"
	"code,pre,summary{font-family:ui-monospace,monospace;font-size:13px}\n"
	"label{margin-right:1rem;white-space:nowrap}\n"
	"article{border:1px solid var(--line);border-radius:6px;"
	"margin:.4rem 0;overflow:hidden}\n"
	"summary,.plain{padding:.35rem .7rem;background:var(--soft);"
	"overflow-wrap:anywhere}\n"
	".plain{font-family:ui-monospace,monospace;font-size:13px;"
	"padding-left:calc(.7rem + 12px)}\n"
	"b.kind{display:inline-block;min-width:5.5rem}\n"
	".detail{color:var(--dim);margin-left:.8rem}\n"
	"pre{margin:0;overflow-x:auto;padding:.3rem 0}\n"
	"pre span{display:block;padding:0 .7rem;min-width:max-content}\n"
	".a{background:var(--add)}.d{background:var(--del)}"
	".h{color:var(--dim)}\n";

/* Text from elsewhere. */
static void put_bytes(FILE *out, const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end) {
		char part[5] = "";
		size_t n;

		memcpy(part, s, end - s < 4 ? end - s : 4);
		n = utf8_length(part);
		if (*s == '&')
			fputs("&amp;", out);
		else if (*s == '<')
			fputs("&lt;", out);
		else if (*s == '>')
			fputs("&gt;", out);
		else if (*s == '"')
			fputs("&quot;", out);
		else if (*s == '\t' || (n == 1 && *s >= ' ' && *s < 0x7f))
			putc(*s, out);
		else if (n > 1 && !(n == 2 && (unsigned char)s[0] == 0xc2 &&
				    (unsigned char)s[1] < 0xa0))
			fwrite(s, 1, n, out);
		else
			fprintf(out, "\\%03o", (unsigned char)*s);
		s += n > 1 ? n : 1;
	}
}

static void put(FILE *out, const char *s)
{
	put_bytes(out, s, strlen(s));
}

/* What is made for a terminal, without what only that understands. */
static void put_shown(FILE *out, const void *what,
		      void (*show)(const void *what, const struct term *t))
{
	char *text = NULL;
	size_t len = 0;
	struct term t = { .out = open_memstream(&text, &len), .utf8 = true };

	if (!t.out)
		return;
	show(what, &t);
	fclose(t.out);
	if (len && text[len - 1] == '\n')
		text[len - 1] = '\0';
	put(out, text);
	free(text);
}

static void detail(const void *what, const struct term *t)
{
	change_detail(what, t);
}

static void summary(const void *what, const struct term *t)
{
	changes_summary(what, t);
}

/* --- one change ---------------------------------------------------------- */

struct lines {
	FILE *out;
	size_t n;
};

static void on_hunk(void *ctx, const size_t first[2], const size_t n[2])
{
	struct lines *l = ctx;

	if (l->n < LINES_MAX)
		fprintf(l->out, "<span class=\"h\">@@ -%zu,%zu +%zu,%zu @@"
			"</span>", first[0], n[0], first[1], n[1]);
}

static void on_line(void *ctx, char mark, const struct line *line)
{
	struct lines *l = ctx;
	size_t len = line->len;

	if (l->n++ >= LINES_MAX)
		return;
	if (len && line->s[len - 1] == '\n')
		len--;
	fprintf(l->out, "<span%s>%c",
		mark == '+' ? " class=\"a\"" : mark == '-' ? " class=\"d\"" :
		"", mark);
	put_bytes(l->out, line->s, len);
	fputs("</span>", l->out);
}

/* Return: how many lines it took */
static size_t put_diff(FILE *out, const struct text *a, const struct text *b)
{
	struct lines lines = { .out = out };
	struct hunks h = { .hunk = on_hunk, .line = on_line, .ctx = &lines };

	fputs("<pre>", out);
	text_hunks(a, b, &h);
	if (lines.n > LINES_MAX)
		fprintf(out, "<span class=\"h\">%zu more lines</span>",
			lines.n - LINES_MAX);
	fputs("</pre>", out);
	return lines.n < LINES_MAX ? lines.n : LINES_MAX;
}

static void put_heading(FILE *out, const struct change *c)
{
	const char *word = change_word(c->kind);

	fprintf(out, "<b class=\"kind\" style=\"color:var(--%s)\">%c %s</b> ",
		word, change_sign(c->kind), word);
	put(out, *c->path ? c->path : ".");
	if (S_ISDIR(c->after.st_mode ? c->after.st_mode : c->before.st_mode))
		putc('/', out);
	fputs("<span class=\"detail\">", out);
	put_shown(out, c, detail);
	fputs("</span>", out);
}

/* @room: how many lines the page has left */
static void put_change(const struct opened *o, const struct change *c,
		       FILE *out, size_t *room)
{
	struct text a, b;

	fprintf(out, "<article class=\"%s\">", change_word(c->kind));
	if (*room >= LINES_MAX && texts_of(o, c, &a, &b)) {
		fprintf(out, "<details%s><summary>",
			c->kind == CHANGE_CHANGED ? " open" : "");
		put_heading(out, c);
		fputs("</summary>", out);
		*room -= put_diff(out, &a, &b);
		fputs("</details>", out);
		text_free(&a);
		text_free(&b);
	} else {
		fputs("<div class=\"plain\">", out);
		put_heading(out, c);
		fputs("</div>", out);
	}
	fputs("</article>\n", out);
}

/* --- the page ------------------------------------------------------------ */

static bool has_kind(const struct changes *c, enum change_kind kind)
{
	for (size_t i = 0; i < c->n; i++) {
		if (c->list[i].kind == kind)
			return true;
	}
	return false;
}

/* A box before what it hides: a style can only look back. */
static void put_boxes(const struct changes *c, FILE *out)
{
	for (int k = 0; k < CHANGE_KINDS; k++) {
		if (!has_kind(c, k))
			continue;
		fprintf(out, "<input type=\"checkbox\" id=\"k%d\"%s>"
			"<label for=\"k%d\"> %s</label>\n", k,
			k == CHANGE_TOUCHED ? "" : " checked", k,
			change_word(k));
	}
}

static void put_head(const struct opened *o, FILE *out)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head>"
	      "<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width\">\n"
	      "<meta http-equiv=\"Content-Security-Policy\" "
	      "content=\"default-src 'none';style-src 'unsafe-inline'\">\n"
	      "<title>Changes of ", out);
	put(out, o->target);
	fprintf(out, "</title>\n<style>%s", style);
	for (int k = 0; k < CHANGE_KINDS; k++)
		fprintf(out, "#k%d:not(:checked)~main .%s{display:none}\n", k,
			change_word(k));
	fputs("</style></head><body>\n", out);
}

void changes_html(const struct opened *o, const struct changes *c, FILE *out)
{
	size_t room = PAGE_LINES_MAX;

	put_head(o, out);
	fputs("<h1>What has changed in <code>", out);
	put(out, o->target);
	fputs("</code></h1>\n<p>Store: <code>", out);
	put(out, o->path);
	fputs("</code></p>\n<p>", out);
	put_shown(out, c, summary);
	fputs("</p>\n", out);
	put_boxes(c, out);
	fputs("<main>\n", out);
	for (size_t i = 0; i < c->n; i++)
		put_change(o, &c->list[i], out, &room);
	if (room < LINES_MAX)
		fputs("<p>The lines of further texts are not shown.</p>\n",
		      out);
	fputs("</main></body></html>\n", out);
}
