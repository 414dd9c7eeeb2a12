/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "lib/log.h"

/* Set before there are threads, then only read. */
static struct {
	const char *name;
	int fd;
	enum log_level level;
} log_to = { "vu", STDERR_FILENO, LOG_WARN };

void log_init(const char *name, int fd, enum log_level level)
{
	log_to.name = name;
	log_to.fd = fd;
	log_to.level = level;
}

static void line(enum log_level level, const char *format, va_list ap)
{
	char text[1024];
	size_t len, room;
	int n;

	if (level > log_to.level)
		return;
	snprintf(text, sizeof(text) / 2, "%s: ", log_to.name);
	len = strlen(text);
	room = sizeof(text) - 1 - len;
	n = vsnprintf(text + len, room, format, ap);
	if (n > 0)
		len += (size_t)n < room ? (size_t)n : room - 1;
	text[len++] = '\n';
	/* Nobody is left to be told when this write fails. */
	n = write(log_to.fd, text, len);
	(void)n;
}

void log_error(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	line(LOG_ERROR, format, ap);
	va_end(ap);
}

void log_warn(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	line(LOG_WARN, format, ap);
	va_end(ap);
}

void log_info(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	line(LOG_INFO, format, ap);
	va_end(ap);
}

void log_debug(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	line(LOG_DEBUG, format, ap);
	va_end(ap);
}

int log_fd(void)
{
	return log_to.fd;
}
