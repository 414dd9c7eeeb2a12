/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef STORE_INTERNAL_H
#define STORE_INTERNAL_H

#include <limits.h>
#include <pthread.h>
#include "store/log.h"
#include "store/store.h"
#include "store/known.h"

#define STORE_DIRS 2

/*
 * Three locks, in this order. change: who changes something, from the first
 * look to the last step. lock: the tree and the shared files; held for writing
 * only while they and the disk do not agree, and not while something of the
 * target is asked of the kernel (which may wait for a server), but for the
 * number of a file of several names. telling: what is told, for a moment.
 */
struct store {
	int dir, target;
	struct store_part *part;	/* of the target */
	size_t nparts;
	int meta, work, links, log;	/* below .vufs; -1: none */
	int busy;			/* the file that is locked */
	unsigned flags;
	char *name;			/* of the target */
	pthread_mutex_t change;
	pthread_rwlock_t lock;
	_Atomic uint64_t generation;	/* odd while a change is under way */
	_Atomic unsigned works;
	unsigned opening;		/* by chance: names are never the same */
	struct known *tree;
	const struct store_listener *listener;
	bool told_all;			/* the listener, that all are touched */
	pthread_mutex_t telling;	/* guards told; the innermost lock */
	struct told *told[4096];
	struct shared *shared;
	_Atomic size_t unfound;		/* names of shared files */
	struct open_dir *dirs[STORE_DIRS];	/* dirs.c */
	size_t lines;			/* of the log */
	off_t logged;			/* bytes of it */
};

#define META ".vufs"

/* Is it a name at the top of the store that no view sees? */
bool is_meta(const char *path);

/* See to it that it is told whether all names are touched. */
void tell_all(struct store *s);

void change_begin(struct store *s);		/* of a change of tree and disk */
void change_end(struct store *s);

/* --- resolving (the reading lock is held) --- */

enum has { HAS_NOT, HAS_KNOWN, HAS_ON_DISK };

struct seen {
	struct node *node;	/* NULL: none for that name */
	enum has store;		/* HAS_KNOWN: children with one have nodes */
	bool target;
	char origin[PATH_MAX];
};

void seen_start(const struct store *s, struct seen *at);
int seen_step(const struct store *s, struct seen *at, const char *name,
	      size_t len);
int seen_at(const struct store *s, const char *path, struct seen *at);

/* --- the target, and what is below (target.c) --- */

int parts_copy(struct store *s, const struct store_part *part, size_t n);
void parts_free(struct store *s);

/* The target's object: as store_find(), but nothing of it is in_store. */
int target_find(const struct store *s, const char *origin,
		struct store_object *o);
/* All that it tells, but the type. */
void target_attr(const struct stat *under, struct store_attr *a);
/* What the stores below say to the questions of the same names. */
bool target_tell(struct store *s, struct stat *st);
bool target_touches(const struct store *s, const char *name, size_t len);
bool target_restricts(const struct store *s);
int target_names(struct store *s, const char *origin,
		 int (*each)(void *arg, const char *name), void *arg);
/* A number of the kernel's means something new: nobody knows it. */
void target_forget(struct store *s, const struct stat *real);

/* --- the disk --- */

/* openat() that meets no symlink and stays below. */
int open_below(int dir, const char *path, int flags);
int stat_below(int dir, const char *path, struct stat *st);
/* The store's directory that has the name; it is made. Descriptor or -errno */
int make_parent_dir(struct store *s, const char *path);
void store_step(const char *what);

/* Attributes of a directory of the store, as far as they can be set. */
void set_times(int fd, const struct stat *st);
void set_attributes(int fd, const struct store_attr *a);

/*
 * A directory of the store that stays open: given back by dirs_put(). *fd is
 * it, or why it is none (NULL). The change lock is held.
 */
struct open_dir *dirs_get(struct store *s, const char *path, int *fd);
void dirs_put(struct open_dir *d);
/*
 * The directory of a name, whose last component is *name. Descriptor, which is
 * the store's until two others were asked for, or -errno. The lock is held.
 */
int own_parent(const struct store *s, const char *path, const char **name);
/* What has that name, or is below it, is moved or removed. */
void dirs_forget(struct store *s, const char *path);

/* What the store itself has under that name. 0 or -errno */
int stat_own(const struct store *s, const char *path, struct stat *st);
/* Remove what the store has there; 0 also when there is nothing. */
int remove_own(struct store *s, const char *path);

/* Do, or do again, the steps on the disk of a record that has some. */
int redo_steps(struct store *s, const struct record *r);

/* --- the tree follows a record --- */

int apply_record(struct store *s, const struct record *r);

/* Count what a name adds to its directory's subdirectories. */
void recount(struct store *s, const char *path);

/* Names of the store's objects, and counts, when it is opened. */
int scan_store(struct store *s);

/* --- what is told of real objects --- */

/*
 * By device and number of the real object, as the kernel says them. An entry
 * remains when the name that led to it has gone: somebody may have it open.
 * One that the kernel uses anew is forgotten when a new object is made.
 */
struct told {
	struct told *next;
	dev_t dev;		/* key */
	ino_t ino;
	dev_t as_dev;		/* identity; 0, 0: its own */
	ino_t as_ino;
	nlink_t nlink;		/* 0: its own */
	bool gone;		/* no name leads to it any more */
	bool kept;		/* ctime is told while it has these: */
	struct timespec kept_ctime, kept_mtime, ctime;
	int subdirs;		/* to be added to nlink */
	struct store_attr attr;
};

void told_forget(struct store *s, const struct stat *real);
bool told_get(struct store *s, const struct stat *real, struct told *t);
void told_put(struct store *s, const struct told *t);
void told_gone(struct store *s, const struct stat *real);
/* What this store has to tell of the kernel's real object. Changed? */
bool told_tell(struct store *s, const struct stat *real, struct stat *st);
void told_free(struct store *s);

/*
 * What is told of the object at path is computed anew. o: what it is, as it
 * was found; NULL: it is looked for
 */
void tell_again(struct store *s, const char *path,
		const struct store_object *o);

/* --- files of several names --- */

struct shared {
	struct shared *next;
	dev_t dev;		/* of the target's file */
	ino_t ino;
	char *origin;		/* one of its names */
	char link[32];		/* in links/, or "": not copied */
	dev_t own_dev;		/* of that copy */
	ino_t own_ino;
	nlink_t nlink;		/* how many names there are to be told */
	bool several;		/* names in the target */
	unsigned unseen;	/* of which not known, when copied */
};

struct shared *shared_find(const struct store *s, const struct stat *target);
struct shared *shared_by_copy(const struct store *s, const struct stat *own);
/* A name of the target's file is gone or new. Logged. */
int shared_count(struct store *s, const struct stat *target,
		 const char *origin, int by);
int shared_change(struct store *s, struct shared *sh, int by);
int shared_load(struct store *s, const struct record *r);
/* Where the attributes of such a file are kept. */
void shared_attr_path(const struct shared *sh, char buf[64]);
/* They are of the file, by whatever name. */
void shared_attr(struct store *s, const struct shared *sh,
		 struct store_attr *a);
/* What is to be told of all that are copied, from the start. */
void shared_tell(struct store *s);
void shared_free(struct store *s);
void shared_records(struct store *s, struct strbuf *text);

#endif
