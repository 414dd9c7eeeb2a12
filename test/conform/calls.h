/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_CONFORM_CALLS_H
#define TEST_CONFORM_CALLS_H

#include <dirent.h>
#include <stdbool.h>
#include <sys/stat.h>

/*
 * Carry out the calls of one line, and say what each answered. Afterwards the
 * working directory is dirfd, called dir, the umask 0, and what was opened is
 * closed. turn: how names are given, one way after another.
 */
void calls_run(char *text, int dirfd, const char *dir, unsigned turn);
/* Programs that were started end. */
void calls_end(void);

/* Say what an object is. */
void calls_tell(const struct stat *st);
/*
 * When the kernel sets it depends on the mount and on the other times: only
 * files' ones that were set are told.
 */
bool calls_tell_atime(const struct stat *st);

int calls_by_name(const struct dirent **a, const struct dirent **b);

#endif
