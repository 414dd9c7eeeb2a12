/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SERVICE_PLACE_H
#define SERVICE_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * Where monitors put their sockets: vu/PID.sock in the user's run-time
 * directory, else in /tmp/vu-UID. Such a directory is only used when it
 * belongs to the user and nobody else can enter it; the last component is
 * never followed as a symbolic link.
 */
enum { SERVICE_PLACES = 3 };

/* What candidate number i is called: the directory, or the variable unset. */
void service_place_text(unsigned i, uid_t uid, char *buf, size_t size);

/*
 * Open candidate number i, in the order of preference.
 * @create:	make it when it is missing
 * Return: a directory descriptor, or -errno
 */
int service_place_open(unsigned i, uid_t uid, bool create);

/*
 * The address of an entry of that directory, through /proc/self/fd: a
 * socket's path is short, and a directory found once cannot be swapped.
 * Return: 0 or -ENAMETOOLONG
 */
struct sockaddr_un;
int service_place_address(struct sockaddr_un *addr, int dir, pid_t pid);

/* The entry's name, "PID.sock". */
void service_place_name(char *name, size_t size, pid_t pid);

#endif
