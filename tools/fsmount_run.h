/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_FSMOUNT_RUN_H
#define TOOLS_FSMOUNT_RUN_H

#include <stdbool.h>
#include <sys/types.h>

/* A FUSE program that is to mount something, and stay. */
struct fsmount_server {
	const char *name;	/* of the command, for messages */
	const char *label;	/* the type, which messages begin with */
	const char *program;	/* path */
	const char *shown;	/* what messages call it */
	char **argv;
	const char *target;
	const char *via;	/* for VU_VIA; "": not set */
	int lock, place;	/* locks the program inherits; -1: none */
	bool terminal;		/* it may ask something there */
	bool foreground;	/* it does not go into the background */
	/* Is there a mount that was not there before? */
	bool (*mounted)(void *ctx);
	void *ctx;
};

/*
 * Start the program and wait until its mount is there and answers. On
 * failure a message has been given and the program, if it is still a child
 * of ours, has been ended; what it has mounted is left to the caller.
 * Return: TOOL_OK or TOOL_FAILED
 */
int fsmount_serve(const struct fsmount_server *s);

#endif
