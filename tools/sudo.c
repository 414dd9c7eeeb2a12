/* SPDX-License-Identifier: GPL-2.0-or-later */
/* viewsudo: one command as somebody else in the view. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/become.h"
#include "tools/tool.h"

static void set_number(const char *name, unsigned value)
{
	char text[16];

	snprintf(text, sizeof(text), "%u", value);
	setenv(name, text, 1);
}

/* Who has asked, and who it is done for. */
static void set_environment(const struct someone *s, uid_t uid, gid_t gid)
{
	const char *user = getenv("USER");

	if (user)
		setenv("SUDO_USER", user, 1);
	set_number("SUDO_UID", uid);
	set_number("SUDO_GID", gid);
	setenv("HOME", s->home, 1);
	setenv("SHELL", s->shell, 1);
	setenv("USER", s->name, 1);
	setenv("LOGNAME", s->name, 1);
}

/* A group alone: of the same user. */
static int find(const char *tool, const char *user, const char *group,
		struct someone *s, gid_t *gid)
{
	char self[16];
	int status;

	snprintf(self, sizeof(self), "#%u", getuid());
	status = become_find(tool, user ? user : group ? self : "root", s);
	if (status == TOOL_OK) {
		*gid = s->gid;
		if (group)
			status = become_find_group(tool, group, gid);
	}
	return status;
}

static const struct option options[] = {
	{ "group", required_argument, NULL, 'g' },
	{ "user", required_argument, NULL, 'u' },
	TOOL_COMMON_OPTIONS,
	{ NULL, 0, NULL, 0 }
};

static int run(int argc, char **argv)
{
	const char *user = NULL, *group = NULL;
	uid_t uid = getuid();
	gid_t gid = getgid(), to = 0;
	const char *tool = argv[0];
	struct someone s;
	int option, status;

	while ((option = getopt_long(argc, argv, "+g:u:h", options,
				     NULL)) != -1) {
		switch (option) {
		case 'g': group = optarg; break;
		case 'u': user = optarg; break;
		default: return tool_option(&tool_sudo, argv[0], option);
		}
	}
	if (optind == argc)
		return tool_misused(&tool_sudo, argv[0], "no command");
	if (!become_in_view()) {
		argv[0] = (char *)"sudo";
		return become_run(tool, argv);
	}
	status = find(tool, user, group, &s, &to);
	if (status == TOOL_OK)
		status = become(tool, &s, to);
	if (status != TOOL_OK)
		return status;
	set_environment(&s, uid, gid);
	return become_run(tool, argv + optind);
}

const struct tool tool_sudo = {
	.word = "sudo",
	.program = "viewsudo",
	.alias = "vusudo",
	.help = "one command as root, or somebody else, in the view",
	.usage = "[-u USER] [-g GROUP] COMMAND [ARGUMENT]...\n"
		 "\n"
		 "  USER and GROUP are names, or numbers as in #1000. Without\n"
		 "  either it is root. Outside of a view this is sudo(8).\n"
		 "\n"
		 "  -u, --user USER    as USER, with its groups\n"
		 "  -g, --group GROUP  with GROUP as the first one\n"
		 "  -h, --help         this text\n"
		 "      --version      version\n",
	.run = run,
};
