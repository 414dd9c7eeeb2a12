/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines and sums of a trace. */
#include <stdlib.h>
#include "test/unit/tools_tap.h"
#include "tools/callline.c"
#include "tools/summary.c"
#include "tools/term.c"
#include "tools/tool.c"
#include "tools/utf8.c"

/* A record: words between bars. */
static int split(char *text, char **field)
{
	int n = 0;

	for (char *s = strtok(text, "|"); s; s = strtok(NULL, "|"))
		field[n++] = s;
	return n;
}

static char *printed(const char *record, const struct call_style *style,
		     bool colour)
{
	char copy[256], *field[16], *text = NULL;
	struct call_line line;
	size_t size;
	struct term t = { .out = open_memstream(&text, &size),
			  .colour = colour };

	snprintf(copy, sizeof(copy), "%s", record);
	if (call_line_parse(&line, field, split(copy, field)))
		call_line_print(&t, style, &line);
	fclose(t.out);
	return text;
}

static void check_line(const char *record, const struct call_style *style,
		       bool colour, const char *wanted)
{
	char *text = printed(record, style, colour);

	tap_same(text, wanted, record);
	free(text);
}

static void test_lines(void)
{
	const struct call_style all = { .parts = CALL_PARTS_ALL };
	const struct call_style path = { .parts = 1u << PART_DETAIL,
					 .colour = { [PART_DETAIL] = "31" } };
	const char *open = "call|12|openat|/a\nb|object|vufs|3|7";

	check_line(open, &all, true,
		   "     12       7 object     vufs     openat /a\\012b = 3\n");
	check_line("call|12|access|/x|value|-|-2|1", &all, false,
		   "     12       1 value      -        "
		   "access /x = -1 ENOENT\n");
	check_line("call|12|uname|-|native|-|0|1", &all, false,
		   "     12       1 native     -        uname\n");
	check_line("call|12|chdir|-|rewritten|-|-5|1|future", &all, false,
		   "     12       1 rewritten  -        chdir\n");
	check_line(open, &path, true, "     12 \033[31m/a\\012b\033[m\n");
	check_line(open, &path, false, "     12 /a\\012b\n");
	check_line("guest|1|12|1|sh", &all, false, "");
	check_line("call|12|openat|/a|native|-|0", &all, false, "");
}

static void test_lost(void)
{
	char lost[] = "lost|17", call[] = "call|17", *field[4];

	tap_ok(call_line_lost(field, split(lost, field)) == 17, "lost lines");
	tap_ok(call_line_lost(field, split(call, field)) == 0, "none lost");
}

static void add(struct summary *s, const char *call, const char *verdict,
		long result, unsigned long usec)
{
	struct call_line line = { .call = call, .verdict = verdict,
				  .result = result, .usec = usec };

	summary_add(s, &line);
}

static void test_summary(void)
{
	struct summary s = { 0 };
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	add(&s, "stat", "native", -2, 10);	/* the kernel's own affair */
	add(&s, "openat", "object", 3, 80);
	add(&s, "openat", "value", -2, 10);
	add(&s, "getcwd", "some day", 0, 0);
	summary_print(&s, out);
	fclose(out);
	tap_ok(s.n == 3, "one row for each call");
	tap_same(s.row[0].call, "openat", "the most expensive comes first");
	tap_ok(s.row[0].calls == 2 && s.row[0].errors == 1 &&
	       s.row[0].usec == 90, "calls, errors, time");
	tap_ok(s.row[1].errors == 0, "a native call's result is not known");
	tap_ok(s.row[2].verdict[COUNT_OTHER] == 1, "an unknown verdict");
	tap_ok(strstr(text, " 90.00    0.000090          45         2  "),
	       "share, seconds, each, calls");
	tap_ok(strstr(text, "100.00    0.000100"), "totals");
	summary_clear(&s);
	free(text);
	text = NULL;
	out = open_memstream(&text, &size);
	summary_print(&s, out);
	fclose(out);
	tap_ok(strstr(text, "  0.00    0.000000"), "nothing to sum up");
	free(text);
}

int main(void)
{
	test_lines();
	test_lost();
	test_summary();
	return tap_end();
}
