/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_SHADOW_H
#define SYS_SHADOW_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

/*
 * Real FIFOs and sockets that stand for nodes which modules make: see
 * shadow.c. All functions are safe from any thread, which must be the
 * monitor itself (it has no guest's ids).
 */
struct shadows;

/* Which node. The name (relative to the mount) is known to the module now. */
struct shadow_key {
	unsigned mount;		/* struct mount.id */
	uint64_t number;	/* struct vu_node.number; 0: by name alone */
	const char *rel;
	mode_t type;		/* S_IFIFO or S_IFSOCK */
};

/*
 * @others:	guests may be other users than the monitor: they get in, and
 *		mode and owner are those of the node
 * @tell:	called with the name of the directory before it is made, and
 *		with "" if that fails
 */
struct shadows *shadows_new(bool others,
			    void (*tell)(void *ctx, const char *dir), void *ctx);

/* There is none: nobody needs to ask. */
bool shadows_empty(const struct shadows *s);

/*
 * The directory that they are in, made if it is not there yet: its names that
 * are not sixteen digits are for shadow_tree.c. Return: O_PATH descriptor,
 * which stays ours, or -errno
 */
int shadows_directory(struct shadows *s);

/*
 * The FIFO, made if there is none yet, with mode and owner of the node.
 * Return: O_PATH descriptor or -errno
 */
int shadow_fifo(struct shadows *s, const struct shadow_key *k,
		const struct stat *st);

/*
 * A place to bind a new socket in, by that name (a plain one): an empty
 * directory that the user of st may write in. What stood for the node is
 * forgotten. Return: O_PATH descriptor or -errno
 */
int shadow_bind(struct shadows *s, const struct shadow_key *k,
		const struct stat *st, const char *file);

/*
 * The socket that was bound there, now with mode and owner of the node.
 * Return: O_PATH descriptor; -ECONNREFUSED when there is none
 */
int shadow_socket(struct shadows *s, const struct shadow_key *k,
		  const struct stat *st);

/* Mode or owner of the node have changed. */
void shadow_follow(struct shadows *s, const struct shadow_key *k,
		   const struct stat *st);

/* The node is gone: who has it open keeps it. */
void shadow_drop(struct shadows *s, const struct shadow_key *k);

/* The name, and all names below it, are others now; exchange: both are. */
void shadow_renamed(struct shadows *s, unsigned mount, const char *from,
		    const char *to, bool exchange);

/*
 * Does something stand for a node of that name which had another number?
 * Return: that number, 0: no
 */
uint64_t shadow_called(struct shadows *s, const struct shadow_key *k);
/* It is the same node: the module had forgotten which number it gave. */
void shadow_renumber(struct shadows *s, const struct shadow_key *k,
		     uint64_t was);

/* Forget all of the mounts that are not there any more. */
void shadow_sweep(struct shadows *s, bool (*there)(void *arg, unsigned mount),
		  void *arg);

#endif
