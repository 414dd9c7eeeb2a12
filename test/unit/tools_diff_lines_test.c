/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The difference of two texts: what a hunk says is what the texts have, the
 * one becomes the other by it, and nothing shorter would do (compared with a
 * plain table of the longest common subsequence).
 */
#include <fcntl.h>
#include <stdlib.h>
#include "test/unit/tools_tap.h"
#include "tools/diff_lines.c"

#define MAX 4096

static char out[1 << 16], left[1 << 16], right[1 << 16];

static void add(char *to, const char *s, size_t len)
{
	strncat(to, s, len);
}

static void on_hunk(void *ctx, const size_t first[2], const size_t n[2])
{
	(void)ctx;
	sprintf(out + strlen(out), "@%zu,%zu %zu,%zu@", first[0], n[0],
		first[1], n[1]);
}

static void on_line(void *ctx, char mark, const struct line *l)
{
	(void)ctx;
	add(out, &mark, 1);
	add(out, l->s, l->len);
	if (mark != '+')
		add(left, l->s, l->len);
	if (mark != '-')
		add(right, l->s, l->len);
}

static struct text text_of(const char *s)
{
	FILE *f = tmpfile();
	struct text t;

	fputs(s, f);
	fflush(f);
	lseek(fileno(f), 0, SEEK_SET);
	tap_ok(text_read(dup(fileno(f)), &t) == 0, "a text is read");
	fclose(f);
	return t;
}

static void diff(const char *a, const char *b, const char *wanted)
{
	struct text x = text_of(a), y = text_of(b);
	struct hunks h = { .hunk = on_hunk, .line = on_line };

	out[0] = '\0';
	tap_ok(text_compare(&x, &y) == 0, "compared");
	text_hunks(&x, &y, &h);
	tap_same(out, wanted, wanted);
	text_free(&x);
	text_free(&y);
}

static void fixed(void)
{
	diff("", "", "");
	diff("a\nb\n", "a\nb\n", "");
	diff("", "a\n", "@0,0 1,1@+a\n");
	diff("a\n", "", "@1,1 0,0@-a\n");
	diff("a\nb\nc\n", "a\nx\nc\n", "@1,3 1,3@ a\n-b\n+x\n c\n");
	diff("a", "a\n", "@1,1 1,1@-a+a\n");
	diff("1\n2\n3\n4\n5\n6\n7\n8\n9\n", "1\n2\n3\n4\n5\n6\n7\n8\n9\nx\n",
	     "@7,3 7,4@ 7\n 8\n 9\n+x\n");
	/* near ones are one hunk, far ones are two */
	diff("a\n1\n2\n3\n4\n5\n6\nb\n", "A\n1\n2\n3\n4\n5\n6\nB\n",
	     "@1,8 1,8@-a\n+A\n 1\n 2\n 3\n 4\n 5\n 6\n-b\n+B\n");
	diff("a\n1\n2\n3\n4\n5\n6\n7\nb\n", "A\n1\n2\n3\n4\n5\n6\n7\nB\n",
	     "@1,4 1,4@-a\n+A\n 1\n 2\n 3\n@6,4 6,4@ 5\n 6\n 7\n-b\n+B\n");
}

static void random_text(char *s, unsigned letters, unsigned lines)
{
	for (unsigned n = rand() % (lines + 1); n; n--) {
		*s++ = 'a' + rand() % letters;
		*s++ = '\n';
	}
	*s = '\0';
}

/* Length of the longest common subsequence of lines of one letter */
static size_t common(const char *a, const char *b)
{
	static unsigned short t[128][128];
	size_t n = strlen(a) / 2, m = strlen(b) / 2;

	memset(t, 0, sizeof(t));
	for (size_t i = 1; i <= n; i++) {
		for (size_t j = 1; j <= m; j++) {
			unsigned short up = t[i - 1][j], back = t[i][j - 1];

			t[i][j] = a[2 * i - 2] == b[2 * j - 2] ?
				  t[i - 1][j - 1] + 1 : up > back ? up : back;
		}
	}
	return t[n][m];
}

static int random_one(const char *a, const char *b)
{
	struct hunks h = { .hunk = on_hunk, .line = on_line };
	struct text x = { 0 }, y = { 0 };
	int good;

	x.data = strdup(a);
	y.data = strdup(b);
	split(&x, strlen(a));
	split(&y, strlen(b));
	text_compare(&x, &y);
	good = text_changed(&x) + common(a, b) == x.n &&
	       text_changed(&y) + common(a, b) == y.n;
	out[0] = left[0] = right[0] = '\0';
	text_hunks(&x, &y, &h);
	/* with no context left out, the hunks have all of both */
	if (x.n <= CONTEXT || y.n <= CONTEXT)
		good = good && (!*out || (!strcmp(left, a) &&
					  !strcmp(right, b)));
	text_free(&x);
	text_free(&y);
	return good;
}

static void random_ones(void)
{
	char a[512], b[512];
	int good = 1;

	srand(1);
	for (int i = 0; i < 20000 && good; i++) {
		random_text(a, 1 + rand() % 6, rand() % 100);
		random_text(b, 1 + rand() % 6, rand() % 100);
		good = random_one(a, b);
	}
	tap_ok(good, "random texts: the shortest difference");
	for (int i = 0; i < 20000 && good; i++) {
		random_text(a, 3, 3);
		random_text(b, 3, 20);
		good = random_one(a, b) && random_one(b, a);
	}
	tap_ok(good, "random texts: the hunks lead from one to the other");
}

/* Nothing in common, and too long to search: all is changed. */
static void far_apart(void)
{
	static char a[20000 * 7 + 1], b[20000 * 7 + 1];
	struct text x, y;

	for (int i = 0; i < 20000; i++) {
		sprintf(a + 7 * i, "a%05d\n", i);
		sprintf(b + 7 * i, "b%05d\n", i);
	}
	x = text_of(a);
	y = text_of(b);
	tap_ok(text_compare(&x, &y) == 0, "far apart");
	tap_ok(text_changed(&x) == 20000 && text_changed(&y) == 20000,
	       "all of it is changed");
	text_free(&x);
	text_free(&y);
}

static void no_text(void)
{
	int pair[2];
	struct text t;

	tap_ok(pipe(pair) == 0 && write(pair[1], "a\0b\n", 4) == 4, "zero");
	close(pair[1]);
	tap_ok(text_read(pair[0], &t) == -EILSEQ, "zero bytes are no text");
	tap_ok(text_read(open("/dev/zero", 0), &t) == -EFBIG, "endless");
	tap_ok(text_read(-1, &t) == 0 && t.n == 0, "nothing is empty");
	text_free(&t);
}

int main(void)
{
	fixed();
	random_ones();
	far_apart();
	no_text();
	return tap_end();
}
