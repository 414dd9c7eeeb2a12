/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_PATCHED_H
#define SYS_PATCHED_H

#include "sys/elf.h"
#include "view/place.h"

/*
 * Copies of programs that ask for another interpreter, shared by all who
 * run the same program so that their text is in memory once.
 */

/* Return: a descriptor for the caller to close, or -errno */
int patched_copy(const struct place *program, const struct elf_interp *elf,
		 const char *interp);

/* The program that a copy was made of: fills *original (held) or -ENOENT. */
int patched_original(struct file_id copy, struct place *original);

#endif
