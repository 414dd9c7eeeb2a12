/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_ELF_H
#define SYS_ELF_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a program header of type PT_INTERP stands in a file. */
struct elf_interp {
	bool wide;		/* 64-bit headers */
	uint64_t header;	/* offset of the program header */
	char path[PATH_MAX];	/* the interpreter it asks for */
};

/*
 * Look for the interpreter of an ELF file.
 * Return: 1 found, 0 none (static, or no ELF file), -errno
 */
int elf_find_interp(int fd, struct elf_interp *interp);

/*
 * A read-only copy of the file, in memory, that asks for another
 * interpreter.
 * Return: a close-on-exec descriptor or -errno (-ENOMEM: more than 1 GiB)
 */
int elf_with_interp(int fd, const struct elf_interp *interp,
		    const char *name, const char *path);

#endif
