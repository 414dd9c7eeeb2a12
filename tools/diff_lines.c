/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Myers' greedy algorithm ("An O(ND) difference algorithm", 1986): for each
 * number d of changes, how far one comes on each diagonal; kept for every d,
 * so the way can be read backwards. What texts have in common at both ends
 * is cut off first, and with more than MOST changes all between is changed.
 */
#include "tools/diff_lines.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	TEXT_MAX = 16 << 20,
	LOOKED_AT = 8000,	/* for zero bytes, as git does */
	MOST = 1500,
	CONTEXT = 3,
};

/* --- reading ------------------------------------------------------------- */

static int make_room(char **data, size_t len, size_t *size)
{
	char *more;

	if (*data && len < *size)
		return 0;
	more = realloc(*data, 2 * *size);
	if (!more)
		return -ENOMEM;
	*data = more;
	*size *= 2;
	return 0;
}

static int read_all(int fd, char **data, size_t *len)
{
	size_t size = 32 << 10;
	ssize_t n;

	for (;;) {
		if (make_room(data, *len, &size) < 0)
			return -ENOMEM;
		n = read(fd, *data + *len, size - *len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : 0;
		*len += n;
		if (*len > TEXT_MAX)
			return -EFBIG;
	}
}

static unsigned hash(const char *s, size_t len)
{
	unsigned h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)s[i]) * 16777619u;
	return h;
}

static int split(struct text *t, size_t len)
{
	size_t lines = 1, at = 0;

	for (size_t i = 0; i < len; i++)
		lines += t->data[i] == '\n';
	t->line = calloc(lines, sizeof(*t->line));
	if (!t->line)
		return -ENOMEM;
	while (at < len) {
		const char *s = t->data + at;
		const char *end = memchr(s, '\n', len - at);
		size_t n = end ? (size_t)(end + 1 - s) : len - at;

		t->line[t->n++] = (struct line){
			.s = s, .len = n, .hash = hash(s, n),
		};
		at += n;
	}
	return 0;
}

int text_read(int fd, struct text *t)
{
	size_t len = 0;
	int err = 0;

	*t = (struct text){ 0 };
	if (fd >= 0) {
		err = read_all(fd, &t->data, &len);
		close(fd);
	}
	if (!err && t->data &&
	    memchr(t->data, 0, len < LOOKED_AT ? len : LOOKED_AT))
		err = -EILSEQ;
	if (!err)
		err = split(t, len);
	if (err)
		text_free(t);
	return err;
}

void text_free(struct text *t)
{
	free(t->data);
	free(t->line);
	*t = (struct text){ 0 };
}

/* --- comparing ----------------------------------------------------------- */

/* The part of both that is left when the ends are cut off. */
struct middle {
	struct line *a, *b;
	int n, m;
	int *far[MOST + 1];	/* by d: how far on diagonals -d, -d+2... d */
};

static bool equal(const struct line *x, const struct line *y)
{
	return x->hash == y->hash && x->len == y->len &&
	       memcmp(x->s, y->s, x->len) == 0;
}

/* The farthest place of d - 1 changes, moved one on to diagonal k. */
static int step_to(const struct middle *m, int d, int k)
{
	const int *before;

	if (d == 0)
		return 0;
	/* Diagonal k is in place (k + d) / 2; k - 1 of d - 1 is one less. */
	before = m->far[d - 1];
	if (k == -d || (k != d && before[(k + d) / 2 - 1] <
			before[(k + d) / 2]))
		return before[(k + d) / 2];
	return before[(k + d) / 2 - 1] + 1;
}

/* Return: true when the end is reached with d changes */
static bool advance(struct middle *m, int d)
{
	for (int k = -d; k <= d; k += 2) {
		int x = step_to(m, d, k);

		while (x < m->n && x - k < m->m && x - k >= 0 &&
		       equal(&m->a[x], &m->b[x - k]))
			x++;
		m->far[d][(k + d) / 2] = x;
		if (k == m->n - m->m && x >= m->n)
			return true;
	}
	return false;
}

/* Read the way backwards from the end. */
static void trace_back(struct middle *m, int d)
{
	int k = m->n - m->m;

	for (; d > 0; d--) {
		int x = step_to(m, d, k);
		const int *before = m->far[d - 1];
		bool down = k == -d || (k != d && before[(k + d) / 2 - 1] <
					before[(k + d) / 2]);

		if (down) {
			m->b[x - k - 1].changed = true;
			k++;
		} else {
			m->a[x - 1].changed = true;
			k--;
		}
	}
}

static void all_changed(struct middle *m)
{
	for (int i = 0; i < m->n; i++)
		m->a[i].changed = true;
	for (int i = 0; i < m->m; i++)
		m->b[i].changed = true;
}

static int search(struct middle *m)
{
	int d, err = 0;

	for (d = 0; d <= MOST; d++) {
		m->far[d] = malloc((d + 1) * sizeof(int));
		if (!m->far[d]) {
			err = -ENOMEM;
			break;
		}
		if (advance(m, d))
			break;
	}
	if (!err && d <= MOST)
		trace_back(m, d);
	else
		all_changed(m);
	for (int i = 0; i <= d && i <= MOST; i++)
		free(m->far[i]);
	return err;
}

int text_compare(struct text *a, struct text *b)
{
	size_t from = 0, n = a->n, k = b->n;
	struct middle *m;
	int err;

	while (from < n && from < k && equal(&a->line[from], &b->line[from]))
		from++;
	while (n > from && k > from &&
	       equal(&a->line[n - 1], &b->line[k - 1])) {
		n--;
		k--;
	}
	m = calloc(1, sizeof(*m));
	if (!m)
		return -ENOMEM;
	m->a = a->line + from;
	m->b = b->line + from;
	m->n = n - from;
	m->m = k - from;
	err = search(m);
	free(m);
	return err;
}

size_t text_changed(const struct text *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->n; i++)
		n += t->line[i].changed;
	return n;
}

/* --- hunks --------------------------------------------------------------- */

/* A place in both texts at once: what is equal goes in step. */
struct place {
	size_t i[2];
};

static bool at_change(const struct text *t[2], const struct place *p)
{
	return (p->i[0] < t[0]->n && t[0]->line[p->i[0]].changed) ||
	       (p->i[1] < t[1]->n && t[1]->line[p->i[1]].changed);
}

static bool at_end(const struct text *t[2], const struct place *p)
{
	return p->i[0] >= t[0]->n && p->i[1] >= t[1]->n;
}

static void skip_change(const struct text *t[2], struct place *p)
{
	for (int k = 0; k < 2; k++)
		while (p->i[k] < t[k]->n && t[k]->line[p->i[k]].changed)
			p->i[k]++;
}

/* Where the hunk that begins with a change ends, context included. */
static struct place hunk_end(const struct text *t[2], struct place p)
{
	size_t equal_lines = 0;
	struct place end = p;

	while (!at_end(t, &p) && equal_lines <= 2 * CONTEXT) {
		if (at_change(t, &p)) {
			skip_change(t, &p);
			end = p;
			equal_lines = 0;
		} else {
			p.i[0]++;
			p.i[1]++;
			equal_lines++;
		}
	}
	for (int n = 0; n < CONTEXT && !at_end(t, &end); n++) {
		end.i[0]++;
		end.i[1]++;
	}
	return end;
}

static void put_lines(const struct text *t[2], struct place p,
		      const struct place *end, const struct hunks *out)
{
	while (p.i[0] < end->i[0] || p.i[1] < end->i[1]) {
		if (!at_change(t, &p)) {
			out->line(out->ctx, ' ', &t[0]->line[p.i[0]]);
			p.i[0]++;
			p.i[1]++;
			continue;
		}
		for (; p.i[0] < t[0]->n && t[0]->line[p.i[0]].changed; p.i[0]++)
			out->line(out->ctx, '-', &t[0]->line[p.i[0]]);
		for (; p.i[1] < t[1]->n && t[1]->line[p.i[1]].changed; p.i[1]++)
			out->line(out->ctx, '+', &t[1]->line[p.i[1]]);
	}
}

static void put_hunk(const struct text *t[2], struct place p,
		     const struct place *end, const struct hunks *out)
{
	size_t first[2], n[2];
	size_t back = p.i[0] < p.i[1] ? p.i[0] : p.i[1];

	back = back < CONTEXT ? back : CONTEXT;
	for (int k = 0; k < 2; k++) {
		p.i[k] -= back;
		n[k] = end->i[k] - p.i[k];
		first[k] = p.i[k] + (n[k] != 0);
	}
	out->hunk(out->ctx, first, n);
	put_lines(t, p, end, out);
}

void text_hunks(const struct text *a, const struct text *b,
		const struct hunks *out)
{
	const struct text *t[2] = { a, b };
	struct place p = { { 0, 0 } };

	while (!at_end(t, &p)) {
		struct place end;

		if (!at_change(t, &p)) {
			p.i[0]++;
			p.i[1]++;
			continue;
		}
		end = hunk_end(t, p);
		put_hunk(t, p, &end, out);
		p = end;
	}
}
