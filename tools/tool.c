/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/tool.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_usage(FILE *out, const struct tool *t, const char *name)
{
	fprintf(out, "usage: %s %s", name, t->usage);
}

int tool_option(const struct tool *t, const char *name, int option)
{
	switch (option) {
	case 'h':
		print_usage(stdout, t, name);
		return TOOL_OK;
	case TOOL_OPTION_VERSION:
		printf("%s (View-OS) %s\n", name, VU_VERSION);
		return TOOL_OK;
	default:
		print_usage(stderr, t, name);
		return TOOL_MISUSED;
	}
}

static void complain(const char *name, const char *format, va_list ap)
{
	fprintf(stderr, "%s: ", name);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
}

void tool_error(const char *name, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	complain(name, format, ap);
	va_end(ap);
}

int tool_misused(const struct tool *t, const char *name,
		 const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	complain(name, format, ap);
	va_end(ap);
	print_usage(stderr, t, name);
	return TOOL_MISUSED;
}

void *tool_resize(void *old, size_t n, size_t size)
{
	void *p = reallocarray(old, n ? n : 1, size);

	if (!p) {
		fputs("vu: out of memory\n", stderr);
		exit(TOOL_FAILED);
	}
	return p;
}

char *tool_copy(const char *s)
{
	size_t size = strlen(s) + 1;

	return memcpy(tool_resize(NULL, size, 1), s, size);
}

int tool_number(const char *s, long min, long max, long *value)
{
	char *end;
	long n;

	if (!isdigit((unsigned char)s[0]) && s[0] != '-')
		return -EINVAL;
	errno = 0;
	n = strtol(s, &end, 10);
	if (errno || end == s || *end || n < min || n > max)
		return -EINVAL;
	*value = n;
	return 0;
}

char *tool_point_name(const char *given)
{
	size_t n = strlen(given);
	char *parent, *at, *whole = NULL;
	const char *last;

	while (n > 1 && given[n - 1] == '/')
		n--;
	last = memrchr(given, '/', n);
	last = last ? last + 1 : given;
	n -= last - given;
	if (!n || (n == 1 && last[0] == '.') ||
	    (n == 2 && memcmp(last, "..", 2) == 0))
		return realpath(given, NULL);
	parent = last == given ? strdup(".") : strndup(given, last - given);
	at = parent ? realpath(parent, NULL) : NULL;
	free(parent);
	if (at && asprintf(&whole, "%s/%.*s", at[1] ? at : "", (int)n,
			   last) < 0)
		whole = NULL;
	free(at);
	return whole;
}
