/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <unistd.h>
#include "tools/model.h"
#include "tools/session.h"
#include "tools/term.h"
#include "tools/tool.h"

static int list_modules(const char *name)
{
	struct term term = term_open(stdout);
	struct model m = { 0 };
	const struct record_list *modules = &m.list[KIND_MODULE];
	struct session_request req = {
		.word = { "lsmod" }, .record = model_record, .ctx = &m,
	};
	int status = TOOL_OK;
	int fd = session_open(name, &status);

	if (fd < 0)
		return status;
	status = session_ask(name, fd, &req);
	for (size_t i = 0; i < modules->n; i++) {
		const struct record *r = &modules->record[i];

		term_shaded(&term, SHADE_NAME, record_text(r, MODULE_NAME));
		fputs(": ", stdout);
		term_safe(&term, record_text(r, MODULE_DESCRIPTION));
		putchar('\n');
	}
	model_clear(&m);
	close(fd);
	return status;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	int option = getopt_long(argc, argv, "h", options, NULL);

	if (option != -1)
		return tool_option(&tool_lsmod, argv[0], option);
	if (optind < argc)
		return tool_misused(&tool_lsmod, argv[0],
				    "%s: no operand is expected",
				    argv[optind]);
	return list_modules(argv[0]);
}

const struct tool tool_lsmod = {
	.word = "lsmod",
	.program = "vu_lsmod",
	.alias = "um_ls_service",
	.help = "list the modules that are loaded",
	.usage = "[--help]\n"
		 "\n"
		 "  -h, --help     this text\n"
		 "      --version  version\n",
	.run = run,
};
