/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_SESSION_H
#define TOOLS_SESSION_H

#include <stddef.h>
#include <sys/types.h>

/*
 * A command's connections to monitors, with the messages that go with
 * them. Everything here has complained, in name's name, when it fails.
 */

/*
 * Connect to the monitor of the view this process is in.
 * @status: out: the exit status that a failure means
 * Return: descriptor, or -1
 */
int session_open(const char *name, int *status);

/* Connect by the outside door of monitor pid. Return: descriptor or -1 */
int session_open_outside(const char *name, pid_t pid);

/* One request: the verb and its arguments, and who takes the records. */
struct session_request {
	const char *word[6];		/* ended by NULL when fewer */
	void (*record)(void *ctx, char **field, int nfield);	/* or NULL */
	void *ctx;
};

/*
 * Make a request and wait for its end.
 * Return: TOOL_OK or TOOL_FAILED
 */
int session_ask(const char *name, int fd, const struct session_request *req);

/* The same without a message. Return: 0 or -errno */
int session_try(int fd, const struct session_request *req);

/*
 * For commands with one request per operand: session_ask() with words
 * verb, operand, flags for each. Goes on after a failure.
 * @flags: NULL: none
 * Return: exit status
 */
int session_each(const char *name, const char *verb, const char *flags,
		 char **operand);

#endif
