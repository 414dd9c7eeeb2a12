/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Filling a content is what the guest's open(2) waits for. When it takes over
 * a second, the user is told how far it has come.
 */
#include "mod/vufuse/telling.h"
#include "lib/clock.h"

#include <limits.h>

enum {
	PATIENCE_MS = 1000,	/* nothing is said before */
	AGAIN_MS = 200,
};

static void tell(struct telling *t)
{
	struct fs *fs = t->from.fs;
	char name[PATH_MAX];

	if (tree_name(fs->tree, t->from.node, name, sizeof(name)) < 0)
		return;
	if (t->size > 0)
		vu_progress("reading %s: %d %%", name,
			    (int)(100.0 * t->done / t->size));
	else
		vu_progress("reading %s: %lld MiB", name,
			    (long long)t->done >> 20);
	t->said = true;
}

static int take(void *arg, const void *bytes, size_t len)
{
	struct telling *t = arg;
	long long now = now_ms();

	t->done += len;
	if (now >= t->next) {
		tell(t);
		t->next = now + AGAIN_MS;
	}
	return t->sink(t->sink_arg, bytes, len);
}

static ssize_t read_and_tell(void *arg, struct vu_ctx *ctx, off_t off,
			     size_t len, content_sink *sink, void *sink_arg)
{
	struct telling *t = arg;

	t->sink = sink;
	t->sink_arg = sink_arg;
	t->next = now_ms() + PATIENCE_MS;
	return opened_server.read(&t->from, ctx, off, len, take, t);
}

static const struct content_server telling_server = { .read = read_and_tell };

int telling_fill(struct content *c, struct vu_ctx *ctx,
		 const struct at_server *from, off_t size)
{
	struct telling t = { .from = *from, .size = size };
	int err = content_fill(c, ctx, &telling_server, &t, size);

	if (t.said)
		vu_progress(NULL);
	return err;
}
