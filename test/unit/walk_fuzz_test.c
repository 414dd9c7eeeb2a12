/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The path walk against the kernel: the fuzz target, on its seeds and on some mutations. */
#include "fuzz/fuzz_walk.c"
#include "fuzz/standalone.c"
