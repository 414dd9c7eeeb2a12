/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TEST_UNIT_TOOLS_TAP_H
#define TEST_UNIT_TOOLS_TAP_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/*
 * TAP for the tests of tools/. Those tests include the files they test:
 * tools/ has a main() and is in no archive.
 */
static int tap_count, tap_failures;

static inline void tap_ok(bool good, const char *what)
{
	tap_failures += !good;
	printf("%sok %d - %s\n", good ? "" : "not ", ++tap_count, what);
}

static inline void tap_same(const char *got, const char *wanted,
			    const char *what)
{
	bool good = strcmp(got, wanted) == 0;

	tap_ok(good, what);
	if (!good)
		printf("# wanted: %s\n# got:    %s\n", wanted, got);
}

/* Return: the exit status */
static inline int tap_end(void)
{
	printf("1..%d\n", tap_count);
	return tap_failures != 0;
}

#endif
