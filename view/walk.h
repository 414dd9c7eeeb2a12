/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIEW_WALK_H
#define VIEW_WALK_H

#include "view/version.h"

enum walk_flag {
	WALK_NOFOLLOW	= 1 << 0,	/* a symlink at the end is the object */
	WALK_PARENT	= 1 << 1,	/* dir and name of the end are wanted */
	WALK_BENEATH	= 1 << 2,	/* RESOLVE_BENEATH */
	WALK_IN_ROOT	= 1 << 3,	/* RESOLVE_IN_ROOT: start is the root */
	WALK_NO_LINKS	= 1 << 4,	/* RESOLVE_NO_SYMLINKS */
	WALK_NO_MAGIC	= 1 << 5,	/* RESOLVE_NO_MAGICLINKS */
	WALK_NO_XDEV	= 1 << 6,	/* RESOLVE_NO_XDEV */
	/* the last name is meant itself, even with a slash behind it */
	WALK_NAME	= 1 << 7,
	WALK_LATE	= 1 << 8,	/* see found->late */
	WALK_TAKES	= 1 << 9,	/* start is taken over: see walk() */
};

/* Who walks, from where. Everything is borrowed. */
struct walker {
	const struct version *version;
	const struct place *root;	/* what "/" is for the guest */
	bool root_agrees;		/* the kernel thinks so too */
	pid_t tid;			/* whom /proc/self means */
	struct vu_ctx *ctx;		/* for served mounts */
	/* a layered mount's module is asked for names that it does not touch */
	bool by_module;
	/*
	 * Follow a link of /proc that is more than its text: name in dir.
	 * what and pid as proc_magic() tells them (pid 0: none of these).
	 * Return: 0 and *to, or -errno. NULL: the kernel follows.
	 */
	int (*magic)(void *arg, const struct place *dir, const char *name,
		     pid_t pid, const char *what, struct place *to);
	void *magic_arg;
};

/* Where a path led. */
struct found {
	struct place dir;	/* WALK_PARENT: the directory of the last name */
	char name[256];		/* last name; "" when the path has none ("/", "..") */
	int dots;		/* the path ended in "." (1) or ".." (2) */
	struct place obj;	/* the object; NOWHERE when error */
	int error;		/* 0, or why there is no object (-ENOENT...) */
	bool slash;		/* the path ended in a slash, "." or ".." */
	bool native;		/* the kernel would come to the same place */
	bool is_descriptor;	/* not a name: obj is the descriptor itself */
	bool magic;		/* the end was reached through a magic link */
	bool layered;		/* a layered mount was on the way, or is there */
	/*
	 * With WALK_LATE: obj is a regular file or directory that was seen
	 * and not opened (fd -1), because who opens it anyway saves half of
	 * that. It is called name in dir; name may be a path, which has led
	 * there if it can be opened without meeting a symlink.
	 */
	bool late;
	struct mount *point;	/* the last name is this mount's point */
};

/*
 * Walk a path in a view, as path_resolution(7) describes it.
 * @start:	for a relative path; not used for an absolute one. With
 *		WALK_TAKES it is the walk's own, and the caller's no more
 * @agrees:	start is where the kernel would start
 * Return: 0 (found->error tells about the last component), or -errno when
 * the walk ended before the last component. found needs found_drop() either way.
 */
int walk(const struct walker *w, const struct place *start, bool agrees,
	 const char *path, unsigned flags, struct found *found);

void found_drop(struct found *found);

/*
 * The place of a name in a served mount; rel is taken over (NULL: -ENOMEM).
 * 0 or -errno
 */
int served_place(const struct walker *w, struct mount *m, char *rel,
		 struct place *to);

/*
 * The place of a directory in a layered mount by a name of several components,
 * if its module can say at once that all of them are directories.
 */
int layered_descend(const struct walker *w, struct mount *m, char *rel,
		    struct place *to);

/*
 * Is name, in this directory of /proc, a link that is more than its text?
 * @what: out: "cwd", "root", "exe", "fd/N" or "map_files/FROM-TO"; PROC_WHAT
 * Return: the process or thread it is about, else 0
 */
#define PROC_WHAT 64
pid_t proc_magic(const struct place *dir, const char *name,
		 char *what, size_t size);

/*
 * A quick proof that nothing in the path can be virtual: no component bears
 * the name of a mount point, none is "..", and no symlink is met.
 * @dirfd: descriptor of the start, or AT_FDCWD for absolute paths
 * Return: is it proved?
 */
enum proof {
	PROOF_NONE,
	PROOF_NATIVE,
	PROOF_SEEN,		/* and there is no symlink for anybody else, too */
};
enum proof walk_proves_native(const struct version *v, int dirfd, const char *path,
			bool nofollow);

#endif
