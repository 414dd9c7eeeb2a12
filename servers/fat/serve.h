/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVERS_FAT_SERVE_H
#define SERVERS_FAT_SERVE_H

#define FUSE_USE_VERSION 31
#include <fuse_lowlevel.h>

#include "servers/fat/volume.h"

/* What libfuse gives to each request. */
struct serve {
	struct fat fat;
	bool open;
	uid_t uid;
	gid_t gid;
	mode_t umask;
	int result;	/* of closing the volume */
};

extern const struct fuse_lowlevel_ops serve_ops;

/* Close the volume, once. */
void serve_close(struct serve *s);

#endif
