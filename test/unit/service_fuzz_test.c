/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests to the service: the fuzz target, on its seeds and on some mutations. */
#include "fuzz/fuzz_service.c"
#include "fuzz/standalone.c"
