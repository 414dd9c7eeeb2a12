/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/session.h"
#include "tools/tool.h"

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	int option = getopt_long(argc, argv, "h", options, NULL);

	if (option != -1)
		return tool_option(&tool_rmmod, argv[0], option);
	if (optind == argc)
		return tool_misused(&tool_rmmod, argv[0],
				    "a module is needed");
	return session_each(argv[0], "rmmod", NULL, argv + optind);
}

const struct tool tool_rmmod = {
	.word = "rmmod",
	.program = "vu_rmmod",
	.alias = "um_del_service",
	.help = "unload modules",
	.usage = "MODULE...\n"
		 "\n"
		 "  -h, --help     this text\n"
		 "      --version  version\n",
	.run = run,
};
