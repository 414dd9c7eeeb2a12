/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <time.h>

/*
 * A store: a directory that holds what differs from a target, another
 * directory, which is never changed. doc/store.md describes it on disk.
 *
 * Names are relative to both: "" is the directory itself, else "a/b", without
 * a leading slash, "." and "..". What the store has under a name is called
 * so in it; what is seen of the target may be called otherwise there (its
 * origin), since directories and files can be renamed without a copy.
 *
 * Any thread may ask at any time. Whoever changes something holds the change
 * lock (store_change()) from the first look to the last step, so that one
 * changes at a time; those who only look never wait for it.
 *
 * Everything is done with the rights of the calling thread. All results: 0
 * or -errno, if nothing else is said.
 */

struct store;
struct open_dir;

enum store_flag {
	STORE_RDONLY	= 1 << 0,	/* nothing is written, no lock taken */
	/* Any directory: what it has is looked up when it is asked for. */
	STORE_BARE	= 1 << 1,
	/*
	 * Attributes are told of everything, mostly to who may do everything:
	 * that not all may search a directory is nothing special.
	 */
	STORE_LOOSE	= 1 << 2,
};

struct store_message {
	char text[256];
};

/*
 * Open a store; an empty directory becomes one (but with STORE_RDONLY). What
 * an interrupted change has left is put right. Both descriptors are copied.
 *
 * @name:	what the target is called; kept in a new store, for people
 * @why:	set when it fails for a reason that an errno does not tell
 * Return: 0, -EBUSY: another has it open for changes, -EINVAL: not a store,
 * or one of a later version
 */
int store_open(int dir, int target, const char *name, unsigned flags,
	       struct store **s, struct store_message *why);

/*
 * A part of the target that is seen through a store below, or that is another
 * directory or file: what is at the name "at" in the target, and below it, is
 * what is at name in s, or fd (O_PATH). Of parts within each other the inner
 * one counts.
 */
struct store_part {
	const char *at;
	struct store *s;	/* borrowed until the upper one is closed */
	const char *name;
	int fd;			/* without s; copied */
	bool same;		/* the kernel has it under that name, too */
};

/* The same for a target with parts. What they show is never changed. */
int store_open_over(int dir, int target, const struct store_part *part,
		    size_t nparts, const char *name, unsigned flags,
		    struct store **s, struct store_message *why);
void store_close(struct store *s);

/* The name of the target as the store has kept it, or "". */
const char *store_target_name(const struct store *s);

int store_dir_fd(const struct store *s);	/* borrowed */

/* --- what is known of a name --- */

enum store_attr_set {
	STORE_TYPE	= 1 << 0,	/* mode & S_IFMT */
	STORE_MODE	= 1 << 1,	/* mode & 07777 */
	STORE_UID	= 1 << 2,
	STORE_GID	= 1 << 3,
	STORE_RDEV	= 1 << 4,
	STORE_ATIME	= 1 << 5,
	STORE_MTIME	= 1 << 6,
	STORE_CTIME	= 1 << 7,
};

/* Attributes that are told instead of the object's own. */
struct store_attr {
	unsigned set;		/* enum store_attr_set */
	mode_t mode;
	uid_t uid;
	gid_t gid;
	dev_t rdev;
	struct timespec atime, mtime, ctime;
};

/* Put them into *st. */
void store_attr_tell(const struct store_attr *a, struct stat *st);

struct store_where {
	bool store;		/* the store may have an object: then that */
	bool target;		/* else the target may: at origin */
	bool hidden;		/* it says so itself, not a name above */
	char origin[4096];
	struct store_attr attr;
	int subdirs;		/* a directory: more (or fewer) in it than the
				   target's has */
};

/* Return: 0 or -ENAMETOOLONG */
int store_resolve(struct store *s, const char *path, struct store_where *w);

/*
 * Who wants to know, now and later, what store_touches() says yes to: of each
 * name, and, while that is so, by 1 and by -1, of all; and the inode numbers
 * of what store_tell() may say something of, and of the target's directories
 * of which something is known at first. Before anybody else has the
 * store; *l stays.
 */
struct store_listener {
	void (*name)(const char *name, size_t len);
	void (*all)(int by);
	void (*number)(ino_t ino);
};
void store_listen(struct store *s, const struct store_listener *l);

/*
 * Is a directory of that name the store's alone, with all that is below it but
 * for names that the store knows?
 */
bool store_is_alone(struct store *s, const char *path);

/* May a component like this be one that the store knows? No lock is taken. */
bool store_touches(const struct store *s, const char *name, size_t len);

/*
 * What the target calls origin is seen as: Return: length, -ENOENT when it
 * is hidden
 */
ssize_t store_name_of(struct store *s, const char *origin, char *buf,
		      size_t size);

/* The same of what the store calls so. -ENOENT: it is unfinished, or its own */
ssize_t store_name_of_own(struct store *s, const char *own, char *buf,
			  size_t size);

/* Are there directories that may be searched by fewer than the kernel lets? */
bool store_restricts(const struct store *s);

/* --- objects --- */

struct store_object {
	int fd;			/* O_PATH */
	int merged;		/* the store's directory beneath, or -1 */
	int below;		/* that of a store below, or -1 */
	struct open_dir *held;	/* whose fd is; NULL: its own */
	bool in_store;		/* fd is the store's */
	bool beneath;		/* fd is that of a store below */
	bool same;		/* the target's, with nothing else to tell */
	struct stat real;	/* of fd */
	struct stat under;	/* the same, or as the target tells it */
	struct stat st;		/* as it is to be told */
};

#define STORE_NOTHING ((struct store_object){ .fd = -1, .merged = -1, \
					      .below = -1 })

/*
 * The object of a name. A directory that both have is the target's, and
 * merged the store's. Return: 0 (the caller drops it) or -errno
 */
int store_find(struct store *s, const char *path, struct store_object *o);
void store_drop(struct store_object *o);
/* The same of a directory in which something is to be changed: lock held. */
int store_find_dir(struct store *s, const char *path, struct store_object *o);

/* The target's object of that origin: an O_PATH descriptor or -errno */
int store_open_target(const struct store *s, const char *origin);
/* What there is to tell of it, without this store. 0 or -errno */
int store_stat_target(const struct store *s, const char *origin,
		      struct stat *st);

/* fstat() said *st of a real object: tell what is to be told. Changed? */
bool store_tell(struct store *s, struct stat *st);

/*
 * A file was copied, and nothing else has happened to it yet: the ctime that it
 * had is told, as long as that of the copy, o, is what it is now. NULL: no more
 */
void store_keep_ctime(struct store *s, const struct store_object *o,
		      const struct timespec *ctime);
/*
 * The copy at path has other attributes now: who has opened the target's file
 * before it was copied is told them.
 */
void store_tell_opened(struct store *s, const char *path);

/* Of a new file of the store that has no name yet that is to be told. */
void store_tell_nameless(struct store *s, const struct stat *real,
			 const struct store_attr *a);

/* Each child name that is known in a directory, under the reading lock. */
struct store_child {
	const char *name;
	bool store, hidden, moved;
	struct store_attr attr;
};
int store_children(struct store *s, const char *path,
		   int (*each)(void *arg, const struct store_child *c),
		   void *arg);

/*
 * Each name for which the listing of a directory may differ from that of the
 * real one, here or in a store below. Some come twice, some are not there.
 */
int store_names(struct store *s, const char *path,
		int (*each)(void *arg, const char *name), void *arg);

/*
 * All that a store knows, parents first: for tools. In a directory that is
 * the store's alone nothing more is told of what it has: it is on the disk.
 */
struct store_known {
	const char *path;
	bool store;		/* an object of its own */
	bool hidden;		/* the target's of this name is not seen */
	const char *origin;	/* the target's of another name is, or NULL */
	struct store_attr attr;
};
int store_each(struct store *s,
	       int (*each)(void *arg, const struct store_known *k), void *arg);

/*
 * Is a listing of that directory empty? 1, 0 or -errno. What a directory that
 * is the store's alone has on the disk is left to the kernel, which will not
 * remove it.
 */
int store_is_empty(struct store *s, const char *path);

/* --- changes: with the change lock held --- */

void store_change(struct store *s);
void store_changed(struct store *s);

/*
 * The store's directory for a name, made with those above it when they are
 * the target's: an O_PATH descriptor or -errno.
 */
int store_make_dir(struct store *s, const char *path);

/*
 * An object is about to be made there: what was known of the name, which is
 * not seen, is forgotten; a directory will show nothing of the target.
 * attr: what is to be told of it, or NULL.
 */
int store_prepare(struct store *s, const char *path, bool directory,
		  const struct store_attr *attr);
/* It has been made, under its name in dir, store_make_dir() of its parent. */
int store_entered(struct store *s, const char *path, int dir);

/*
 * A new name in the directory of unfinished objects, and that directory
 * (borrowed). No lock is needed.
 */
int store_work(struct store *s, char name[32]);
/*
 * The finished copy becomes what is seen at path, in place of what is there.
 * copy: it is the same file, to be known by the same number.
 */
int store_place(struct store *s, const char *work, const char *path,
		bool copy, const struct store_attr *attr);

/* Nothing is seen there any more. */
int store_remove(struct store *s, const char *path, bool directory);

/* Renames. What is at "to" is replaced (a directory must be empty). */
int store_move(struct store *s, const char *from, const char *to);
int store_swap(struct store *s, const char *one, const char *two);

/*
 * Attributes beside those that are set already. o: what store_find() has found
 * there, which saves looking again, or NULL
 */
int store_set_attr(struct store *s, const char *path,
		   const struct store_object *o, const struct store_attr *a);
/* These are the object's own again. */
int store_clear_attr(struct store *s, const char *path,
		     const struct store_object *o, unsigned set);

/* A directory's content has changed: its times are now. */
void store_touch(struct store *s, const char *path);

/* --- files of several names ---
 *
 * A file of the target with several names is copied once, into links/, and
 * each name becomes a link to that when it is changed by it.
 */

/*
 * Has the target's file (fstat) been copied by another of its names? Then the
 * copy gets this one too. -ENOENT: it has not
 */
int store_join_link(struct store *s, const struct stat *target,
		    const char *path);
/*
 * An unfinished copy will be that of all names of the target's file, which
 * is called origin there. Before store_place().
 */
int store_share_link(struct store *s, const struct stat *target,
		     const char *origin, const char *work,
		     const struct store_attr *attr);
/* One more name of the file at "from", which is the store's own. */
int store_link(struct store *s, const char *from, const char *to);

/* --- for those who carry the differences over to the target --- */

/* What the store itself has of a name: an O_PATH descriptor or -errno */
int store_open_own(const struct store *s, const char *path);

/*
 * The target's own of these names is seen again, unless the store has an
 * object there; all at once. The change lock is held.
 */
int store_forget(struct store *s, const char *const *path, size_t n);

/* --- interruption, for tests --- */

/* Called before each step that changes the disk, with what it is. */
extern void (*store_step_hook)(const char *what);

#endif
