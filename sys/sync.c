/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fsync, fdatasync, syncfs, sync and fallocate of what modules serve. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>

#include "sys/handlers.h"
#include "sys/real.h"
#include "sys/state.h"
#include "view/registry.h"

/* The kernel then does the same to what the descriptor really is. */
struct verdict call_fsync(struct request *rq)
{
	bool all = !strcmp(rq->row->name, "syncfs");
	struct place p = NOWHERE;
	int err = request_fd(rq, (int)rq->call->arg[0], &p);

	if (!err && made(&p) && (all || !p.unnamed))
		err = module_fs(p.mount->module)->sync(&rq->ctx, &p.mount->pub,
						       all ? NULL : p.rel);
	else
		err = 0;
	place_drop(&p);
	return err ? verdict_value(err) : verdict_native();
}

/* Bytes that are to be there for a file which the caller may write? */
static bool reserves(const struct request *rq)
{
	const uint64_t *arg = rq->call->arg;
	off_t off = arg[2], len = arg[3], end;

	return !((int)arg[1] & ~FALLOC_FL_KEEP_SIZE) && off >= 0 && len > 0 &&
	       !__builtin_add_overflow(off, len, &end) &&
	       (descriptor_flags(rq->call->tid, (int)arg[0]) & O_ACCMODE) !=
	       O_RDONLY;
}

/* As with fsync. What else can be done to a file the module need not know. */
struct verdict call_fallocate(struct request *rq)
{
	struct place p = NOWHERE;
	int err = reserves(rq) ? request_fd(rq, (int)rq->call->arg[0], &p) :
		  -EINVAL;

	if (!err && made(&p) && !p.unnamed && S_ISREG(p.mode))
		err = module_fs(p.mount->module)->allocate(&rq->ctx,
			&p.mount->pub, p.rel, rq->call->arg[2],
			rq->call->arg[3]);
	else
		err = 0;
	place_drop(&p);
	return err ? verdict_value(err) : verdict_native();
}

/* A server that syncs would wait for itself. */
static bool serves_itself(struct request *rq, struct mount *m)
{
	return module_fs(m->module)->serves(&m->pub, request_tgid(rq)) > 0;
}

/* sync(2) cannot fail. */
struct verdict call_sync(struct request *rq)
{
	for (size_t i = 0; i < rq->version->nmount; i++) {
		struct mount *m = rq->version->mount[i];

		if (mount_served(m) && m->module && !serves_itself(rq, m))
			module_fs(m->module)->sync(&rq->ctx, &m->pub, NULL);
	}
	return verdict_native();
}
