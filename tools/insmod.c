/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tools/session.h"
#include "tools/tool.h"

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "permanent", no_argument, NULL, 'p' },
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	const char *flags = "";
	int option;

	while ((option = getopt_long(argc, argv, "ph", options, NULL)) != -1) {
		switch (option) {
		case 'p': flags = "p"; break;
		default: return tool_option(&tool_insmod, argv[0], option);
		}
	}
	if (optind == argc)
		return tool_misused(&tool_insmod, argv[0],
				    "a module is needed");
	return session_each(argv[0], "insmod", flags, argv + optind);
}

const struct tool tool_insmod = {
	.word = "insmod",
	.program = "vu_insmod",
	.alias = "um_add_service",
	.help = "load modules into this view's monitor",
	.usage = "[-p] MODULE[,OPTIONS]...\n"
		 "\n"
		 "  -p, --permanent  vu_rmmod will refuse to unload it\n"
		 "  -h, --help       this text\n"
		 "      --version    version\n",
	.run = run,
};
