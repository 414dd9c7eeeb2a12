/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "lib/strbuf.h"

/* Make room for more bytes and a NUL. */
static bool reserve(struct strbuf *sb, size_t more)
{
	size_t size = sb->size ? sb->size : 64;
	char *data;

	if (sb->failed)
		return false;
	while (size - sb->len <= more) {
		if (__builtin_mul_overflow(size, 2, &size)) {
			sb->failed = true;
			return false;
		}
	}
	if (size == sb->size)
		return true;
	data = realloc(sb->data, size);
	if (!data) {
		sb->failed = true;
		return false;
	}
	sb->data = data;
	sb->size = size;
	return true;
}

void strbuf_add(struct strbuf *sb, const void *data, size_t len)
{
	if (!reserve(sb, len))
		return;
	if (len)
		memcpy(sb->data + sb->len, data, len);
	sb->len += len;
	sb->data[sb->len] = '\0';
}

void strbuf_puts(struct strbuf *sb, const char *s)
{
	strbuf_add(sb, s, strlen(s));
}

void strbuf_putc(struct strbuf *sb, char c)
{
	strbuf_add(sb, &c, 1);
}

void strbuf_printf(struct strbuf *sb, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0 || !reserve(sb, n))
		return;
	va_start(ap, format);
	vsnprintf(sb->data + sb->len, n + 1, format, ap);
	va_end(ap);
	sb->len += n;
}

void strbuf_consume(struct strbuf *sb, size_t n)
{
	if (n > sb->len)
		n = sb->len;
	if (!n)
		return;
	memmove(sb->data, sb->data + n, sb->len - n + 1);
	sb->len -= n;
}

void strbuf_clear(struct strbuf *sb)
{
	sb->len = 0;
	sb->failed = false;
	if (sb->data)
		sb->data[0] = '\0';
}

void strbuf_free(struct strbuf *sb)
{
	free(sb->data);
	*sb = (struct strbuf){ 0 };
}
