/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names that are made, removed and moved. What an answer to "make it" says
 * must be what was to be made: a server that answers mkdir with a file gets
 * its lookup back, and the caller -EIO.
 */
#include "mod/vufuse/ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

mode_t ask_umask(struct vu_ctx *ctx)
{
	return ctx ? vu_who(ctx)->umask : 0;
}

static int call_to_make(struct conn *c, struct vu_ctx *ctx, struct ask *ask,
			mode_t type, struct fuse_entry_out *e)
{
	int err;

	ask_for_entry(c, ask, e);
	err = ask_call(c, ctx, ask);
	if (err)
		return err;
	err = ask_check_entry(e, type);
	if (err)
		ask_give_back(c, e);
	return err;
}

int ask_mknod(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
	      const char *name, mode_t mode, dev_t dev,
	      struct fuse_entry_out *e)
{
	struct fuse_mknod_in in = { .umask = ask_umask(ctx) };
	size_t size = conn_limits(c)->minor < 12 ? FUSE_COMPAT_MKNOD_IN_SIZE :
						   sizeof(in);
	struct ask ask = {
		.opcode = FUSE_MKNOD, .node = dir,
		.in = { ask_part(&in, size), ask_text(name) }, .nin = 2,
	};

	if (!(mode & S_IFMT))
		mode |= S_IFREG;
	in.mode = mode;
	if (S_ISCHR(mode) || S_ISBLK(mode)) {
		if (dev > UINT32_MAX)
			return -EINVAL;
		in.rdev = dev;
	}
	return call_to_make(c, ctx, &ask, mode & S_IFMT, e);
}

int ask_mkdir(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
	      const char *name, mode_t mode, struct fuse_entry_out *e)
{
	struct fuse_mkdir_in in = { .mode = mode, .umask = ask_umask(ctx) };
	struct ask ask = {
		.opcode = FUSE_MKDIR, .node = dir,
		.in = { ask_part(&in, sizeof(in)), ask_text(name) }, .nin = 2,
	};

	return call_to_make(c, ctx, &ask, S_IFDIR, e);
}

int ask_symlink(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
		const char *name, const char *text, struct fuse_entry_out *e)
{
	struct ask ask = {
		.opcode = FUSE_SYMLINK, .node = dir,
		.in = { ask_text(name), ask_text(text) }, .nin = 2,
	};

	return call_to_make(c, ctx, &ask, S_IFLNK, e);
}

/* A server without links is a file system without links. */
int ask_link(struct conn *c, struct vu_ctx *ctx, uint64_t node, uint64_t dir,
	     const char *name, struct fuse_entry_out *e)
{
	struct fuse_link_in in = { .oldnodeid = node };
	struct ask ask = {
		.opcode = FUSE_LINK, .node = dir,
		.in = { ask_part(&in, sizeof(in)), ask_text(name) }, .nin = 2,
	};
	int err = call_to_make(c, ctx, &ask, 0, e);

	return err == -ENOSYS ? -EPERM : err;
}

static int call_to_remove(struct conn *c, struct vu_ctx *ctx, uint32_t opcode,
			  uint64_t dir, const char *name)
{
	struct ask ask = {
		.opcode = opcode, .node = dir,
		.in = { ask_text(name) }, .nin = 1,
	};

	return ask_call(c, ctx, &ask);
}

int ask_unlink(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
	       const char *name)
{
	return call_to_remove(c, ctx, FUSE_UNLINK, dir, name);
}

int ask_rmdir(struct conn *c, struct vu_ctx *ctx, uint64_t dir,
	      const char *name)
{
	return call_to_remove(c, ctx, FUSE_RMDIR, dir, name);
}

/* fuse_rename_in is the beginning of fuse_rename2_in. */
int ask_rename(struct conn *c, struct vu_ctx *ctx, uint64_t from,
	       const char *name, uint64_t to, const char *newname,
	       unsigned flags)
{
	struct fuse_rename2_in in = { .newdir = to, .flags = flags };
	size_t size = flags ? sizeof(in) : sizeof(struct fuse_rename_in);
	struct ask ask = {
		.opcode = flags ? FUSE_RENAME2 : FUSE_RENAME, .node = from,
		.in = { ask_part(&in, size), ask_text(name),
			ask_text(newname) },
		.nin = 3,
	};
	int err;

	if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT))
		return -EINVAL;
	if (flags && conn_limits(c)->minor < 23)
		return -EINVAL;
	err = ask_call(c, ctx, &ask);
	return flags && err == -ENOSYS ? -EINVAL : err;
}
