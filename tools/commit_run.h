/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_COMMIT_RUN_H
#define TOOLS_COMMIT_RUN_H

#include <stdbool.h>
#include "tools/commit.h"

struct commit_options {
	enum commit_side side;
	bool dry_run;
	bool skip;	/* of an interrupted one, the step it stopped at */
};

/*
 * Commit a store, or go on with a commit that was interrupted.
 * @path:	names as the user gave them, ended by NULL; none: all
 * Return: exit status, having told and complained
 */
int commit_store(const char *name, const char *store, char *const *path,
		 const struct commit_options *options);

#endif
