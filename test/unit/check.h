/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_UNIT_CHECK_H
#define TEST_UNIT_CHECK_H

#include <stdio.h>

/* Threads check, too. */
static _Atomic int failures;

#define CHECK(what) do { \
	if (!(what)) { \
		printf("not ok %s:%d: %s\n", __FILE__, __LINE__, #what); \
		failures++; \
	} \
} while (0)

#endif
