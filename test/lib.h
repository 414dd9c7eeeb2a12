/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_LIB_H
#define TEST_LIB_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * For the programs in test/platform: leave with the runner's statuses. The
 * text goes to stdout, the last line is the reason of a skip.
 */
_Noreturn void skip(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
_Noreturn void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* fail() with errno's text appended. */
_Noreturn void fail_errno(const char *what);
/* When cond is false: fail, naming what was expected. */
#define expect(cond) \
	((cond) ? (void)0 : fail("%s:%d: not so: %s (errno %s)", \
				 __FILE__, __LINE__, #cond, error_name(errno)))

/*
 * For the programs in test/call: a transcript on stdout, the same in every
 * run: no inode numbers, times, pids or addresses. Line by line unbuffered,
 * so that forked children do not repeat what their parent had said.
 */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* "what = 0" or "what = -1 ENOENT"; errno as the call left it. */
long result(const char *what, long ret);
/* Say what the call gives back; evaluates to it. */
#define try(call) (errno = 0, result(#call, (long)(call)))
/* "what = fd" without the number, for descriptors; the number is returned. */
int result_fd(const char *what, int fd);
#define try_fd(call) (errno = 0, result_fd(#call, (call)))
/* The name of an error, "EPERM". */
const char *error_name(int error);

/* Type, mode, links, size of a file; ids only as "mine" or a number. */
void say_stat(const char *what, const struct stat *st);
/* lstat by the C library, then say_stat or the error. */
void say_lstat(const char *path);
/* The names in a directory, sorted. */
void say_names(const char *path);
void say_bytes(const char *what, const void *p, size_t len);

/* size bytes that end where unmapped memory begins. */
void *tail_alloc(size_t size);
/* A copy of the string that ends there, NUL included. */
char *tail_string(const char *s);
/* An address nobody mapped. */
void *bad_pointer(void);
/* len bytes of c, then NUL, on the heap. */
char *repeat(char c, size_t len);

/* Run f in a child and say how it ended; the result is the wait status. */
int in_child(const char *what, void (*f)(void));
int in_child_arg(const char *what, void (*f)(void *), void *arg);
/* waitpid, tried again when a signal interrupts it. */
int wait_for(pid_t pid);

void make_file(const char *path, mode_t mode, const char *text);
void make_dir(const char *path, mode_t mode);
/* path and all below it; nothing when it is not there. */
void remove_tree(const char *path);

#endif
