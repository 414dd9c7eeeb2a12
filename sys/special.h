/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_SPECIAL_H
#define SYS_SPECIAL_H

#include "sys/request.h"

/*
 * FIFOs and sockets that modules make: see special.c. Places are made() ones;
 * other nodes are left alone.
 */

/* Is it of those? */
static inline bool special(mode_t mode)
{
	return S_ISFIFO(mode) || S_ISSOCK(mode);
}

/* Open it; the caller may do so. */
struct verdict special_open(struct request *rq, const struct open_how *how,
			    const struct place *obj);

/*
 * The caller binds a socket by a name that is not there yet: the node is
 * made, and becomes f->obj. mode: the umask is applied
 * @file:	the name that the real socket is to have
 * Return: O_PATH descriptor of the directory for it, or -errno
 */
int special_bind(struct request *rq, struct found *f, mode_t mode,
		 const char *file);
/* It could not be bound: nothing stays. */
void special_unbind(struct request *rq, struct found *f);

/*
 * The caller connects or sends to it. Return: O_PATH descriptor of the real
 * socket, or -errno (-EACCES, -ECONNREFUSED)
 */
int special_socket(struct request *rq, const struct place *obj);

/* Mode or owner have changed. */
void special_changed(struct request *rq, const struct place *obj);

/* Before a name goes: is it the last one of something with a shadow? */
bool special_last(struct request *rq, const struct found *f);
/* It is gone. */
void special_gone(struct request *rq, const struct place *obj);
/* One or (exchange) both names are others now; what from and to were before. */
void special_moved(struct request *rq, const struct found *from,
		   const struct found *to, const char *a, const char *b,
		   bool exchange);

/* Mounts have gone: what stood for something in them goes. */
void special_sweep(struct sys *s);

#endif
