/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records as trees: parents, the parentless, and loops. */
#include <stdlib.h>
#include "test/unit/tools_tap.h"
#include "tools/model.c"
#include "tools/session.c"
#include "tools/term.c"
#include "tools/tool.c"
#include "tools/tree.c"
#include "tools/utf8.c"

static void add_guest(struct model *m, const char *view, const char *pid,
		      const char *ppid)
{
	char *field[5] = { NULL };

	field[0] = tool_copy("guest");
	field[1] = tool_copy(view);
	field[2] = tool_copy(pid);
	field[3] = tool_copy(ppid);
	field[4] = tool_copy("-");
	model_record(m, field, 5);
	for (int i = 0; i < 5; i++)
		free(field[i]);
}

static void line(const struct tree *t, const struct record *r)
{
	fprintf(t->term->out, "%s\n", record_text(r, GUEST_PID));
}

static char *drawn(const struct model *m, unsigned long view, bool utf8)
{
	char *text = NULL;
	size_t size;
	struct term term = { .out = open_memstream(&text, &size),
			     .utf8 = utf8 };
	struct tree t = tree_open(&term);
	struct nest n = nest_open(&m->list[KIND_GUEST], GUEST_VIEW, view,
				  GUEST_PID, GUEST_PPID);

	nest_draw(&n, &t, false, line);
	nest_close(&n);
	tree_close(&t);
	fclose(term.out);
	return text;
}

static void check(const struct model *m, unsigned long view, bool utf8,
		  const char *wanted, const char *what)
{
	char *text = drawn(m, view, utf8);

	tap_same(text, wanted, what);
	free(text);
}

int main(void)
{
	struct model m = { 0 };

	add_guest(&m, "1", "11", "10");
	add_guest(&m, "1", "10", "1");
	add_guest(&m, "1", "12", "10");
	add_guest(&m, "1", "13", "11");
	add_guest(&m, "2", "20", "10");
	add_guest(&m, "3", "30", "31");
	add_guest(&m, "3", "31", "30");
	add_guest(&m, "3", "32", "32");
	check(&m, 1, false, "`- 10\n   |- 11\n   |  `- 13\n   `- 12\n",
	      "children below parents, in their order");
	check(&m, 1, true, "└─ 10\n   ├─ 11\n   │  └─ 13\n   └─ 12\n",
	      "the same in UTF-8");
	check(&m, 2, false, "`- 20\n", "a parent in another view is none");
	check(&m, 3, false, "`- 32\n", "a loop is left out, no end is reached");
	check(&m, 4, false, "", "nobody");
	tap_same(record_text(&m.list[KIND_GUEST].record[0], GUEST_COMMAND), "",
		 "a dash is an empty field");
	tap_same(record_text(&m.list[KIND_GUEST].record[0], 9), "",
		 "a field too far is empty");
	tap_ok(record_number(&m.list[KIND_GUEST].record[0], 9) == 0,
	       "and 0 as a number");
	model_clear(&m);
	return tap_end();
}
