/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TOOLS_COMMIT_H
#define TOOLS_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>
#include "tools/diff_changes.h"

/*
 * Carrying a store's changes over to its target. They are first turned into
 * steps, in an order in which each of them can be done; the steps are
 * written to the store (its journal) before the first one is, and each that
 * is done is noted behind them. So whoever comes after an interruption does
 * what is left, and the one step of which nobody knows is done again: each
 * can be. Nothing of the store is forgotten before all of them are done.
 */
enum step_op {
	STEP_STASH,	/* from -> path, out of the way of all that follows */
	STEP_PUT,	/* from -> path: what was stashed has its new name */
	STEP_MKDIR,	/* path */
	STEP_FILE,	/* path: the store's object of that name */
	STEP_CONTENT,	/* the same into the file that is there, which has
			   other names */
	STEP_LINK,	/* path: another name of the target's from */
	STEP_REMOVE,	/* path, with all that is in it */
	STEP_ATTR,	/* path: owner, mode, times as in st; with a from, the
			   xattrs of the store's object as well */
	STEP_FORGET,	/* the store's record of path, when all is done */
	STEP_EMPTY,	/* the store has nothing more to tell */
	STEP_OPS
};

struct step {
	enum step_op op;
	char *path, *from;	/* from: NULL when there is none */
	struct stat st;		/* mode, owner, rdev, mtime of it afterwards */
};

struct steps {
	struct step *list;
	size_t n;
	size_t done;		/* how many of them are */
};

void steps_add(struct steps *s, enum step_op op, const char *path,
	       const char *from, const struct stat *st);
void steps_free(struct steps *s);

/*
 * Make the steps of changes.
 * @all: they are all that the store has: it is emptied in the end
 */
void steps_plan(const struct opened *o, const struct changes *c, bool all,
		struct steps *s);

/*
 * What our own unfinished things are called: nobody else's are, also not those
 * of another commit in the same directory.
 */
#define STEP_NAME 48
char *step_name(const struct opened *o, char name[STEP_NAME]);

/* --- the journal --------------------------------------------------------- */

/* Write it, on the disk when this returns. 0 or -errno */
int journal_write(const struct opened *o, const struct steps *s);

/* Read what an earlier command has left. 1, 0: nothing, or -errno */
int journal_read(const struct opened *o, struct steps *s);

/* One more step is done. 0 or -errno */
int journal_done(const struct opened *o, struct steps *s);
int journal_remove(const struct opened *o);

/* Is there one? By the store's directory. */
bool journal_exists(int store);

/* --- doing them ---------------------------------------------------------- */

/*
 * Do one step.
 * @warn:	told of what could not be set (an owner) though the step is done
 * Return: 0 or -errno
 */
struct doing {
	const struct opened *o;
	void (*warn)(const struct doing *d, const struct step *s,
		     const char *what);
	int (*progress)(void *ctx, uint64_t done, uint64_t total);
	void *ctx;
	bool warned;
};
int step_do(struct doing *d, const struct step *s);

/*
 * Remove what a name of a directory stands for, with all that is in it and
 * not crossing into another file system. A directory of ours that forbids it
 * is opened first. 0 (also when there is nothing) or -errno
 */
int remove_tree(int dir, const char *name);

/*
 * A complete copy of a tree under another name, in place of what has it.
 * 0 or -errno, then a part of it may be left
 */
int copy_tree(int from, const char *name, int to, const char *new_name);

/* The store has nothing more: all but the file that says it is one. */
int store_empty(const struct opened *o);

/* --- whose version ------------------------------------------------------- */

enum commit_side { SIDE_NONE, SIDE_OURS, SIDE_THEIRS };

/*
 * Mark changes whose target is not what they were made of any more: call
 * conflict() for each, with a word that says how.
 * Return: how many, or -errno
 */
int conflicts_find(const struct opened *o, const struct changes *c,
		   void (*conflict)(void *ctx, size_t i, const char *how),
		   void *ctx);

#endif
