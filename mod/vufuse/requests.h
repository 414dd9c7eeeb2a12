/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_REQUESTS_H
#define VUFUSE_REQUESTS_H

#include <linux/fuse.h>
#include <sys/stat.h>
#include <sys/statfs.h>

#include "mod/vufuse/conn.h"

/*
 * The requests of the protocol, one function each. They check what was
 * answered (sizes, types, names) and know nothing of caches. node is the
 * server's number; its limits must be agreed on (CONN_READY). ctx as for
 * conn_begin(). Return: 0 (or what is said), or -errno as conn_wait().
 *
 * Each entry that is returned counts as one lookup, which the caller owes a
 * forget for. Types and sizes that make no sense are -EIO; nanoseconds and
 * modes are cut to what can be. Whether a node has kept its type is the
 * caller's to check.
 */

/*
 * -ENOENT: e->nodeid is 0, and entry_valid how long that may be believed (0
 * when the server did not say).
 */
int ask_lookup(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
	       const char *name, struct fuse_entry_out *e);
/* fh: of an open file, or NULL. */
int ask_getattr(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		const uint64_t *fh, struct fuse_attr_out *a);
int ask_setattr(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		const struct fuse_setattr_in *in, struct fuse_attr_out *a);
/* Return: length, cut to size; nothing is added to the text */
ssize_t ask_readlink(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		     char *buf, size_t size);
/* mask: R_OK... -ENOSYS: the server has no opinion */
int ask_access(struct conn *c, struct vu_ctx *ctx, uint64_t node, int mask);
int ask_statfs(struct conn *c, struct vu_ctx *ctx, uint64_t node,
	       struct statfs *buf);

/*
 * The umask is applied already. An entry of another type than was asked for
 * is -EIO.
 */
int ask_mknod(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
	      const char *name, mode_t mode, dev_t dev,
	      struct fuse_entry_out *e);
int ask_mkdir(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
	      const char *name, mode_t mode, struct fuse_entry_out *e);
int ask_symlink(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
		const char *name, const char *text, struct fuse_entry_out *e);
/* -EPERM for -ENOSYS */
int ask_link(struct conn *c, struct vu_ctx *ctx, uint64_t node, uint64_t dir,
	     const char *name, struct fuse_entry_out *e);
int ask_unlink(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
	       const char *name);
int ask_rmdir(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
	      const char *name);
/* RENAME2 where there are flags; -EINVAL when the server does not know it. */
int ask_rename(struct conn *c, struct vu_ctx *ctx, uint64_t from,
	       const char *name, uint64_t to, const char *newname,
	       unsigned flags);

/* size 0 asks for the length, as getxattr(2) does. -EOPNOTSUPP for -ENOSYS */
ssize_t ask_getxattr(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		     const char *name, void *value, size_t size);
ssize_t ask_listxattr(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		      char *list, size_t size);
int ask_setxattr(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		 const char *name, const void *value, size_t size, int flags);
int ask_removexattr(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		    const char *name);

/* --- listings --- */

/*
 * One name of a directory. type: 0 when it is not known. e: a node that can
 * be used, when READDIRPLUS has brought one, else NULL; the callback takes
 * over its lookup, whatever it answers.
 */
typedef int list_entry(void *arg, const char *name, uint64_t ino, mode_t type,
		       const struct fuse_entry_out *e);

/*
 * All names of a directory but "." and ".." (OPENDIR, READDIR or
 * READDIRPLUS, RELEASEDIR). Stops when f answers other than 0, and returns
 * that. A server that does not come to an end is stopped at 16 million names
 * with -EIO. Also after an error names may have been handed over.
 * @plus:	with attributes, where the server can
 */
int ask_list(struct conn *c, struct vu_ctx *ctx, uint64_t dir, bool plus,
	     list_entry *f, void *arg);

/* --- open files --- */

/* A file that the server has open for us. */
struct file {
	uint64_t node, fh;
	uint32_t flags;		/* it was opened with */
	uint32_t answer;	/* FOPEN_... */
	bool none;		/* the server needs no OPEN: nothing to release */
};

/*
 * flags: as for open(2). The server is told the access mode, O_NONBLOCK,
 * O_SYNC, O_DSYNC and O_NOATIME; never O_CREAT, O_EXCL, O_TRUNC, O_APPEND.
 */
int file_open(struct conn *c, struct vu_ctx *ctx, uint64_t node, uint32_t flags,
	      struct file *f);
/*
 * CREATE; -ENOSYS when the server has none (then: mknod, open). The server is
 * told O_CREAT, and O_EXCL if flags has it.
 */
int file_create(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
		const char *name, uint32_t flags, mode_t mode,
		struct file *f, struct fuse_entry_out *e);
/* What was read, in its order. Anything but 0 ends the reading. */
typedef int file_sink(void *arg, const void *bytes, size_t len);
/*
 * Read: many requests in flight together, while what they bring is handed on.
 * SSIZE_MAX: all of a file whose size is not known. Return: bytes, fewer than len at the end of
 * the file only; -errno when anything before the end failed, or what the sink
 * has answered: then a part may have been handed on.
 */
ssize_t file_read(struct conn *c, struct vu_ctx *ctx, const struct file *f,
		  off_t off, size_t len, file_sink *sink, void *arg);
/* Write all of it, in flight together. 0 or -errno (a part may be written). */
int file_write(struct conn *c, struct vu_ctx *ctx, const struct file *f,
	       off_t off, const void *buf, size_t len);
/* FSYNC. -ENOSYS from the server is success. */
int file_sync(struct conn *c, struct vu_ctx *ctx, const struct file *f,
	      bool data_only);
/*
 * FLUSH, unless it was only read (its error is the answer; -ENOSYS is
 * success), and RELEASE, which is waited for in the same case only.
 */
int file_close(struct conn *c, struct vu_ctx *ctx, struct file *f);

/* A directory's FSYNCDIR; -ENOSYS is success. */
int ask_syncdir(struct conn *c, struct vu_ctx *ctx, uint64_t dir);

/* What stat(2) says; st_dev 0. */
void attr_to_stat(const struct fuse_attr *a, struct stat *st);

#endif
