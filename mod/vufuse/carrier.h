/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_CARRIER_H
#define VUFUSE_CARRIER_H

#include "mod/vufuse/fs.h"

/*
 * A mount of the kernel's own FUSE where only the monitor reaches: see
 * carrier.c.
 */

/*
 * Mount there what o says, and give the caller the kernel's /dev/fuse in the
 * place of its descriptor o->fd. Sets m->root and what goes with it.
 * 0 or -EPERM with a message that says what is lacking
 */
int carrier_mount(struct vu_ctx *ctx, struct vu_mount *m,
		  const struct fs_options *o, struct vu_message *msg);

/*
 * Could this monitor do that for anyone, and with the owners that the server
 * tells? (An ordinary user's name space knows no owner but himself.)
 */
bool carrier_suits(void);

/* Is it the kernel's /dev/fuse? */
bool carrier_device(const struct stat *st);

bool carrier_is(const struct vu_mount *m);
/* As the operations of these names. */
int carrier_serves(pid_t pid);
void carrier_quit(struct vu_mount *m);

/*
 * What is left to be given back when m is freed. To close the root ends the
 * mount, for which the kernel may wait for the server.
 */
struct carrier_rest {
	int root;
	int watch;	/* epoll: ready as long as the device is open; or -1 */
};
#define CARRIER_NO_REST ((struct carrier_rest){ -1, -1 })

/* Take it over from m, which has no root then. */
struct carrier_rest carrier_rest(struct vu_mount *m);
void carrier_close(struct carrier_rest *rest);
void carrier_forget(struct carrier_rest *rest);
/* Give back all but the root. */
void carrier_drop(struct vu_mount *m);

#endif
