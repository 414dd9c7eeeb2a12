/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_FSMOUNT_PROGRAM_H
#define TOOLS_FSMOUNT_PROGRAM_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include "tools/fstypes.h"

/* The command line of a row. */
struct fsmount_program {
	char path[PATH_MAX];
	char text[1024];		/* the row's words */
	char *word[FSTYPE_WORDS + 2];	/* ended by NULL */
};

/*
 * Its program, in the directories of PATH, in our own (what comes with us),
 * and in those for administrators, which an ordinary user's PATH may lack.
 * @called: out: the program as the row calls it, without directories
 * Return: 0 or -ENOENT
 */
int fsmount_program_find(const struct fstype *row, struct fsmount_program *p,
			 char *called, size_t size);

/*
 * Set its words. The strings must outlive it.
 * @list: for -o; if it is empty, there is no -o
 */
void fsmount_program_words(const struct fstype *row, struct fsmount_program *p,
			   char *source, char *target, char *list);

#endif
