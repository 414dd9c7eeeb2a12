/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "monitor/options.h"

enum { OPTION_VERSION = 256 };

static const struct option long_options[] = {
	{ "module",	required_argument, NULL, 'm' },
	{ "name",	required_argument, NULL, 'V' },
	{ "root",	no_argument,	   NULL, 'R' },
	{ "rc",		required_argument, NULL, 'f' },
	{ "norc",	no_argument,	   NULL, 'N' },
	{ "no-gate",	no_argument,	   NULL, 'G' },
	{ "trace",	optional_argument, NULL, 't' },
	{ "log",	required_argument, NULL, 'o' },
	{ "verbose",	no_argument,	   NULL, 'v' },
	{ "quiet",	no_argument,	   NULL, 'q' },
	{ "help",	no_argument,	   NULL, 'h' },
	{ "version",	no_argument,	   NULL, OPTION_VERSION },
	{ NULL, 0, NULL, 0 }
};

static const char usage_line[] =
	"usage: umvu [options] [--] [command [argument...]]\n";

static const char help_text[] =
	"Run a command (by default $SHELL) in a view of its own.\n"
	"\n"
	"  -m, --module NAME[,OPTIONS]  load a module first (may be repeated)\n"
	"  -V, --name NAME              name of the view\n"
	"  -R, --root                   be root in the view, whoever you are outside\n"
	"  -f, --rc FILE                run FILE inside before the command,\n"
	"                               instead of the user's own rc file\n"
	"  -N, --norc                   run no rc files\n"
	"  -G, --no-gate                do not change the guests' code to save time\n"
	"  -t, --trace[=FILE]           write a line per intercepted call\n"
	"  -o, --log FILE               the monitor's own messages go to FILE\n"
	"  -v, --verbose                more messages; twice: still more\n"
	"  -q, --quiet                  fewer messages; twice: none\n"
	"  -h, --help                   this text\n"
	"      --version                the version\n"
	"\n"
	"Exit status: the command's (128+n when signal n ended it), 127 when it\n"
	"was not found, 126 when it could not be run, 125 when no view could be\n"
	"made, 2 for a wrong option.\n";

static int wrong(void)
{
	fputs(usage_line, stderr);
	return 2;
}

static int print(const char *a, const char *b)
{
	return printf("%s%s", a, b) < 0 || fflush(stdout) ? 1 : 0;
}

static int add_module(struct options *o, const char *module)
{
	if (o->nmodule == OPTIONS_MODULES_MAX) {
		fprintf(stderr, "umvu: more than %d modules\n",
			OPTIONS_MODULES_MAX);
		return 2;
	}
	o->module[o->nmodule++] = module;
	return -1;
}

/* Has -m named it, with options or without? */
static bool has_module(const struct options *o, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 0; i < o->nmodule; i++)
		if (!strncmp(o->module[i], name, n) &&
		    (!o->module[i][n] || o->module[i][n] == ','))
			return true;
	return false;
}

static int add_modules_of_root(struct options *o)
{
	static const char *const name[] = { "unrealuidgid", "unrealcap" };
	int status = -1;

	for (size_t i = 0; i < 2 && status < 0; i++)
		if (!has_module(o, name[i]))
			status = add_module(o, name[i]);
	return status;
}

/* Take one option. Return: -1 to go on, else the exit status. */
static int take(struct options *o, int option)
{
	switch (option) {
	case 'm':
		return add_module(o, optarg);
	case 'V':
		o->name = optarg;
		return -1;
	case 'R':
		o->root = true;
		return -1;
	case 'f':
		o->rc = optarg;
		return -1;
	case 'N':
		o->norc = true;
		return -1;
	case 'G':
		o->nogate = true;
		return -1;
	case 't':
		o->trace = true;
		/* -t=FILE is taken for what it looks like */
		o->trace_file = optarg && *optarg == '=' ? optarg + 1 : optarg;
		return -1;
	case 'o':
		o->log_file = optarg;
		return -1;
	case 'v':
		o->verbosity++;
		return -1;
	case 'q':
		o->verbosity--;
		return -1;
	case 'h':
		return print(usage_line, help_text);
	case OPTION_VERSION:
		return print("umvu (View-OS) ", UMVU_VERSION "\n");
	default:
		return wrong();
	}
}

/* The command when none is given. */
static char **shell(void)
{
	static char sh[] = "/bin/sh";
	static char *command[2];
	char *name = getenv("SHELL");

	command[0] = name && *name ? name : sh;
	return command;
}

int options_read(struct options *o, int argc, char **argv)
{
	int option, status;

	*o = (struct options){ .name = "" };
	while ((option = getopt_long(argc, argv, "+m:V:Rf:NGt::o:vqh",
				     long_options, NULL)) != -1) {
		status = take(o, option);
		if (status >= 0)
			return status;
	}
	o->command = argc > optind ? argv + optind : shell();
	return o->root ? add_modules_of_root(o) : -1;
}
