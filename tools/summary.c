/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/summary.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include "tools/tool.h"

static const char *const verdict_name[] = {
	[COUNT_NATIVE]		= "native",
	[COUNT_VALUE]		= "value",
	[COUNT_OBJECT]		= "object",
	[COUNT_REWRITTEN]	= "rewritten",
	[COUNT_OTHER]		= "other",
};
static_assert(sizeof(verdict_name) / sizeof(verdict_name[0]) == COUNT_MAX,
	      "every verdict has its name");

static struct summary_row *find_row(struct summary *s, const char *call)
{
	struct summary_row *row;

	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->row[i].call, call) == 0)
			return &s->row[i];
	}
	s->row = tool_resize(s->row, s->n + 1, sizeof(*s->row));
	row = &s->row[s->n++];
	*row = (struct summary_row){ .call = tool_copy(call) };
	return row;
}

static enum summary_verdict find_verdict(const char *name)
{
	int v = 0;

	while (v < COUNT_OTHER && strcmp(verdict_name[v], name) != 0)
		v++;
	return v;
}

void summary_add(struct summary *s, const struct call_line *line)
{
	struct summary_row *row = find_row(s, line->call);
	enum summary_verdict verdict = find_verdict(line->verdict);

	row->calls++;
	row->usec += line->usec;
	row->verdict[verdict]++;
	if (verdict == COUNT_VALUE || verdict == COUNT_OBJECT)
		row->errors += line->result < 0 && line->result > -4096;
}

static int by_time(const void *a, const void *b)
{
	const struct summary_row *x = a, *y = b;

	if (x->usec != y->usec)
		return x->usec < y->usec ? 1 : -1;
	if (x->calls != y->calls)
		return x->calls < y->calls ? 1 : -1;
	return strcmp(x->call, y->call);
}

static void add_row(struct summary_row *total, const struct summary_row *row)
{
	total->usec += row->usec;
	total->calls += row->calls;
	total->errors += row->errors;
	for (int v = 0; v < COUNT_MAX; v++)
		total->verdict[v] += row->verdict[v];
}

static void print_row(FILE *out, const struct summary_row *row,
		      unsigned long long whole)
{
	double share = whole ? 100.0 * (double)row->usec / (double)whole : 0;
	double each = row->calls ? (double)row->usec / (double)row->calls : 0;

	fprintf(out, "%6.2f %11.6f %11.0f %9lu %9lu", share,
		(double)row->usec / 1e6, each, row->calls, row->errors);
	for (int v = 0; v < COUNT_OTHER; v++)
		fprintf(out, " %9lu", row->verdict[v]);
	fprintf(out, " %s\n", row->call);
}

static void print_rule(FILE *out)
{
	fputs("------ ----------- ----------- --------- ---------", out);
	for (int v = 0; v < COUNT_OTHER; v++)
		fputs(" ---------", out);
	fputs(" ----------------\n", out);
}

void summary_print(struct summary *s, FILE *out)
{
	static char name[] = "total";
	struct summary_row total = { .call = name };

	if (s->n)
		qsort(s->row, s->n, sizeof(*s->row), by_time);
	for (size_t i = 0; i < s->n; i++)
		add_row(&total, &s->row[i]);
	fprintf(out, "%6s %11s %11s %9s %9s", "% time", "seconds",
		"usecs/call", "calls", "errors");
	for (int v = 0; v < COUNT_OTHER; v++)
		fprintf(out, " %9s", verdict_name[v]);
	fputs(" call\n", out);
	print_rule(out);
	for (size_t i = 0; i < s->n; i++)
		print_row(out, &s->row[i], total.usec);
	print_rule(out);
	print_row(out, &total, total.usec);
}

void summary_clear(struct summary *s)
{
	for (size_t i = 0; i < s->n; i++)
		free(s->row[i].call);
	free(s->row);
	*s = (struct summary){ 0 };
}
