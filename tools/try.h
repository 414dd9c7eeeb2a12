/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_TRY_H
#define TOOLS_TRY_H

#include <stdbool.h>

/* What the command line of vu try says. */
struct trial {
	const char *name;	/* for messages */
	char *store;		/* absolute */
	bool made;		/* the store is new, and of our choosing */
	char **except;		/* absolute names that stay as they are */
	unsigned nexcept;
	bool no_net;
	char **command;
};

/* Where nothing could be begun, as umvu says it. */
enum { TRY_NO_VIEW = 125 };

/*
 * Run the command in a view and wait for it.
 * Return: its exit status
 */
int try_run(const struct trial *t);

/*
 * Within that view: mount, and become the command.
 * @argv:	what try_run() has passed
 * Return: only when it fails, exit status
 */
int try_enter(const char *name, int argc, char **argv);

/* The word by which try_run() calls try_enter(), no option of the user's. */
#define TRY_ENTER "--enter"

#endif
