/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_TELLING_H
#define VUFUSE_TELLING_H

#include "mod/vufuse/opened.h"

/* One filling, and what is said of it. */
struct telling {
	struct at_server from;
	off_t size, done;
	content_sink *sink;
	void *sink_arg;
	long long next;		/* when to say something */
	bool said;
};

/* As content_fill(); the user is told how far it has come if it takes long. */
int telling_fill(struct content *c, struct vu_ctx *ctx,
		 const struct at_server *from, off_t size);

#endif
