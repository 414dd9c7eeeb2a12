/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers of a FUSE server: the fuzz target, on its seeds and on mutations. */
#include "fuzz/fuzz_fuse_answers.c"
#include "fuzz/standalone.c"
