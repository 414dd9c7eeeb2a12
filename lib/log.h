/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef LIB_LOG_H
#define LIB_LOG_H

/*
 * Messages for a person. Each is one line, written by one write(2), so
 * lines of several threads and processes do not mix.
 */
enum log_level { LOG_NOTHING, LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

/*
 * @name:	stands before every line: "umvu"
 * @fd:		where to; stays the caller's
 * @level:	the last level that is shown
 */
void log_init(const char *name, int fd, enum log_level level);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * How far something has come, in the place of what was said so before: only on
 * a terminal (whose lines are edited by the kernel, so no program draws on it
 * now), and where warnings are shown. What is no plain character becomes "?".
 * NULL: it is over, the line is erased. Any thread; the last to speak is seen.
 */
void log_progress(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* Where they go, for those who write many lines at once. */
int log_fd(void);

#endif
