/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/term.h"

#include <assert.h>
#include <langinfo.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "tools/utf8.h"

static const char *const shade_parameters[] = {
	[SHADE_PLAIN]	= NULL,
	[SHADE_DIM]	= "2",
	[SHADE_BOLD]	= "1",
	[SHADE_GOOD]	= "32",
	[SHADE_BAD]	= "1;31",
	[SHADE_WARN]	= "33",
	[SHADE_NAME]	= "36",
};
static_assert(sizeof(shade_parameters) / sizeof(shade_parameters[0]) ==
	      SHADE_MAX, "every shade has its parameters");

static bool wants_colour(FILE *out)
{
	const char *no = getenv("NO_COLOR"), *type = getenv("TERM");

	if (no && *no)
		return false;
	if (!type || strcmp(type, "dumb") == 0)
		return false;
	return isatty(fileno(out));
}

static int find_width(FILE *out)
{
	struct winsize size;

	return ioctl(fileno(out), TIOCGWINSZ, &size) < 0 ? 0 : size.ws_col;
}

struct term term_open(FILE *out)
{
	return (struct term){
		.out = out,
		.colour = wants_colour(out),
		.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0,
		.width = find_width(out),
	};
}

/* U+0080 to U+009F drive terminals as ESC sequences do. */
static bool is_control(const char *s, size_t len)
{
	const unsigned char *u = (const unsigned char *)s;

	if (len == 2)
		return u[0] == 0xc2 && u[1] < 0xa0;
	return len == 0 || (len == 1 && (u[0] < ' ' || u[0] == 0x7f));
}

/* Write one character safely. Return: its length */
static size_t put_safe(const struct term *t, const char *s, int *columns)
{
	size_t len = utf8_length(s);
	bool escape = *s == '\\' || is_control(s, len);

	if (!len)
		len = 1;
	for (size_t i = 0; i < len; i++) {
		if (escape)
			fprintf(t->out, "\\%03o", (unsigned char)s[i]);
		else
			putc(s[i], t->out);
	}
	*columns += escape ? 4 * (int)len : 1;
	return len;
}

void term_safe(const struct term *t, const char *s)
{
	int columns = 0;

	while (*s)
		s += put_safe(t, s, &columns);
}

void term_fit(const struct term *t, const char *s, int used)
{
	if (!t->width) {
		term_safe(t, s);
		return;
	}
	/* The last column is for the sign that something is left out. */
	while (*s && used < t->width - 1)
		s += put_safe(t, s, &used);
	if (*s)
		fputs(t->utf8 ? "…" : ">", t->out);
}

void term_select(const struct term *t, const char *parameters)
{
	if (t->colour)
		fprintf(t->out, "\033[%sm", parameters);
}

void term_shaded(const struct term *t, enum shade shade, const char *s)
{
	const char *parameters = shade_parameters[shade];

	if (parameters)
		term_select(t, parameters);
	term_safe(t, s);
	if (parameters)
		term_select(t, "");
}
