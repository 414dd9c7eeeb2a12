/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIEW_VERSION_H
#define VIEW_VERSION_H

#include <stdatomic.h>
#include "view/mount.h"

/*
 * A version is the set of mounts of a view at one moment. It never
 * changes: a new mount makes a new version. Newest mounts come last.
 */
struct version {
	atomic_uint refs;
	unsigned long number;		/* grows over all versions */
	size_t nmount;
	struct mount **mount;
	/* open addressing, sizes are powers of two; see version.c */
	size_t npoint;
	struct point *point;
	size_t nname;
	const char **name;
	size_t nserved;			/* mounts served by modules */
	size_t nlayered;		/* of them: layered ones */
	size_t nmoving;			/* of them: they only move, see sys/moved.c */
	bool own_access;		/* a layered one answers access() */
	size_t nedit;			/* mounts that change a listing */
	bool root_covered;		/* "/" itself is a mount point, and
					 * what it was cannot be seen */
};

/*
 * One guest more, or less, may do less by his own ids than by the kernel's:
 * where there is an own_access version, no gate may be open to him.
 */
void version_dropped(int by);

/* A version with these mounts (references are taken). NULL: no memory. */
struct version *version_new(struct mount *const *mount, size_t n);
struct version *version_get(struct version *v);
void version_put(struct version *v);

/*
 * The newest mount on a name of a directory, or NULL. name "" asks for
 * what covers the directory itself.
 */
struct mount *version_point(const struct version *v, const struct mount *m,
			    struct file_id dir, const char *name);

/* Could any mount point (or a special name) be called so? */
bool version_has_name(const struct version *v, const char *name, size_t len);

/* Is a mount point called so? */
bool version_has_point(const struct version *v, const char *name, size_t len);

/*
 * Is a component of that name, at the end of a path or before it, where the
 * kernel goes, too? What is below a layered mount is its module's to say.
 */
bool version_plain_name(const struct version *v, const char *name, size_t len,
			bool last);

/* Do mounts change the listing of this directory? */
bool version_edits(const struct version *v, const struct mount *m,
		   struct file_id dir);

/* Is m part of v at all? */
bool version_has(const struct version *v, const struct mount *m);

#endif
