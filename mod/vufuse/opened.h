/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_OPENED_H
#define VUFUSE_OPENED_H

#include <sys/queue.h>

#include "mod/vufuse/fs.h"

/* A file of which we have, or had, the content: see the top of opened.c. */
struct opened {
	TAILQ_ENTRY(opened) link;	/* fs->lock */
	unsigned users;			/* fs->lock */
	struct node *node;
	struct content *content;
	pthread_mutex_t lock;		/* guards what follows */
	bool has_file;			/* file is open at the server, to store */
	struct file file;
	bool orphan;			/* no name: needs no storing */
	bool stamped;
	struct fuse_attr stamp;		/* of the server's file, when they agreed */
	struct timespec stored;		/* the content's time of change then */
};

/* All of one mount. */
struct files {
	TAILQ_HEAD(, opened) list;	/* the longest unopened first */
	size_t n;
	unsigned ticks;
};

/* Whom the content is from: arg of struct content_server. */
struct at_server {
	struct fs *fs;
	struct node *node;
	const struct file *file;
};

#endif
