/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Extended attributes. Two requests share an opcode: with size 0 the length
 * is asked for, which comes as a number; else the bytes themselves come.
 */
#include "mod/vufuse/ask.h"

#include <errno.h>
#include <linux/limits.h>

/* A server without them is a file system without them. */
static ssize_t xattr_error(ssize_t result)
{
	return result == -ENOSYS ? -EOPNOTSUPP : result;
}

/*
 * @ask:	what to read, without the answer's place
 * @most:	no value or list is longer than that in Linux
 */
static ssize_t read_xattr(struct conn *c, struct vu_ctx *ctx, struct ask *ask,
			  void *bytes, size_t size, size_t most)
{
	struct fuse_getxattr_out out = { 0 };
	ssize_t len;

	if (size)
		ask_upto(ask, bytes, size);
	else
		ask_whole(ask, &out, sizeof(out));
	len = xattr_error(conn_call(c, ctx, ask));
	if (len == -ERANGE && size >= most)
		return -E2BIG;
	if (len < 0 || size)
		return len;
	return out.size < most ? out.size : most;
}

ssize_t ask_getxattr(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		     const char *name, void *value, size_t size)
{
	struct fuse_getxattr_in in = { 0 };
	struct ask ask = {
		.opcode = FUSE_GETXATTR, .node = node,
		.in = { ask_part(&in, sizeof(in)), ask_text(name) }, .nin = 2,
	};

	if (size > XATTR_SIZE_MAX)
		size = XATTR_SIZE_MAX;
	in.size = size;
	return read_xattr(c, ctx, &ask, value, size, XATTR_SIZE_MAX);
}

/* Names that end with a NUL, none of them empty. */
static bool list_valid(const char *list, size_t len)
{
	while (len) {
		size_t name = strnlen(list, len);

		if (!name || name == len)
			return false;
		list += name + 1;
		len -= name + 1;
	}
	return true;
}

ssize_t ask_listxattr(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		      char *list, size_t size)
{
	struct fuse_getxattr_in in = { 0 };
	struct ask ask = {
		.opcode = FUSE_LISTXATTR, .node = node,
		.in = { ask_part(&in, sizeof(in)) }, .nin = 1,
	};
	ssize_t len;

	if (size > XATTR_LIST_MAX)
		size = XATTR_LIST_MAX;
	in.size = size;
	len = read_xattr(c, ctx, &ask, list, size, XATTR_LIST_MAX);
	if (len > 0 && size && !list_valid(list, len))
		return -EIO;
	return len;
}

/* The short form: FUSE_SETXATTR_EXT is not offered to servers. */
int ask_setxattr(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		 const char *name, const void *value, size_t size, int flags)
{
	struct fuse_setxattr_in in = { .size = size, .flags = flags };
	struct ask ask = {
		.opcode = FUSE_SETXATTR, .node = node,
		.in = { ask_part(&in, FUSE_COMPAT_SETXATTR_IN_SIZE),
			ask_text(name), ask_part(value, size) },
		.nin = 3,
	};

	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	return xattr_error(ask_call(c, ctx, &ask));
}

int ask_removexattr(struct conn *c, struct vu_ctx *ctx, uint64_t node,
		    const char *name)
{
	struct ask ask = {
		.opcode = FUSE_REMOVEXATTR, .node = node,
		.in = { ask_text(name) }, .nin = 1,
	};

	return xattr_error(ask_call(c, ctx, &ask));
}
