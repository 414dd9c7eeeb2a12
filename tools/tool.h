/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TOOL_H
#define TOOLS_TOOL_H

#include <getopt.h>
#include <stddef.h>

/*
 * What every vu command has in common. Commands follow one rule for their
 * messages and their end: what was asked for goes to stdout, everything else
 * to stderr behind the name the command was called by, which is argv[0].
 */
#ifndef VU_VERSION
#define VU_VERSION "0.1"
#endif

enum tool_status {
	TOOL_OK		= 0,
	TOOL_FAILED	= 1,
	TOOL_MISUSED	= 2,	/* wrong usage, or not inside a view */
};

/* One command; the table of them is in vu.c. */
struct tool {
	const char *word;	/* as in "vu WORD" */
	const char *program;	/* the same as a program, or NULL */
	const char *alias;	/* the program's older name, or NULL */
	/*
	 * Names of the system's programs that it is called by where a mount
	 * has put it in their place, ended by NULL; or NULL. One that ends
	 * with a dot is what all names of a kind begin with. No file of ours
	 * has such a name.
	 */
	const char *const *stands_for;
	const char *help;	/* one line */
	const char *usage;	/* what follows "usage: NAME" */
	/*
	 * argv[0] is the name for messages ("vumount", "vu mount").
	 * Return: exit status; main then checks that stdout was written.
	 */
	int (*run)(int argc, char **argv);
};

extern const struct tool tool_commit, tool_debug, tool_diff, tool_discard,
	tool_stores, tool_try, tool_doctor, tool_fsalias,
	tool_fusermount, tool_help, tool_insmod, tool_ls, tool_lsmod,
	tool_mount, tool_name, tool_ps, tool_rmmod, tool_run, tool_su, tool_sudo,
	tool_trace, tool_umount;

/* The table, ended by NULL. */
extern const struct tool *const tool_table[];

/* Find by word or by any name of the program. NULL: no such command. */
const struct tool *tool_find(const char *name);

/* Long options of every command, to stand in its own list. */
#define TOOL_OPTION_VERSION 0x7001
#define TOOL_COMMON_OPTIONS				\
	{ "help", no_argument, NULL, 'h' },		\
	{ "version", no_argument, NULL, TOOL_OPTION_VERSION }

/*
 * Serve what a command's own option switch does not know: help, version,
 * and what getopt_long() has already complained about.
 * Return: exit status
 */
int tool_option(const struct tool *t, const char *name, int option);

/* A message on stderr: "NAME: text". */
void tool_error(const char *name, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The same, then how to find the usage. Return: TOOL_MISUSED */
int tool_misused(const struct tool *t, const char *name,
		 const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/* Allocation that ends the command when memory does. */
void *tool_resize(void *old, size_t n, size_t size);
char *tool_copy(const char *s);

/*
 * The absolute name of what may be a mount point: its last part is not looked
 * at, as whoever serves it may answer nobody any more.
 * Return: to be freed, or NULL and errno
 */
char *tool_point_name(const char *given);

/*
 * A decimal number between min and max, nothing before or behind it.
 * Return: 0 or -EINVAL
 */
int tool_number(const char *s, long min, long max, long *value);

#endif
