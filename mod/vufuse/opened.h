/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_OPENED_H
#define VUFUSE_OPENED_H

#include <sys/queue.h>

#include "mod/vufuse/fs.h"

/* What opened.c, opening.c and storing.c share: see the top of opened.c. */

enum { OTHERS = 7 };	/* names of one file that can share a content */

/* A file of which we have, or had, the content. */
struct opened {
	TAILQ_ENTRY(opened) link;	/* fs->lock */
	unsigned users;			/* fs->lock */
	/*
	 * The server's node of it (changed with both locks held), and those
	 * of its other names, where each name has one; dead: that are gone.
	 */
	struct node *node;
	struct node *other[OTHERS];	/* fs->lock */
	bool dead[OTHERS];		/* fs->lock */
	struct content *content;
	pthread_mutex_t lock;		/* guards what follows */
	atomic_bool has_file;		/* file is open at the server, to store */
	struct file file;
	atomic_bool storing;		/* the server's file is between two states */
	atomic_bool orphan;		/* no name: needs no storing */
	atomic_int unstored;		/* -errno: that has failed, or was put off */
	bool stamped;
	struct fuse_attr stamp;		/* of the server's file, when they agreed */
	/* The content's times then, in ns: a mapping changes none of them. */
	atomic_llong stored, stored_status;
};

/*
 * Times of a node (node->more, guarded by fs->lock) that are told in the place
 * of the server's, as long as those are what they were: see storing.c.
 */
struct told {
	uint64_t mtime, ctime;		/* the server's */
	uint32_t mtimensec, ctimensec;
	struct timespec mtim, ctim;
};

/* All of one mount. Guarded by fs->lock. */
struct files {
	TAILQ_HEAD(, opened) list;	/* the longest unopened first */
	size_t n;
	atomic_size_t nfile;		/* that have a file at the server */
};

/* Whom the content is from: arg of struct content_server. */
struct at_server {
	struct fs *fs;
	struct node *node;
	const struct file *file;
};

extern const struct content_server opened_server;

/*
 * The struct of a node, which is then its user's: opened_put(). Made if
 * there is none (NULL: no memory), or only found (NULL: there is none).
 */
struct opened *opened_make(struct fs *fs, struct node *n);
struct opened *opened_find(struct fs *fs, struct node *n);
void opened_put(struct fs *fs, struct opened *o);

/*
 * Is it another name of a file of which we have the content, as its number
 * tells? Then the two share it. In links.c, as what follows:
 */
void opened_share_open(struct fs *fs, struct node *n, const struct fuse_attr *a);
/* The name of that node is gone. Return: has the file others? */
bool opened_unshare(struct fs *fs, struct opened *o, struct node *n);
/* What the server tells of its names has changed. */
void opened_stale(struct fs *fs, struct opened *o);

/* Everything that is there now, with users; NULL: no memory, and *n is 0. */
struct opened **opened_take_all(struct fs *fs, size_t *n);
void opened_drop_all(struct fs *fs, struct opened **all, size_t n);

/* --- with opened->lock held --- */

/* Open the server's file as flags want it. 0 or -errno */
int opened_open_file(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		     int flags, struct file *f);
/* Those that it has now are the ones. */
void opened_note_times(struct opened *o, const struct stat *st);

/* One number of a time. */
static inline long long opened_ns(const struct timespec *t)
{
	return t->tv_sec * 1000000000ll + t->tv_nsec;
}

/* The server's file is what the content is. since: as tree_attr_since() */
void opened_stamp(struct fs *fs, struct vu_ctx *ctx, struct opened *o,
		  uint64_t since);
bool opened_up_to_date(const struct opened *o, const struct fuse_attr *a);
/*
 * SETATTR, by the open file if there is one (NULL: none). got: out, may be
 * NULL: the attributes then
 */
int opened_set_attr(struct fs *fs, struct vu_ctx *ctx, struct node *n,
		    const struct file *file, struct fuse_setattr_in *in,
		    struct fuse_attr *got);
/*
 * Store what nobody writes any more, or all that is open. (Without that lock.)
 */
void opened_store_due(struct fs *fs, struct vu_ctx *ctx, bool all_of_it);
/* Store what has changed; let the server close what nobody can write. */
int opened_store(struct fs *fs, struct vu_ctx *ctx, struct opened *o);
int opened_finish(struct fs *fs, struct vu_ctx *ctx, struct opened *o);
/* The server has f open for writing: keep it. */
void opened_keep_file(struct fs *fs, struct opened *o, const struct file *f);

#endif
