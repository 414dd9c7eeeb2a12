/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MONITOR_OPTIONS_H
#define MONITOR_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

#define UMVU_VERSION "0.1"

enum { OPTIONS_MODULES_MAX = 64 };

/* What the command line says. The strings are argv's or the environment's. */
struct options {
	const char *module[OPTIONS_MODULES_MAX];	/* NAME[,opts] */
	size_t nmodule;
	const char *name;		/* of the view, "" when not given */
	const char *rc;			/* -f: instead of the user's, or NULL */
	bool root;			/* -R: be root in the view */
	bool norc;
	bool nogate;
	bool trace;
	const char *trace_file;		/* NULL: stderr */
	const char *log_file;		/* NULL: stderr */
	int verbosity;			/* -v adds one, -q takes one */
	char **command;			/* ended by NULL, never empty */
};

/*
 * Read the command line; prints help, version or what is wrong itself.
 * Return: -1 to go on, else the exit status
 */
int options_read(struct options *o, int argc, char **argv);

#endif
