/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_ADDRESS_H
#define SYS_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/un.h>

/*
 * Names of Unix sockets that the kernel and the view call differently. All
 * functions are safe from any thread.
 */

/* An address may be all name, without a NUL. */
#define ADDRESS_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

/* Does a name of ours fit, with its NUL? */
bool address_fits(const char *name);

/* A guest binds a socket to given; the kernel will know it as real. */
void address_note(const char *real, const char *given);

/* Something else is bound to real from now on. */
void address_forget(const char *real);

/* What was given for real. 0, or -ENOENT */
int address_given(const char *real, char *given, size_t size);

/*
 * A name for an object whose own is too long for an address: that of a
 * duplicate of fd in this process. It holds for the next ADDRESS_HELD of
 * them. 0 or -errno
 */
#define ADDRESS_HELD 64
int address_hold(int fd, char *name, size_t size);

#endif
