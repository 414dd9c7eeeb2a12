/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_RELAY_H
#define SYS_RELAY_H

#include <stdbool.h>

/*
 * What guests do to open files of made nodes, repeated on what stands for
 * them (shadow_tree.h), for those who watch: see relay.c. All functions are
 * safe from any thread.
 */
struct relay;
struct relay *relay_new(void);

/*
 * The open file that a link of /proc (".../fd/N") leads to has been opened by
 * a guest, or is about to be given to it.
 * @stand:	what stands for it, opened in the same way; taken over, and
 *		closed when a guest closes such a one
 * @once:	not if there is one of this kind already
 */
void relay_follow(struct relay *r, const char *link, int stand, bool once);

/* Repeat what has happened until now: what is told next comes later. */
void relay_drain(struct relay *r);

#endif
