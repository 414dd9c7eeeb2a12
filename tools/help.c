/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "tools/term.h"
#include "tools/tool.h"

static int list_commands(void)
{
	struct term term = term_open(stdout);

	puts("usage: vu COMMAND [ARGUMENT]...\n");
	for (size_t i = 0; tool_table[i]; i++) {
		const struct tool *t = tool_table[i];

		fputs("  ", stdout);
		term_shaded(&term, SHADE_BOLD, t->word);
		printf("%*s%s\n", (int)(13 - strlen(t->word)), "", t->help);
	}
	puts("\n'vu help COMMAND' tells its options, 'vu help -m COMMAND' "
	     "opens its manual.");
	return TOOL_OK;
}

static void page_name(const struct tool *t, char *page, size_t size)
{
	if (t->program)
		snprintf(page, size, "%s", t->program);
	else
		snprintf(page, size, "vu-%s", t->word);
}

static int open_manual(const char *name, const char *page)
{
	execlp("man", "man", "1", page, NULL);
	tool_error(name, "man: %s", strerror(errno));
	return TOOL_FAILED;
}

static int help_for(const char *name, const char *word, int manual)
{
	const struct tool *t = tool_find(word);
	char page[32];

	if (!t)
		return tool_misused(&tool_help, name, "%s: no such command",
				    word);
	page_name(t, page, sizeof(page));
	if (manual)
		return open_manual(name, page);
	printf("vu %s: %s\n", t->word, t->help);
	printf("usage: vu %s %s\n", t->word, t->usage);
	if (t->program)
		printf("as a program of its own: %s%s%s\n", t->program,
		       t->alias ? ", formerly " : "",
		       t->alias ? t->alias : "");
	printf("manual: %s(1)\n", page);
	return TOOL_OK;
}

static int run(int argc, char **argv)
{
	static const struct option options[] = {
		{ "manual", no_argument, NULL, 'm' },
		TOOL_COMMON_OPTIONS,
		{ NULL, 0, NULL, 0 }
	};
	int option, manual = 0;

	while ((option = getopt_long(argc, argv, "mh", options, NULL)) != -1) {
		switch (option) {
		case 'm': manual = 1; break;
		default: return tool_option(&tool_help, argv[0], option);
		}
	}
	if (argc - optind > 1)
		return tool_misused(&tool_help, argv[0],
				    "one command at a time");
	if (optind < argc)
		return help_for(argv[0], argv[optind], manual);
	return manual ? open_manual(argv[0], "vu") : list_commands();
}

const struct tool tool_help = {
	.word = "help",
	.help = "list the commands, or tell about one",
	.usage = "[-m] [COMMAND]\n"
		 "\n"
		 "  -m, --manual   open the manual page\n"
		 "  -h, --help     this text\n"
		 "      --version  version\n",
	.run = run,
};
