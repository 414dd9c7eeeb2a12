/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIEW_MOUNT_H
#define VIEW_MOUNT_H

#include <stdatomic.h>
#include <sys/queue.h>
#include "include/vu/module.h"
#include "view/place.h"

struct module;
struct version;

/*
 * A mount of a view. Constant once it is part of a version, and reference
 * counted: versions, working directories and descriptors hold it.
 */
struct mount {
	struct vu_mount pub;		/* what the module sees */
	atomic_uint refs;
	atomic_uint views;		/* that have it in their current version */
	atomic_uint holders;		/* working directories and roots in it */
	unsigned id;			/* 0: the real system */
	struct module *module;		/* NULL for the real system and exceptions */
	LIST_ENTRY(mount) living;	/* see mount_live() */
	bool loaded;			/* made by loading its module */
	bool moves;			/* mount_moves(), and no more than that */
	atomic_bool entered;		/* VU_MOUNT_APART: see enter_mount() */
	struct mount *except_of;	/* made by vu_mount_except of that mount */
	struct place at;		/* directory that has the mount point; held */
	char name[256];			/* its name there; "" when it covers a root */
	char at_name[256];		/* last name of that directory, "" for "/" */
	struct place covers;		/* what was at the point; NOWHERE: nothing; held */
	struct place root;		/* what the point shows; fd is pub.root */
	struct version *world;		/* the view as it was before; held */
};

/*
 * The real system: shared by all views, never freed. Its root is the
 * monitor's own, opened once by mount_base_init(): 0 or -errno.
 */
int mount_base_init(void);
struct mount *mount_base(void);

struct mount *mount_get(struct mount *m);
void mount_put(struct mount *m);

/*
 * From now on it is one of those that mount_each() tells of, until its last
 * holder has gone: also when no view has it any more.
 */
void mount_live(struct mount *m);
/* Call f for each, held meanwhile; may hold one itself, but not make one. */
void mount_each(void (*f)(void *arg, struct mount *m), void *arg);

/* The inode number of a made node to which its module gave none. */
ino_t made_number(const struct mount *m, const char *rel);

/*
 * The options as they are now: "ro" or "rw", then what was asked for, and the
 * exceptions that it has in the version. buf always holds a string, of as many
 * options as it has room for.
 */
void mount_options(const struct version *v, const struct mount *m, char *buf,
		   size_t size);

/* Does it lie over what was there? See view/layered.h. */
static inline bool mount_layered(const struct mount *m)
{
	return m->pub.flags & VU_MOUNT_LAYERED;
}

/* Does the module answer for the nodes? (Else they are real.) */
static inline bool mount_served(const struct mount *m)
{
	return (m->pub.root < 0 || mount_layered(m)) &&
	       !(m->pub.flags & VU_MOUNT_HIDE) && m->id;
}

/* Does it show a directory as it is elsewhere, by other names? */
static inline bool mount_moves(const struct mount *m)
{
	const unsigned more = VU_MOUNT_HIDE | VU_MOUNT_OWN_ACCESS |
			      VU_MOUNT_APART | VU_MOUNT_LAYERED;

	return m->id && m->module && m->pub.root >= 0 &&
	       !(m->pub.flags & more) && m->pub.seen_by < 0 &&
	       S_ISDIR(m->root.mode);
}

static inline bool mount_rdonly(const struct mount *m)
{
	return m->pub.flags & VU_MOUNT_RDONLY;
}

static inline bool mount_hides(const struct mount *m)
{
	return m->pub.flags & VU_MOUNT_HIDE;
}

#endif
