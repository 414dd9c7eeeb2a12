/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VUFUSE_ASK_H
#define VUFUSE_ASK_H

#include <string.h>

#include "mod/vufuse/requests.h"

/* What the files that implement requests.h share; nobody else needs it. */

static inline struct iovec ask_part(const void *start, size_t len)
{
	return (struct iovec){ (void *)start, len };
}

/* A name, with the NUL that ends it on the wire. */
static inline struct iovec ask_text(const char *text)
{
	return ask_part(text, strlen(text) + 1);
}

/* Where a part of the answer goes that has to come as a whole. */
static inline void ask_whole(struct ask *a, void *start, size_t len)
{
	a->out[a->nout++] = ask_part(start, len);
	a->least += len;
}

/* Where the answer goes that may be shorter, or empty. */
static inline void ask_upto(struct ask *a, void *start, size_t len)
{
	a->out[a->nout++] = ask_part(start, len);
}

/* A request whose answer has one length only, or no body. 0 or -errno */
int ask_call(struct conn *c, struct vu_ctx *ctx, struct ask *a);

/* What creating requests tell of who asks. */
mode_t ask_umask(struct vu_ctx *ctx);

/* --- what names lead to --- */

/* The first part of the answer is an entry, all 0 where it is not filled. */
void ask_for_entry(struct conn *c, struct ask *a, struct fuse_entry_out *e);

bool ask_type_valid(uint32_t mode);

/*
 * Is it a node that can be used, of that type (0: any)? Cuts what is too
 * large in a harmless way. 0 or -EIO
 */
int ask_check_entry(struct fuse_entry_out *e, mode_t type);

/* It is of no use to us: let the server forget the lookup it counts. */
void ask_give_back(struct conn *c, const struct fuse_entry_out *e);

/* --- what is open --- */

/* The kernel's O_LARGEFILE: always set in 64-bit programs. glibc's is 0. */
enum { OPEN_LARGEFILE = 0100000 };

/* OPEN, OPENDIR: node and flags of f are set, the rest is filled in. */
int ask_open(struct conn *c, struct vu_ctx *ctx, uint32_t opcode,
	     struct file *f);
/*
 * RELEASE, RELEASEDIR. Its errors are nobody's; it is sent even when the
 * caller is gone. What was only read is not waited for.
 */
void ask_release(struct conn *c, struct vu_ctx *ctx, uint32_t opcode,
		 const struct file *f);
/* FSYNC, FSYNCDIR; -ENOSYS is success. */
int ask_sync(struct conn *c, struct vu_ctx *ctx, uint32_t opcode,
	     const struct file *f, bool data_only);

#endif
