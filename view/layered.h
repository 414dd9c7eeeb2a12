/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIEW_LAYERED_H
#define VIEW_LAYERED_H

#include "view/version.h"

/*
 * Layered mounts (VU_MOUNT_LAYERED): see layered.c.
 */

/* Does the name in this place surely lead where the kernel has it? */
bool layered_untouched(const struct place *dir, const char *name, size_t len);

/* May a component like this lead elsewhere, in any layered mount? */
bool layered_touches(const struct version *v, const char *name, size_t len);

/* The child by an untouched name. 0 or -errno */
int layered_child(const struct place *dir, const char *name, struct place *to);

/*
 * Name what an untouched path led to from at, if that is in such a mount: *to
 * has what the kernel found. 0 or -ENOMEM (then *to is dropped)
 */
int layered_name(const struct place *at, const char *path, struct place *to);

/* "rel/name", of names that may have slashes to spare; NULL: no memory */
char *layered_join(const char *rel, const char *name);

/*
 * A real place that was come to by a descriptor: the kernel's name of it may
 * say that it is in a layered mount. Then it becomes a place there; unnamed,
 * where the mount hides it. 0 or -errno (then it is dropped)
 */
int layered_home(const struct version *v, struct place *p);

/*
 * The newest layered mount that has what the kernel calls so (absolute); *n is
 * what its module says of it (name_here): the length of rel, or -errno. NULL:
 * it is in none
 */
struct mount *layered_of_name(const struct version *v, const char *kernel_name,
			      char *rel, size_t size, ssize_t *n);

/* The mount on a name of the directory, as version_point(). */
struct mount *layered_point(const struct version *v, const struct place *dir,
			    const char *name);

/* Can the kernel's own view be had through this mount? */
bool layered_shows_through(const struct mount *m);

/*
 * Can nothing in the mount be changed? So it is by itself, and where a newer
 * one covers it and lets it be seen.
 */
bool layered_rdonly(const struct version *v, const struct mount *m);

/*
 * What is to be told of a real node, in this version. Return: was anything
 * changed?
 */
struct stat;
bool layered_tell(const struct version *v, struct stat *st);

/*
 * The longest run of components, without the last of the path, of which none is
 * a mount point. Return: its length in bytes; 0: no more than one
 */
size_t layered_run(const struct version *v, const char *path);

#endif
