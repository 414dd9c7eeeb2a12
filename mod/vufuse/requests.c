/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * Each request is a fixed structure, then names or bytes; each answer a
 * fixed structure or bytes. Of an older server, which the minor number of
 * INIT tells, some structures are shorter: then less is sent, and what it
 * cannot answer is 0. The sizes are those that fs/fuse of Linux has always
 * used, bugs included: it is what servers are tested with.
 *
 * The connection has checked lengths. Here is checked what the numbers mean:
 * a type that does not exist, a size beyond off_t or a child that is the root
 * are -EIO. Nanoseconds of more than a second and unknown bits of a mode are
 * cut, as Linux does: there are servers that send them.
 *
 * A node in an answer is a debt: the server counts a lookup until it is
 * told to forget it. Who gets the answer takes over the debt; when we refuse
 * the answer we pay it. The root is never forgotten, whatever a server says:
 * it was not looked up, and has no count that could bear it.
 */
#include "mod/vufuse/ask.h"

#include <errno.h>
#include <limits.h>
#include <linux/magic.h>
#include <unistd.h>

#define NSEC_MAX 999999999u
#define BLKSIZE 4096		/* of a server that does not say */

int ask_call(struct conn *c, struct vu_ctx *ctx, struct ask *a)
{
	ssize_t len = conn_call(c, ctx, a);

	return len < 0 ? (int)len : 0;
}

static void cut_nsec(uint32_t *nsec)
{
	if (*nsec > NSEC_MAX)
		*nsec = NSEC_MAX;
}

bool ask_type_valid(uint32_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || S_ISLNK(mode) ||
	       S_ISCHR(mode) || S_ISBLK(mode) || S_ISFIFO(mode) ||
	       S_ISSOCK(mode);
}

static int attr_check(struct fuse_attr *a)
{
	if (!ask_type_valid(a->mode) || a->size > INT64_MAX)
		return -EIO;
	a->mode &= S_IFMT | 07777;
	cut_nsec(&a->atimensec);
	cut_nsec(&a->mtimensec);
	cut_nsec(&a->ctimensec);
	return 0;
}

/* --- entries --- */

void ask_for_entry(struct conn *c, struct ask *a, struct fuse_entry_out *e)
{
	memset(e, 0, sizeof(*e));
	ask_whole(a, e, conn_limits(c)->minor < 9 ?
		  FUSE_COMPAT_ENTRY_OUT_SIZE : sizeof(*e));
}

int ask_check_entry(struct fuse_entry_out *e, mode_t type)
{
	cut_nsec(&e->entry_valid_nsec);
	cut_nsec(&e->attr_valid_nsec);
	if (!e->nodeid || e->nodeid == FUSE_ROOT_ID)
		return -EIO;
	if (type && (e->attr.mode & S_IFMT) != type)
		return -EIO;
	return attr_check(&e->attr);
}

void ask_give_back(struct conn *c, const struct fuse_entry_out *e)
{
	if (e->nodeid && e->nodeid != FUSE_ROOT_ID)
		conn_forget(c, e->nodeid, 1);
}

int ask_lookup(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
	       const char *name, struct fuse_entry_out *e)
{
	struct ask ask = {
		.opcode = FUSE_LOOKUP, .node = dir,
		.in = { ask_text(name) }, .nin = 1,
	};
	int err;

	ask_for_entry(c, &ask, e);
	err = ask_call(c, ctx, &ask);
	if (err) {
		memset(e, 0, sizeof(*e));
		return err;
	}
	err = ask_check_entry(e, 0);
	if (!e->nodeid)
		return -ENOENT;
	if (err)
		ask_give_back(c, e);
	return err;
}

/* --- attributes --- */

static int call_for_attr(struct conn *c, struct vu_ctx *ctx, struct ask *ask,
			 struct fuse_attr_out *a)
{
	int err;

	memset(a, 0, sizeof(*a));
	ask_whole(ask, a, conn_limits(c)->minor < 9 ?
		  FUSE_COMPAT_ATTR_OUT_SIZE : sizeof(*a));
	err = ask_call(c, ctx, ask);
	if (err)
		return err;
	cut_nsec(&a->attr_valid_nsec);
	return attr_check(&a->attr);
}

int ask_getattr(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		const uint64_t *fh, struct fuse_attr_out *a)
{
	struct fuse_getattr_in in = { 0 };
	struct ask ask = {
		.opcode = FUSE_GETATTR, .node = node,
		.in = { ask_part(&in, sizeof(in)) }, .nin = 1,
	};

	if (fh) {
		in.getattr_flags = FUSE_GETATTR_FH;
		in.fh = *fh;
	}
	return call_for_attr(c, ctx, &ask, a);
}

int ask_setattr(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		const struct fuse_setattr_in *in, struct fuse_attr_out *a)
{
	struct ask ask = {
		.opcode = FUSE_SETATTR, .node = node,
		.in = { ask_part(in, sizeof(*in)) }, .nin = 1,
	};

	return call_for_attr(c, ctx, &ask, a);
}

/* Numbers of devices are coded in glibc's dev_t as on the wire. */
void attr_to_stat(const struct fuse_attr *a, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	st->st_ino = a->ino;
	st->st_mode = a->mode & (S_IFMT | 07777);
	st->st_nlink = a->nlink;
	st->st_uid = a->uid;
	st->st_gid = a->gid;
	if (S_ISCHR(a->mode) || S_ISBLK(a->mode))
		st->st_rdev = a->rdev;
	st->st_size = a->size;
	st->st_blocks = a->blocks;
	/* Linux keeps the logarithm only. */
	st->st_blksize = a->blksize ?
		1L << (31 - __builtin_clz(a->blksize)) : BLKSIZE;
	st->st_atim = (struct timespec){ a->atime, a->atimensec };
	st->st_mtim = (struct timespec){ a->mtime, a->mtimensec };
	st->st_ctim = (struct timespec){ a->ctime, a->ctimensec };
}

/* --- the rest --- */

/*
 * A server does not learn how much room there is. Some send a NUL at the
 * end; Linux takes the text up to there. A link without a text cannot be
 * followed and cannot be made either.
 */
ssize_t ask_readlink(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		     char *buf, size_t size)
{
	char text[PATH_MAX];
	struct ask ask = { .opcode = FUSE_READLINK, .node = node };
	ssize_t len;

	ask_upto(&ask, text, sizeof(text) - 1);
	len = conn_call(c, ctx, &ask);
	if (len < 0)
		return len;
	text[len] = '\0';
	len = strlen(text);
	if (!len)
		return -EIO;
	if ((size_t)len > size)
		len = size;
	memcpy(buf, text, len);
	return len;
}

int ask_access(struct conn *c, struct vu_ctx *ctx, uint64_t node, int mask)
{
	struct fuse_access_in in = { .mask = mask & (R_OK | W_OK | X_OK) };
	struct ask ask = {
		.opcode = FUSE_ACCESS, .node = node,
		.in = { ask_part(&in, sizeof(in)) }, .nin = 1,
	};

	return ask_call(c, ctx, &ask);
}

static void fill_statfs(const struct fuse_kstatfs *k, struct statfs *buf)
{
	*buf = (struct statfs){
		.f_type = FUSE_SUPER_MAGIC,
		.f_bsize = k->bsize,
		.f_frsize = k->frsize ? k->frsize : k->bsize,
		.f_blocks = k->blocks,
		.f_bfree = k->bfree,
		.f_bavail = k->bavail,
		.f_files = k->files,
		.f_ffree = k->ffree,
		.f_namelen = k->namelen,
	};
}

int ask_statfs(struct conn *c, struct vu_ctx *ctx, uint64_t node,
	       struct statfs *buf)
{
	struct fuse_statfs_out out = { 0 };
	struct ask ask = { .opcode = FUSE_STATFS, .node = node };
	int err;

	ask_whole(&ask, &out, conn_limits(c)->minor < 4 ?
		  FUSE_COMPAT_STATFS_SIZE : sizeof(out));
	err = ask_call(c, ctx, &ask);
	if (!err)
		fill_statfs(&out.st, buf);
	return err;
}
