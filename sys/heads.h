/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_HEADS_H
#define SYS_HEADS_H

#include <stdbool.h>
#include <sys/stat.h>

#include "sys/elf.h"

/*
 * What is known of programs that were looked into before, by what stat says
 * of them (HEAD_MASK). Safe from any thread.
 */
#define HEAD_MASK (STATX_TYPE | STATX_MODE | STATX_INO | STATX_SIZE | \
		   STATX_MTIME | STATX_CTIME)

/*
 * Not a script; and may all read and execute it, as far as the mode tells?
 * @elf: out: its interpreter; an empty path when it has none
 */
bool head_known(const struct statx *st, struct elf_interp *elf);
/* Found out after st was. Not all are kept. */
void head_note(const struct statx *st, const struct elf_interp *elf);

#endif
