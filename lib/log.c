/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
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

#define ERASE "\r\033[K"

/* A line of log_progress() is on the terminal. */
static atomic_bool unfinished;

/* Nobody is left to be told when a write fails. */
static void put(const char *text, size_t len)
{
	ssize_t n = write(log_to.fd, text, len);

	(void)n;
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
	if (atomic_exchange(&unfinished, false))
		put(ERASE, sizeof(ERASE) - 1);
	put(text, len);
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

/* Does a line there disturb nobody? Return: its width, 0: it may */
static size_t plain_terminal(void)
{
	struct pollfd p = { .fd = log_to.fd, .events = POLLOUT };
	struct termios t;
	struct winsize w = { 0 };

	if (log_to.level < LOG_WARN || tcgetattr(log_to.fd, &t) ||
	    !(t.c_lflag & ICANON) || poll(&p, 1, 0) != 1)
		return 0;
	if (ioctl(log_to.fd, TIOCGWINSZ, &w) || w.ws_col < 20)
		return 80;
	return w.ws_col;
}

/* Names come from anywhere, and terminals obey. */
static void make_plain(char *text)
{
	for (unsigned char *p = (unsigned char *)text; *p; p++) {
		if (*p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0)
			p[1] = *p = '?';
		if (*p < ' ' || *p == 0x7f)
			*p = '?';
	}
}

void log_progress(const char *format, ...)
{
	char said[512], text[sizeof(said) + 64];
	size_t width, len;
	va_list ap;
	int n;

	if (!format) {
		if (atomic_exchange(&unfinished, false))
			put(ERASE, sizeof(ERASE) - 1);
		return;
	}
	width = plain_terminal();
	if (!width)
		return;
	va_start(ap, format);
	vsnprintf(said, sizeof(said), format, ap);
	va_end(ap);
	make_plain(said);
	/* the end says more, and a line that is broken cannot be erased */
	len = strlen(said);
	width -= strlen(log_to.name) + 3;
	n = snprintf(text, sizeof(text), ERASE "%s: %s", log_to.name,
		     len > width ? said + len - width : said);
	atomic_store(&unfinished, true);
	put(text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

int log_fd(void)
{
	return log_to.fd;
}
