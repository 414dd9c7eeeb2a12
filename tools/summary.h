/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_SUMMARY_H
#define TOOLS_SUMMARY_H

#include <stddef.h>
#include <stdio.h>
#include "tools/callline.h"

/* Counts by call, as strace -c prints them. */
enum summary_verdict { COUNT_NATIVE, COUNT_VALUE, COUNT_OBJECT,
		       COUNT_REWRITTEN, COUNT_OTHER, COUNT_MAX };

struct summary_row {
	char *call;
	unsigned long long usec;
	unsigned long calls, errors;
	unsigned long verdict[COUNT_MAX];
};

struct summary {
	struct summary_row *row;
	size_t n;
};

void summary_add(struct summary *s, const struct call_line *line);

/* Print, most expensive first, with a line of totals. */
void summary_print(struct summary *s, FILE *out);
void summary_clear(struct summary *s);

#endif
