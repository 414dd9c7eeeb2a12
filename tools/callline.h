/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_CALLLINE_H
#define TOOLS_CALLLINE_H

#include <stdbool.h>
#include <sys/types.h>
#include "tools/term.h"

/* A `call` record of service/protocol.md, taken apart. */
struct call_line {
	pid_t tid;
	const char *call, *detail, *verdict, *module;	/* "" for none */
	long result;
	unsigned long usec;
};

/* Return: false when this is no call record. The strings are the fields. */
bool call_line_parse(struct call_line *line, char **field, int nfield);

/* A record that says how many lines a slow reader has missed; else 0. */
unsigned long call_line_lost(char **field, int nfield);

/* The parts of a printed line; each can be left out or coloured. */
enum call_part { PART_CALL, PART_DETAIL, PART_VERDICT, PART_RESULT,
		 PART_MAX };

struct call_style {
	unsigned parts;			/* 1 << enum call_part */
	const char *colour[PART_MAX];	/* SGR parameters, or NULL */
};

#define CALL_PARTS_ALL ((1u << PART_MAX) - 1)

void call_line_heading(const struct term *t);
void call_line_print(const struct term *t, const struct call_style *style,
		     const struct call_line *line);

#endif
