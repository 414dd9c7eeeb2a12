/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mount options: the fuzz target, on its seeds and on some mutations. */
#include "fuzz/fuzz_options.c"
#include "fuzz/standalone.c"
