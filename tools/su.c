/* SPDX-License-Identifier: GPL-2.0-or-later */
/* vusu: a shell as somebody else in the view, as su(1) has it. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/become.h"
#include "tools/tool.h"

#define ROOT_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
#define USER_PATH "/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games"

struct su {
	const char *tool;
	const char *command, *shell;
	const char *home;	/* the caller's, or NULL */
	bool login, preserve;
	char **rest;		/* for the shell, ended by NULL */
};

/* What a login shell begins with: nothing but the terminal. */
static void clear_environment(void)
{
	static const char *const kept[] = { "TERM", "COLORTERM", "NO_COLOR" };
	char *value[3];

	for (int i = 0; i < 3; i++) {
		value[i] = getenv(kept[i]);
		if (value[i])
			value[i] = tool_copy(value[i]);
	}
	clearenv();
	for (int i = 0; i < 3; i++) {
		if (value[i])
			setenv(kept[i], value[i], 1);
		free(value[i]);
	}
}

static void set_environment(const struct su *su, const struct someone *s,
			    const char *shell)
{
	if (su->login) {
		clear_environment();
		setenv("PATH", s->uid ? USER_PATH : ROOT_PATH, 1);
	} else if (su->preserve) {
		return;
	}
	setenv("HOME", s->home, 1);
	setenv("SHELL", shell, 1);
	if (su->login || s->uid) {
		setenv("USER", s->name, 1);
		setenv("LOGNAME", s->name, 1);
	}
}

static const char *shell_for(const struct su *su, const struct someone *s)
{
	const char *own = getenv("SHELL");

	if (su->shell)
		return su->shell;
	if (su->preserve && !su->login && own && *own)
		return own;
	return s->shell;
}

/* "-bash" for a login, else "bash". */
static char *name_for(const struct su *su, const char *shell)
{
	const char *slash = strrchr(shell, '/');
	char *name = NULL;

	if (asprintf(&name, "%s%s", su->login ? "-" : "",
		     slash ? slash + 1 : shell) < 0)
		exit(TOOL_FAILED);
	return name;
}

static int run_shell(const struct su *su, const char *shell)
{
	size_t n = 0, rest = 0;
	char **argv;
	int err;

	while (su->rest[rest])
		rest++;
	argv = tool_resize(NULL, rest + 4, sizeof(*argv));
	argv[n++] = name_for(su, shell);
	if (su->command) {
		argv[n++] = (char *)"-c";
		argv[n++] = (char *)su->command;
	}
	for (size_t i = 0; i <= rest; i++)
		argv[n++] = su->rest[i];
	execv(shell, argv);
	err = errno;
	tool_error(su->tool, "%s: %s", shell, strerror(err));
	free(argv[0]);
	free(argv);
	return err == ENOENT ? 127 : 126;
}

/*
 * Its home may be closed to who we are outside: that of root mostly is. Then a
 * login is at home in /, as login(1) has it, and others keep the home they had.
 */
static void go_home(const struct su *su, const char *home)
{
	if (!su->login) {
		if (!su->preserve && su->home && access(home, X_OK))
			setenv("HOME", su->home, 1);
		return;
	}
	if (!chdir(home))
		return;
	tool_error(su->tool, "%s: %s; at home in /", home, strerror(errno));
	setenv("HOME", "/", 1);
	if (chdir("/"))
		tool_error(su->tool, "/: %s", strerror(errno));
}

static int su_to(const struct su *su, const char *user)
{
	struct someone s;
	int status = become_find(su->tool, user, &s);
	char *shell;

	if (status == TOOL_OK)
		status = become(su->tool, &s, s.gid);
	if (status != TOOL_OK)
		return status;
	shell = tool_copy(shell_for(su, &s));
	set_environment(su, &s, shell);
	go_home(su, s.home);
	status = run_shell(su, shell);
	free(shell);
	return status;
}

static const struct option options[] = {
	{ "command", required_argument, NULL, 'c' },
	{ "login", no_argument, NULL, 'l' },
	{ "preserve-environment", no_argument, NULL, 'p' },
	{ "shell", required_argument, NULL, 's' },
	TOOL_COMMON_OPTIONS,
	{ NULL, 0, NULL, 0 }
};

static int run_with(struct su *su, int argc, char **argv)
{
	const char *user = "root";
	int option;

	while ((option = getopt_long(argc, argv, "c:lmps:h", options,
				     NULL)) != -1) {
		switch (option) {
		case 'c': su->command = optarg; break;
		case 'l': su->login = true; break;
		case 'm':
		case 'p': su->preserve = true; break;
		case 's': su->shell = optarg; break;
		default: return tool_option(&tool_su, argv[0], option);
		}
	}
	if (!become_in_view()) {
		argv[0] = (char *)"su";
		return become_run(su->tool, argv);
	}
	if (optind < argc && !strcmp(argv[optind], "-")) {
		su->login = true;
		optind++;
	}
	if (optind < argc)
		user = argv[optind++];
	su->rest = argv + optind;
	return su_to(su, user);
}

static int run(int argc, char **argv)
{
	const char *was = getenv("HOME");
	char *home = was ? tool_copy(was) : NULL;
	struct su su = { .tool = argv[0], .home = home };
	int status = run_with(&su, argc, argv);

	free(home);
	return status;
}

const struct tool tool_su = {
	.word = "su",
	.program = "vusu",
	.alias = "viewsu",
	.help = "a shell as root, or somebody else, in the view",
	.usage = "[OPTION]... [-] [USER [ARGUMENT]...]\n"
		 "\n"
		 "  USER is root when it is not given; no password is asked\n"
		 "  for. Outside of a view this is su(1).\n"
		 "\n"
		 "  -c, --command CMD            run CMD by the shell\n"
		 "  -, -l, --login               a login shell\n"
		 "  -m, -p, --preserve-environment\n"
		 "                               HOME, SHELL, USER stay\n"
		 "  -s, --shell SHELL            run SHELL\n"
		 "  -h, --help                   this text\n"
		 "      --version                version\n",
	.run = run,
};
