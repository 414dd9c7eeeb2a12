/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "tools/diff_show.h"
#include "tools/stores_open.h"
#include "tools/tool.h"

enum { OPTION_JSON = 0x100, OPTION_STAT, OPTION_HTML, OPTION_TREE };

struct command {
	int form;		/* OPTION_*, 'u', or 0: what suits */
	const char *html;	/* a file */
};

static int write_html(const char *name, const char *file,
		      const struct opened *o, const struct changes *c)
{
	FILE *out = strcmp(file, "-") ? fopen(file, "we") : stdout;
	int failed;

	if (!out) {
		tool_error(name, "%s: %s", file, strerror(errno));
		return TOOL_FAILED;
	}
	changes_html(o, c, out);
	if (out == stdout)
		return TOOL_OK;
	failed = ferror(out);
	if (fclose(out) == 0 && !failed)
		return TOOL_OK;
	tool_error(name, "%s: not all of it could be written", file);
	return TOOL_FAILED;
}

static int show(const char *name, const struct command *cmd,
		const struct opened *o, const struct changes *c)
{
	struct term term = term_open(stdout);

	switch (cmd->form) {
	case OPTION_HTML: return write_html(name, cmd->html, o, c);
	case OPTION_JSON: changes_json(o, c, stdout); break;
	case OPTION_STAT: changes_stat(o, c, &term); break;
	case OPTION_TREE: changes_tree(o, c, &term, false); break;
	default: changes_unified(o, c, &term); break;
	}
	return TOOL_OK;
}

static int diff(const char *name, struct command *cmd, const char *store,
		const char *path)
{
	struct changes c = { 0 };
	struct opened o;
	char *within = NULL;
	int status = TOOL_FAILED, err;

	if (opened_open(name, store, false, &o) < 0)
		return TOOL_FAILED;
	if (path)
		within = opened_inside(name, &o, path);
	if (!cmd->form && !path && isatty(STDOUT_FILENO))
		cmd->form = OPTION_TREE;
	if (!path || within) {
		err = changes_collect(&o, within, &c);
		if (err)
			tool_error(name, "%s: %s", o.path, strerror(-err));
		else
			status = show(name, cmd, &o, &c);
	}
	changes_free(&c);
	free(within);
	opened_close(&o);
	return status;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "unified", no_argument, NULL, 'u' },
		{ "tree", no_argument, NULL, OPTION_TREE },
		{ "stat", no_argument, NULL, OPTION_STAT },
		{ "json", no_argument, NULL, OPTION_JSON },
		{ "html", required_argument, NULL, OPTION_HTML },
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	struct command cmd = { 0 };
	int option;

	while ((option = getopt_long(argc, argv, "uh", options, NULL)) != -1) {
		switch (option) {
		case OPTION_HTML: cmd.html = optarg; /* fall through */
		case OPTION_JSON:
		case OPTION_STAT:
		case OPTION_TREE:
		case 'u': cmd.form = option; break;
		default: return tool_option(&tool_diff, argv[0], option);
		}
	}
	if (argc - optind > 2)
		return tool_misused(&tool_diff, argv[0], "too many operands");
	return diff(argv[0], &cmd, argv[optind],
		    argc - optind == 2 ? argv[optind + 1] : NULL);
}

const struct tool tool_diff = {
	.word = "diff",
	.help = "show what a store changes of its target",
	.usage = "[OPTION]... [STORE [PATH]]\n"
		 "       by default of the newest store; a tree on a terminal "
		 "without PATH,\n"
		 "       else as diff -u\n"
		 "\n"
		 "  -u, --unified    differences of texts, sizes and types of "
		 "the rest\n"
		 "      --tree       a tree of all that differs\n"
		 "      --stat       a line for each, with lines added and "
		 "removed\n"
		 "      --json       all of it for programs\n"
		 "      --html FILE  a page to look at\n"
		 "  -h, --help       this text\n"
		 "      --version    version\n",
	.run = run,
};
