/* SPDX-License-Identifier: GPL-2.0-or-later */
/* fsync, fdatasync, syncfs and sync of what modules serve. */
#include <string.h>

#include "sys/handlers.h"
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
