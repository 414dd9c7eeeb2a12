/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * What guests write is in memory first, and write(2) there succeeds whatever
 * room the server has. Two moments are left at which somebody can be told
 * before it is stored: fallocate(2), which the server is asked for, and the
 * next file that is made. When what waits to be stored may be more than there
 * is room for (STATFS says), it is stored then; and as long as something does
 * not fit, no new file is made: -ENOSPC. What makes room is not touched by
 * that: files can be removed, and cut.
 *
 * STATFS is asked at most once for each half of the room there was, or when
 * that is known too long.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>

#include "lib/clock.h"
#include "mod/vufuse/ask.h"
#include "mod/vufuse/opened.h"

enum { KNOWN_MS = 5000 };

static bool is_full(int err)
{
	return err == -ENOSPC || err == -EDQUOT;
}

/* What waits, at most, in bytes. *full: some was tried, and did not fit */
static uint64_t count_waiting(struct fs *fs, int *full)
{
	struct opened *o;
	uint64_t bytes = 0;
	struct stat st;

	*full = 0;
	pthread_mutex_lock(&fs->lock);
	TAILQ_FOREACH(o, &fs->files->list, link) {
		int unstored = o->unstored;

		if (o->orphan || (!o->has_file && !unstored) ||
		    content_stat(o->content, &st))
			continue;
		bytes += st.st_blocks * 512ull;
		if (is_full(unstored))
			*full = unstored;
	}
	pthread_mutex_unlock(&fs->lock);
	return bytes;
}

/* How much there is room for; a server that does not say has no end. */
static uint64_t ask_room(struct fs *fs, struct vu_ctx *ctx)
{
	struct statfs s;
	uint64_t room = UINT64_MAX;

	if (!ask_statfs(fs->conn, ctx, FUSE_ROOT_ID, &s) && s.f_blocks &&
	    s.f_frsize > 0 && s.f_bavail < UINT64_MAX / s.f_frsize)
		room = s.f_bavail * s.f_frsize;
	atomic_store(&fs->room, room);
	atomic_store(&fs->room_at, coarse_ms());
	return room;
}

int room_left(struct fs *fs, struct vu_ctx *ctx)
{
	uint64_t waiting;
	int full;

	if (!fs->files->nfile && !atomic_load(&fs->full))
		return 0;
	waiting = count_waiting(fs, &full);
	if (!full) {
		atomic_store(&fs->full, false);
		if (waiting <= atomic_load(&fs->room) / 2 &&
		    coarse_ms() - atomic_load(&fs->room_at) < KNOWN_MS)
			return 0;
	}
	if (waiting <= ask_room(fs, ctx) && !full)
		return 0;
	/* it may have been less than it seemed, or somebody has made room */
	opened_store_due(fs, ctx, true);
	count_waiting(fs, &full);
	return full;
}

void room_note(struct fs *fs, int err)
{
	if (is_full(err))
		atomic_store(&fs->full, true);
}

/* --- fallocate(2) --------------------------------------------------------- */

/* The size is the content's, and the server's with the next store. */
static int ask_fallocate(struct conn *c, struct vu_ctx *ctx,
			 const struct file *f, off_t off, off_t len)
{
	struct fuse_fallocate_in in = {
		.fh = f->fh, .offset = off, .length = len,
		.mode = FALLOC_FL_KEEP_SIZE,
	};
	struct ask ask = {
		.opcode = FUSE_FALLOCATE, .node = f->node,
		.in = { ask_part(&in, sizeof(in)) }, .nin = 1,
	};
	int err = ask_call(c, ctx, &ask);

	return err == -ENOSYS || err == -EOPNOTSUPP ? 0 : err;
}

/* o->lock is held. */
static int reserve(struct fs *fs, struct vu_ctx *ctx, struct opened *o,
		   off_t off, off_t len)
{
	struct file f;
	int err;

	if (o->orphan)
		return 0;
	if (!o->has_file) {
		err = opened_open_file(fs, ctx, o->node, O_RDWR, &f);
		if (err)
			return err;
		opened_keep_file(fs, o, &f);
	}
	err = ask_fallocate(fs->conn, ctx, &o->file, off, len);
	if (!err)
		opened_stale(fs, o);
	return err;
}

int room_allocate(struct vu_ctx *ctx, struct vu_mount *m, const char *path,
		  off_t off, off_t len)
{
	struct fs *fs = fs_of(m);
	struct opened *o;
	struct node *n;
	int err = fs_walk(fs, ctx, path, &n);

	if (err)
		return err;
	o = opened_find(fs, n);
	if (o) {
		err = fs_lock(&o->lock, ctx);
		if (!err) {
			err = reserve(fs, ctx, o, off, len);
			pthread_mutex_unlock(&o->lock);
		}
		opened_put(fs, o);
	}
	tree_put(fs->tree, n);
	return err;
}
