/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What modules may ask of the one who asks them, and of the gates. */
#include <errno.h>
#include <linux/capability.h>
#include <unistd.h>

#include "lib/plain.h"
#include "view/context.h"

/* Read when it is needed: most operations do not ask. */
const struct vu_who *vu_who(const struct vu_ctx *asked)
{
	static const struct vu_who nobody = { 65534, 65534, 022, 0 };
	struct vu_ctx *ctx = (struct vu_ctx *)asked;

	if (!ctx->has_who && ctx->asker && ctx->asker->who)
		ctx->has_who = !ctx->asker->who(ctx->arg, &ctx->who);
	return ctx->has_who ? &ctx->who : &nobody;
}

bool vu_in_group(const struct vu_ctx *ctx, gid_t gid)
{
	return ctx->asker && ctx->asker->in_group &&
	       ctx->asker->in_group(ctx->arg, gid);
}

int vu_permits(const struct vu_ctx *ctx, const struct stat *st, int want)
{
	uid_t uid = vu_who(ctx)->uid;
	mode_t bits = st->st_mode;

	if (vu_who(ctx)->caps & 1ull << CAP_DAC_OVERRIDE)
		return !(want & X_OK) || (bits & 0111) || S_ISDIR(bits) ?
		       0 : -EACCES;
	if (uid == st->st_uid)
		bits >>= 6;
	else if (vu_in_group(ctx, st->st_gid))
		bits >>= 3;
	return want & ~bits & 7 ? -EACCES : 0;
}

static void act_as(const struct vu_ctx *ctx, bool caller)
{
	if (ctx && ctx->asker && ctx->asker->act_as)
		ctx->asker->act_as(ctx->arg, caller);
}

void vu_as_self(const struct vu_ctx *ctx)
{
	act_as(ctx, false);
}

void vu_as_caller(const struct vu_ctx *ctx)
{
	act_as(ctx, true);
}

bool vu_gone(const struct vu_ctx *ctx)
{
	return ctx && ctx->asker && ctx->asker->gone &&
	       ctx->asker->gone(ctx->arg);
}

bool vu_executed(const struct vu_ctx *ctx, const struct stat *st)
{
	return ctx && ctx->asker && ctx->asker->executed &&
	       ctx->asker->executed(ctx->arg, st);
}

void vu_may_wait(const struct vu_ctx *ctx)
{
	if (ctx && ctx->asker && ctx->asker->may_wait)
		ctx->asker->may_wait(ctx->arg);
}

void vu_mark_name(const char *name, size_t len)
{
	plain_mark(name, len);
}

void vu_mark_all(int by)
{
	plain_ask(PLAIN_ALL, by);
}

void vu_changed(void)
{
	plain_changed();
}

void vu_mark_number(ino_t ino)
{
	plain_mark_number(ino);
}

int vu_caller_fd(const struct vu_ctx *ctx, int fd, struct stat *st)
{
	if (!ctx->asker || !ctx->asker->fd)
		return -EBADF;
	return ctx->asker->fd(ctx->arg, fd, st);
}

int vu_replace_fd(const struct vu_ctx *ctx, int fd, int by)
{
	if (!ctx->asker || !ctx->asker->replace_fd)
		return -EOPNOTSUPP;
	return ctx->asker->replace_fd(ctx->arg, fd, by);
}

int vu_caller_env(const struct vu_ctx *ctx, const char *name,
		  char *buf, size_t size)
{
	if (!ctx->asker || !ctx->asker->env)
		return -ENOENT;
	return ctx->asker->env(ctx->arg, name, buf, size);
}
