/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MOD_VUFS_LAYER_H
#define MOD_VUFS_LAYER_H

#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <unistd.h>

#include "include/vu/module.h"
#include "store/store.h"

/*
 * A layered mount: a store over a target.
 *
 * Theory of operation
 *
 * What a name leads to is the store's affair (store_find()). An operation
 * that changes something holds the store's change lock from its first look
 * to its end, works as the monitor itself, and asks by permits() and
 * may_change() what the caller may; new objects are made as the caller, so
 * that the kernel gives them the owner, group and ACL that they are to have.
 *
 * Where a change goes is decided once, by could_be_real(): to the store, or, in
 * merge and mincow, to the target, where the kernel then decides. In mincow
 * what the kernel refuses goes to the store, if the caller could have written
 * there by himself: then nobody else's permission is needed (waived).
 */

enum layer_mode { LAYER_COW, LAYER_MINCOW, LAYER_MERGE };

enum layer_flag {
	LAYER_VSTAT	= 1 << 0,	/* attributes are recorded */
	LAYER_WOK	= 1 << 1,	/* all say that they can be written */
	LAYER_NOCHCOPY	= 1 << 2,	/* chmod and chown do not copy */
	LAYER_RDONLY	= 1 << 3,
};

/* A part of the target that another layer shows, or an exception of one. */
struct part {
	char *at;			/* its name in the target */
	struct layer *l;		/* held; NULL: real */
	char *name;			/* ... and its name there */
	int fd;				/* real: what it is, or -1 */
	char *kernel_name;		/* ... and called */
	bool same;			/* as the kernel has it */
	bool shown;			/* not ours, but shows through */
};

struct layer {
	struct layer *next;		/* of all; for renew */
	unsigned refs;
	struct store *s;
	enum layer_mode mode;
	unsigned flags;
	unsigned asked;			/* flags, without what is inherited */
	bool waives;			/* see may_waive() */
	unsigned depth;			/* layers below it */
	struct part *part;		/* inner ones first */
	size_t nparts;
	char **except;			/* as the kernel calls exceptions */
	size_t nexcept;
	dev_t store_dev, target_dev;
	char *store_name, *target_name;	/* as the kernel calls them */
	char *source, *target;		/* as the mount calls them */
};

struct layer_options {
	bool layered, renew, covers;
	enum layer_mode mode;
	unsigned flags;
};

/* Set root, flags and priv of a layered mount. */
int layer_mount(struct vu_ctx *ctx, struct vu_mount *m,
		const struct layer_options *o, struct vu_message *msg);
void layer_umount(struct vu_mount *m);

static inline struct layer *layer_of(const struct vu_mount *m)
{
	return m->priv;
}

struct layer *layer_get(struct layer *l);
void layer_put(struct layer *l);

/* --- what it lies over: below.c, name.c --- */

/* While mounting, before the store is opened: find the parts. */
int layer_collect(struct vu_ctx *ctx, struct vu_mount *m, struct layer *l,
		  bool covers, struct vu_message *msg);
/* Those that the store is to know; part has room for all. How many */
size_t layer_parts(const struct layer *l, struct store_part *part);
void layer_drop_parts(struct layer *l);
/* An exception leads to fd. */
int layer_except(struct layer *l, int fd);
/* May changes be kept in the mount's source? Where cow has it, it may not. */
int layer_check_source(struct vu_ctx *ctx, struct vu_mount *m,
		       struct vu_message *msg);
/* May the source be had by another name? Only what cow has not to look after */
int layer_check_move(struct vu_ctx *ctx, struct vu_mount *m,
		     struct vu_message *msg);
/* As the operation name_here. */
ssize_t layer_name(struct layer *l, const char *kernel_name, char *buf,
		   size_t size);
char *layer_kernel_name(int fd);

/* --- looking --- */

/* store_find() as the caller may. */
int layer_find(struct vu_ctx *ctx, struct layer *l, const char *path,
	       struct store_object *o);

/*
 * The same of where the caller has come to already, by a walk or a descriptor:
 * whether he may go there is not asked again.
 */
int layer_find_there(struct vu_ctx *ctx, struct layer *l, const char *path,
		     struct store_object *o);

/* Inside of an operation that changes, which works as the monitor itself. */
int permits(struct vu_ctx *ctx, struct layer *l, const struct store_object *o,
	    int want);
/* By what is told, mode and ACL. As whoever the thread is. */
int told_permits(struct vu_ctx *ctx, struct layer *l,
		 const struct store_object *o, int want);
/* Has the caller that capability (CAP_...)? */
bool has_cap(const struct vu_ctx *ctx, int cap);
/* Does the object belong to the caller, or may he as if it did? 0, -EPERM */
int owns(struct vu_ctx *ctx, const struct store_object *o);
/*
 * The monitor copies, and can read more than the caller: who is only told to
 * be allowed something, or has it waived, gets no copy of what the kernel
 * would not let him read.
 */
int may_read_really(struct vu_ctx *ctx, const struct store_object *o);
/* May the caller write in the store by himself? */
bool may_waive(struct vu_ctx *ctx, struct layer *l);

/* --- changing --- */

/* A name on which something is to be done. */
struct spot {
	const char *path;
	const char *name;		/* its last component */
	char dir_path[PATH_MAX];
	struct store_object dir;	/* its directory */
	struct store_object obj;	/* what is there; fd -1: nothing */
};

/*
 * Begin a change of the name: locked, as the monitor itself. Ends with
 * spot_end(), also when this fails.
 * Return: 0 (obj may be nothing), -EROFS, or why the directory is none
 */
int spot_begin(struct vu_ctx *ctx, struct layer *l, const char *path,
	       struct spot *sp);
void spot_end(struct vu_ctx *ctx, struct layer *l, struct spot *sp);

/* Look at a name without beginning anything: inside of another's change. */
int spot_look(struct layer *l, const char *path, struct spot *sp);
/* The same for the caller: what he is shut out of is not there. */
int spot_look_for(struct vu_ctx *ctx, struct layer *l, const char *path,
		  struct spot *sp);
void spot_drop(struct spot *sp);

/* The store's directory of the name; made if need be. Closed by who asks. */
int spot_store_dir(struct layer *l, const struct spot *sp);
/* Something has changed in it. What is the store's alone shows it itself. */
void spot_touch(struct layer *l, const struct spot *sp);

/* May it go to the target, for all that the store knows? */
bool could_be_real(struct layer *l, const struct spot *sp);
/* Does the kernel alone keep the caller from looking into the target? */
bool is_shut_out(const struct vu_ctx *ctx, const struct layer *l);
/* ... of the object itself, not of its name */
bool is_target(struct layer *l, const struct store_object *o);
/* Does the store know of something there or below? Then it must be told. */
bool spot_is_known(struct layer *l, const struct spot *sp);
/*
 * The kernel refused it in the target: may it go to the store instead?
 * Then *waived is set.
 */
bool instead(struct vu_ctx *ctx, struct layer *l, int err, bool *waived);

/* May names be put into, or taken from the directory? */
int may_add(struct vu_ctx *ctx, struct layer *l, const struct spot *sp,
	    bool waived);
int may_take(struct vu_ctx *ctx, struct layer *l, const struct spot *sp,
	     bool directory, bool waived);

/*
 * Have the store own what is at path, with the change lock held, which is
 * given back while a large file is copied. Afterwards *o is the store's.
 * flags: COPY_NO_CONTENT
 */
int copy_up(struct vu_ctx *ctx, struct layer *l, const char *path,
	    unsigned flags, bool waived, struct store_object *o);

/*
 * Wait a moment without the change lock: for somebody's lease to end.
 * Return: 0 or -EINTR when nobody waits for the call any more
 */
int wait_unlocked(struct vu_ctx *ctx, struct layer *l);

/* What a new object is. */
struct make {
	mode_t mode;		/* with its type; 0: type of an open file */
	dev_t dev;
	const char *text;	/* of a symlink */
	int flags;		/* of an open file */
};

/* Make an object in the store where nothing is. 0, a descriptor or -errno */
int make_in_store(struct vu_ctx *ctx, struct layer *l, struct spot *sp,
		  const struct make *mk, bool waived);
/* In a directory, with the rights of the thread. */
int make_at(int dir, const char *name, const struct make *mk);

/* What is told beside what the new object at sp has: in vstat. */
void told_of_new(struct vu_ctx *ctx, struct layer *l, const struct spot *sp,
		 const struct make *mk, struct store_attr *a);
/*
 * In vstat: what a default ACL of the directory leaves of the mode of a new
 * object in it. Is there one?
 */
bool inherit_acl(struct layer *l, int dir, mode_t *mode);
/* Mode bits that an object of the store really has, in vstat. */
mode_t real_mode(mode_t mode);

/* --- the operations, by file --- */

/* name.c */
ssize_t layer_name_here(struct vu_mount *m, const char *kernel_name,
			char *buf, size_t size);
/* look.c */
int layer_lookup(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 struct vu_node *node);
bool layer_touches(struct vu_mount *m, const char *name, size_t len);
int layer_descend(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  struct vu_node *node);
int layer_alone(struct vu_ctx *ctx, struct vu_mount *m, const char *path);
bool layer_tell(struct vu_mount *m, struct stat *st);
int layer_edits(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		struct vu_dir *added, struct vu_dir *hidden);
int layer_access(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 int want);
/* open.c */
int layer_open(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
	       int flags);
int layer_create(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		 int flags, mode_t mode);
int layer_truncate(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		   off_t size);
int layer_adopt(struct vu_ctx *ctx, struct vu_mount *m, int fd,
		const char *path);
/* make.c */
int layer_mknod(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		mode_t mode, dev_t dev);
int layer_mkdir(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		mode_t mode);
int layer_symlink(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  const char *text);
int layer_reserve(struct vu_ctx *ctx, struct vu_mount *m, const char *path);
/* remove.c */
int layer_unlink(struct vu_ctx *ctx, struct vu_mount *m, const char *path);
int layer_rmdir(struct vu_ctx *ctx, struct vu_mount *m, const char *path);
/* rename.c */
int layer_rename(struct vu_ctx *ctx, struct vu_mount *m, const char *from,
		 const char *to, unsigned flags);
int layer_link(struct vu_ctx *ctx, struct vu_mount *m, const char *from,
	       const char *to);
/* attrs.c, xattrs.c */
int layer_chmod(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		mode_t mode);
int layer_chown(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		uid_t uid, gid_t gid);
int layer_utimens(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  const struct timespec times[2]);
int layer_setxattr(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		   const char *name, const void *value, size_t size,
		   int flags);
ssize_t layer_getxattr(struct vu_ctx *ctx, struct vu_mount *m,
		       const char *path, const char *name,
		       void *value, size_t size);
ssize_t layer_listxattr(struct vu_ctx *ctx, struct vu_mount *m,
			const char *path, char *list, size_t size);
int layer_removexattr(struct vu_ctx *ctx, struct vu_mount *m,
		      const char *path, const char *name);

#endif
