/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is read from stores: the fuzz target, on its seeds and mutations. */
#include "fuzz/fuzz_store_text.c"
#include "fuzz/standalone.c"
