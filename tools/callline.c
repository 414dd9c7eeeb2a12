/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/callline.h"

#include <stdlib.h>
#include <string.h>

enum { CALL_TID = 1, CALL_NAME, CALL_DETAIL, CALL_VERDICT, CALL_MODULE,
       CALL_RESULT, CALL_USEC, CALL_FIELDS };

/* "-" is how an empty field travels. */
static const char *text(const char *field)
{
	return strcmp(field, "-") ? field : "";
}

bool call_line_parse(struct call_line *line, char **field, int nfield)
{
	if (nfield < CALL_FIELDS || strcmp(field[0], "call") != 0)
		return false;
	*line = (struct call_line){
		.tid = (pid_t)strtol(field[CALL_TID], NULL, 10),
		.call = text(field[CALL_NAME]),
		.detail = text(field[CALL_DETAIL]),
		.verdict = text(field[CALL_VERDICT]),
		.module = text(field[CALL_MODULE]),
		.result = strtol(field[CALL_RESULT], NULL, 10),
		.usec = strtoul(field[CALL_USEC], NULL, 10),
	};
	return true;
}

unsigned long call_line_lost(char **field, int nfield)
{
	if (nfield < 2 || strcmp(field[0], "lost") != 0)
		return 0;
	return strtoul(field[1], NULL, 10);
}

void call_line_heading(const struct term *t)
{
	fprintf(t->out, "%7s %7s %-10s %-8s %s\n", "tid", "usec", "verdict",
		"module", "call");
}

static void begin(const struct term *t, const struct call_style *style,
		  enum call_part part)
{
	if (style->colour[part])
		term_select(t, style->colour[part]);
}

static void end(const struct term *t, const struct call_style *style,
		enum call_part part)
{
	if (style->colour[part])
		term_select(t, "");
}

static bool has(const struct call_style *style, enum call_part part)
{
	return style->parts & 1u << part;
}

/* A native call's result is the kernel's own and not known here. */
static void print_result(const struct term *t, const struct call_line *line)
{
	const char *name = NULL;

	if (strcmp(line->verdict, "native") == 0 ||
	    strcmp(line->verdict, "rewritten") == 0)
		return;
	if (line->result < 0 && line->result > -4096)
		name = strerrorname_np((int)-line->result);
	if (name)
		fprintf(t->out, " = -1 %s", name);
	else
		fprintf(t->out, " = %ld", line->result);
}

static void print_verdict(const struct term *t, const struct call_style *style,
			  const struct call_line *line)
{
	begin(t, style, PART_VERDICT);
	fprintf(t->out, " %-10s %-8s", line->verdict,
		*line->module ? line->module : "-");
	end(t, style, PART_VERDICT);
}

static void print_detail(const struct term *t, const struct call_style *style,
			 const struct call_line *line)
{
	putc(' ', t->out);
	begin(t, style, PART_DETAIL);
	term_safe(t, line->detail);
	end(t, style, PART_DETAIL);
}

void call_line_print(const struct term *t, const struct call_style *style,
		     const struct call_line *line)
{
	fprintf(t->out, "%7d", (int)line->tid);
	if (has(style, PART_RESULT))
		fprintf(t->out, " %7lu", line->usec);
	if (has(style, PART_VERDICT))
		print_verdict(t, style, line);
	if (has(style, PART_CALL)) {
		putc(' ', t->out);
		begin(t, style, PART_CALL);
		fputs(line->call, t->out);
		end(t, style, PART_CALL);
	}
	if (has(style, PART_DETAIL) && *line->detail)
		print_detail(t, style, line);
	if (has(style, PART_RESULT)) {
		begin(t, style, PART_RESULT);
		print_result(t, line);
		end(t, style, PART_RESULT);
	}
	putc('\n', t->out);
}
