/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdio.h>
#include <sys/mount.h>
#include "tools/session.h"
#include "tools/tool.h"

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'f' },
		{ "lazy", no_argument, NULL, 'l' },
		{ "detach", no_argument, NULL, 'd' },
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	unsigned flags = 0;
	char text[12];
	int option;

	while ((option = getopt_long(argc, argv, "fldh", options,
				     NULL)) != -1) {
		switch (option) {
		case 'f': flags |= MNT_FORCE; break;
		case 'l':
		case 'd': flags |= MNT_DETACH; break;
		default: return tool_option(&tool_umount, argv[0], option);
		}
	}
	if (optind == argc)
		return tool_misused(&tool_umount, argv[0],
				    "a target is needed");
	snprintf(text, sizeof(text), "%u", flags);
	return session_each(argv[0], "umount", text, argv + optind);
}

const struct tool tool_umount = {
	.word = "umount",
	.program = "vuumount",
	.alias = "viewumount",
	.help = "undo a mount of this view",
	.usage = "[-f] [-l|-d] TARGET...\n"
		 "\n"
		 "  -f, --force    give up what is under way in the mount\n"
		 "  -l, --lazy     take it out of sight now, finish when\n"
		 "                 nobody uses it any more\n"
		 "  -d, --detach   the same as --lazy\n"
		 "  -h, --help     this text\n"
		 "      --version  version\n",
	.run = run,
};
