/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef SYS_DESCRIPTORS_H
#define SYS_DESCRIPTORS_H

#include <stdbool.h>
#include "view/place.h"

/*
 * Where guests' directory descriptors lead: see descriptors.c. All
 * functions are safe from any thread.
 */
struct descriptors;

struct descriptors *descriptors_new(void);

/* A descriptor that was handed out. */
struct minted {
	pid_t tgid;
	struct place place;	/* the kernel's object; its mount is held */
	struct file_id made;	/* what the object stands for; ino 0: itself */
	int keep;		/* the same open file, for its listing, or -1 */
};

/* It is number fd in its process, -1: some number. Takes over m->keep. 0 or -ENOMEM */
int descriptors_note(struct descriptors *d, int fd, struct minted *m);

/*
 * Which mount (and name in a served mount) is meant by the object id at
 * descriptor fd of tgid? Fills mount and rel of *place, whose id is set;
 * place gets the real system when nothing is known. Where the object only
 * stands for a node that a module makes, place becomes that node: its
 * descriptor is closed. The mount comes with a reference, unless it is the
 * real system: request_keep() takes it over.
 */
void descriptors_find(struct descriptors *d, pid_t tgid, int fd,
		      struct place *place);

/* Is anything noted of this object? */
bool descriptors_know(struct descriptors *d, struct file_id id);

/* A duplicate of the kept descriptor of that place, or -ENOENT. */
int descriptors_kept(struct descriptors *d, pid_t tgid, int fd,
		     struct file_id id);

struct version;

/*
 * Forget numbers that have become something else, of mounts that are not
 * in kept (NULL: of all): what is noted keeps its mount.
 */
void descriptors_sweep(struct descriptors *d, const struct version *kept);
/* The same of this mount alone. */
void descriptors_sweep_of(struct descriptors *d, const struct mount *m);

/*
 * Does a living process still have a directory of this mount open? Looks
 * at every descriptor of every guest, for dup and fork tell us nothing.
 */
bool descriptors_busy(struct descriptors *d, const struct mount *m);

/* Nothing was ever noted: nobody needs to ask. */
bool descriptors_empty(const struct descriptors *d);

/* Does any descriptor stand for what only a module knows? */
bool descriptors_made(const struct descriptors *d);

/*
 * A descriptor for a directory that the kernel does not have: a fresh,
 * empty, removed directory, unique by its inode. Return: it or -errno
 */
int placeholder_directory(void);

#endif
