/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_BECOME_H
#define TOOLS_BECOME_H

#include <limits.h>
#include <sys/types.h>

/* Who to be. */
struct someone {
	char name[256];		/* "" when nobody is called so */
	char home[PATH_MAX], shell[PATH_MAX];
	uid_t uid;
	gid_t gid;
};

/*
 * Who is meant by a name, or by a number behind '#'. The group of a number
 * that nobody has is the caller's.
 * Return: TOOL_OK, or TOOL_FAILED when that has been said
 */
int become_find(const char *tool, const char *who, struct someone *out);
int become_find_group(const char *tool, const char *group, gid_t *gid);

/*
 * Be that one, with its groups and gid as the first of them. In a view whoever
 * we are; its modules are loaded if need be.
 * Return: TOOL_OK or an exit status; what went wrong has been said
 */
int become(const char *tool, const struct someone *s, gid_t gid);

/* Is there a view around us? */
int become_in_view(void);

/* Execute; the exit status when that fails, which has been said. */
int become_run(const char *tool, char **argv);

#endif
