/* SPDX-License-Identifier: GPL-2.0-or-later */
/* ELF files: the fuzz target, on its seeds and on some mutations. */
#include "fuzz/fuzz_elf.c"
#include "fuzz/standalone.c"
