/* SPDX-License-Identifier: GPL-2.0-or-later */
/* timeout: 180 */
/* FAT images: the fuzz target, on its seeds and on some mutations. */
#include "fuzz/fuzz_fat.c"
#include "fuzz/standalone.c"
