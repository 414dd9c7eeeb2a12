/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * vu ls and vu ps: the same fetching, more or less of it shown.
 */
#include <stdio.h>
#include <string.h>
#include "tools/fleet.h"
#include "tools/model.h"
#include "tools/show.h"
#include "tools/tool.h"

/* --list: one column of one kind, a line each, for scripts. */
struct listing {
	const char *name;
	enum kind kind;
	int column;
};

static const struct listing listing_table[] = {
	{ "guests",	KIND_GUEST,	GUEST_PID },
	{ "modules",	KIND_MODULE,	MODULE_NAME },
	{ "monitors",	KIND_INFO,	INFO_SERVER },
	{ "mounts",	KIND_MOUNT,	MOUNT_TARGET },
	{ "views",	KIND_VIEW,	VIEW_ID },
	{ NULL,		KIND_MAX,	0 }
};

struct command {
	const struct tool *tool;
	struct fleet fleet;
	bool guests_only, as_json;
	const struct listing *listing;
	struct term term;
	struct json json;
};

static const struct listing *find_listing(const char *name)
{
	const struct listing *l = listing_table;

	while (l->name && strcmp(l->name, name) != 0)
		l++;
	return l->name ? l : NULL;
}

static void print_listing(const struct listing *l, const struct model *m,
			  const struct term *term)
{
	for (size_t i = 0; i < m->list[l->kind].n; i++) {
		term_safe(term, record_text(&m->list[l->kind].record[i],
					    l->column));
		putc('\n', term->out);
	}
}

static int visit(void *ctx, int fd)
{
	struct command *c = ctx;
	struct model m = { 0 };
	int status = model_fetch(c->fleet.name, fd, &m);

	if (status != TOOL_OK)
		;
	else if (c->listing)
		print_listing(c->listing, &m, &c->term);
	else if (c->as_json)
		show_json(&c->json, &m, c->guests_only);
	else
		show_tree(&c->term, &m, c->guests_only);
	model_clear(&m);
	return status;
}

static int show_all(struct command *c)
{
	size_t found = 0;
	int status;

	c->term = term_open(stdout);
	c->json.out = stdout;
	if (c->as_json)
		json_open(&c->json, NULL, '[');
	status = fleet_each(&c->fleet, &found, visit, c);
	if (c->as_json)
		json_close(&c->json, ']');
	else if (!found && status == TOOL_OK && !c->listing)
		tool_error(c->fleet.name, "no view is running "
			   "(start one with umvu)");
	return status;
}

static int take_pid(struct command *c, const char *s)
{
	long pid;

	if (tool_number(s, 1, 1 << 30, &pid) < 0)
		return tool_misused(c->tool, c->fleet.name,
				    "%s: not a pid", s);
	c->fleet.pid = (pid_t)pid;
	return TOOL_OK;
}

static int take_listing(struct command *c, const char *s)
{
	c->listing = find_listing(s);
	if (!c->listing)
		return tool_misused(c->tool, c->fleet.name,
				    "%s: cannot list that", s);
	return TOOL_OK;
}

static int run_either(struct command *c, int argc, char **argv)
{
	static const struct option options[] = {
		{ "all", no_argument, NULL, 'a' },
		{ "json", no_argument, NULL, 'j' },
		{ "list", required_argument, NULL, 'l' },
		{ "pid", required_argument, NULL, 'p' },
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	int option, status = TOOL_OK;

	c->fleet.name = argv[0];
	while (status == TOOL_OK &&
	       (option = getopt_long(argc, argv, "ajl:p:h", options,
				     NULL)) != -1) {
		switch (option) {
		case 'a': c->fleet.all = true; break;
		case 'j': c->as_json = true; break;
		case 'l': status = take_listing(c, optarg); break;
		case 'p': status = take_pid(c, optarg); break;
		default: return tool_option(c->tool, argv[0], option);
		}
	}
	if (status != TOOL_OK)
		return status;
	if (optind < argc)
		return tool_misused(c->tool, argv[0],
				    "%s: no operand is expected",
				    argv[optind]);
	return show_all(c);
}

static int run_ls(int argc, char **argv)
{
	struct command c = { .tool = &tool_ls };

	return run_either(&c, argc, argv);
}

static int run_ps(int argc, char **argv)
{
	struct command c = { .tool = &tool_ps, .guests_only = true };

	return run_either(&c, argc, argv);
}

#define USAGE \
	"[-a | -p PID] [--json | --list KIND]\n" \
	"\n" \
	"  -a, --all        all monitors of this user, also inside a view\n" \
	"  -p, --pid PID    the monitor with this pid\n" \
	"  -j, --json       JSON, for programs\n" \
	"  -l, --list KIND  one a line: guests, modules, monitors, mounts,\n" \
	"                   views\n" \
	"  -h, --help       this text\n" \
	"      --version    version\n"

const struct tool tool_ls = {
	.word = "ls",
	.help = "show views as a tree: mounts, modules, guests",
	.usage = USAGE,
	.run = run_ls,
};

const struct tool tool_ps = {
	.word = "ps",
	.help = "show the tree of views and processes",
	.usage = USAGE,
	.run = run_ps,
};
