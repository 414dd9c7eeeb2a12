/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_STRBUF_H
#define LIB_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

/*
 * A string that grows. Start from { 0 }. A failed allocation is remembered
 * in failed and makes every later addition a no-operation, so a writer may
 * check once at the end. data is always NUL-terminated when not NULL.
 */
struct strbuf {
	char *data;
	size_t len, size;
	bool failed;
};

void strbuf_add(struct strbuf *sb, const void *data, size_t len);
void strbuf_puts(struct strbuf *sb, const char *s);
void strbuf_putc(struct strbuf *sb, char c);
void strbuf_printf(struct strbuf *sb, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Remove the first n bytes (at most len). */
void strbuf_consume(struct strbuf *sb, size_t n);

/* Empty it and keep the memory; empty it and give the memory back. */
void strbuf_clear(struct strbuf *sb);
void strbuf_free(struct strbuf *sb);

#endif
