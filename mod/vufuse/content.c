/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * A content is a memfd. We keep one descriptor of it, for reading only, and
 * each guest's open gets another, with offset and flags of its own. Of what
 * guests do with them we are told nothing, so there is no list of who has it
 * open: that is asked of the kernel (memfile.c). For filling and truncating
 * it is opened for writing, for that time only.
 *
 * Has it changed? Not when nobody has it open for writing now, or has had
 * since it was last stored, as far as we have opened it; and its ctime and
 * size are what they were. The ctime is for a guest that has opened its own
 * /proc/self/fd/N anew, without us: write(2) and ftruncate(2) change it, and
 * so does a store through a shared mapping, but only to a page that was not
 * mapped yet. So what is missed is a guest that opened it so, behind our
 * back, read what it had mapped before it changed it, and has let go of it
 * between two looks. store.c finds which blocks have changed.
 *
 * Filling is by write(2): blocks of zeros can be left out, and it is faster
 * than faults in a mapping of the memfd, and fails where a mapping would end
 * us. It goes on while the server is asked for what comes next.
 *
 * Two locks. "work" is held while the server is asked, as long as that
 * takes; it guards what is known of the server's file. "lock" is never held
 * for long, so files are opened and looked at meanwhile; it comes second.
 */
#include "mod/vufuse/content.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mod/vufuse/content_inner.h"
#include "mod/vufuse/memfile.h"

/* One filling. */
struct fill {
	struct content *c;
	struct vu_ctx *ctx;
	const struct content_server *s;
	void *arg;
	int w;			/* the memfd, for writing */
	off_t size;		/* -1: not known */
	off_t at;
	uint64_t reserved;	/* of the pool */
	uint64_t used;		/* of that, and not settled yet */
};

/* --- there and not there --- */

struct content *content_new(struct content_pool *p, const char *name)
{
	struct content *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->fd = memfile_new(name);
	if (c->fd < 0) {
		errno = -c->fd;
		free(c);
		return NULL;
	}
	c->pool = p;
	c->seed = pool_seed(p);
	c->member.fd = c->fd;
	pthread_mutex_init(&c->work, NULL);
	pthread_mutex_init(&c->lock, NULL);
	pool_add(p, &c->member);
	return c;
}

void content_free(struct content *c)
{
	if (!c)
		return;
	pool_remove(c->pool, &c->member);
	close(c->fd);
	sums_free(&c->sums);
	pthread_mutex_destroy(&c->work);
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* --- what is known of it --- */

void content_look(struct content *c)
{
	struct stat st;

	if (fstat(c->fd, &st))
		return;
	c->changed = st.st_ctim;
	c->size = st.st_size;
}

/* Is it as it was when it was looked at? */
static bool is_as_seen(const struct content *c)
{
	struct stat st;

	return !fstat(c->fd, &st) && st.st_size == c->size &&
	       st.st_ctim.tv_sec == c->changed.tv_sec &&
	       st.st_ctim.tv_nsec == c->changed.tv_nsec;
}

bool content_differs(struct content *c)
{
	return c->filled &&
	       (c->opened || !is_as_seen(c) || memfile_writable(c->fd));
}

bool content_maybe_changed(struct content *c)
{
	bool r;

	pthread_mutex_lock(&c->lock);
	r = content_differs(c);
	pthread_mutex_unlock(&c->lock);
	return r;
}

bool content_touched(struct content *c)
{
	bool r;

	pthread_mutex_lock(&c->lock);
	r = c->filled && !is_as_seen(c);
	pthread_mutex_unlock(&c->lock);
	return r;
}

bool content_filled(const struct content *c)
{
	struct content *known = (struct content *)c;
	bool r;

	pthread_mutex_lock(&known->lock);
	r = c->filled;
	pthread_mutex_unlock(&known->lock);
	return r;
}

bool content_used(struct content *c)
{
	bool r;

	pthread_mutex_lock(&c->lock);
	r = memfile_opened(c->fd);
	pthread_mutex_unlock(&c->lock);
	return r;
}

bool content_written(struct content *c)
{
	bool r;

	pthread_mutex_lock(&c->lock);
	r = memfile_writable(c->fd);
	pthread_mutex_unlock(&c->lock);
	return r;
}

int content_stat(struct content *c, struct stat *st)
{
	return fstat(c->fd, st) ? -errno : 0;
}

/* --- filling --- */

/* It has what the server has, which is size bytes. */
static void become_filled(struct content *c, off_t size)
{
	c->server_size = size;
	c->discard = false;
	pthread_mutex_lock(&c->lock);
	c->filled = true;
	c->opened = false;
	content_look(c);
	pthread_mutex_unlock(&c->lock);
}

/* Resizing takes a name to be looked up: most are what they should be. */
static bool has_size(const struct content *c, off_t size)
{
	struct stat st;

	/* an empty one may have memory behind its end */
	return !fstat(c->fd, &st) && st.st_size == size &&
	       (size || !st.st_blocks);
}

static int set_size(struct content *c, off_t size)
{
	int r = 0;

	pthread_mutex_lock(&c->lock);
	if (!has_size(c, size))
		r = memfile_resize(c->fd, size);
	pthread_mutex_unlock(&c->lock);
	return r;
}

static int become_empty(struct content *c)
{
	int r;

	pthread_mutex_lock(&c->lock);
	c->filled = false;
	pthread_mutex_unlock(&c->lock);
	r = set_size(c, 0);
	sums_free(&c->sums);
	c->summed = true;
	return r;
}

void content_empty(struct content *c)
{
	pthread_mutex_lock(&c->work);
	become_empty(c);
	become_filled(c, 0);
	pthread_mutex_unlock(&c->work);
}

void content_forget(struct content *c)
{
	pthread_mutex_lock(&c->work);
	become_empty(c);
	pthread_mutex_unlock(&c->work);
}

/* The bytes from..to of what begins at f->at are not zero. */
static int put_run(struct fill *f, const char *bytes, size_t from, size_t to)
{
	return from == to ? 0 : memfile_write(f->w, bytes + from, to - from,
					      f->at + from);
}

static bool all_zero(const char *block, size_t len)
{
	return !block[0] && !memcmp(block, block + 1, len - 1);
}

/* Write what is not zero. */
static int put(struct fill *f, const char *bytes, size_t len)
{
	size_t run = 0, at, n;
	int err = 0;

	for (at = 0; at < len && !err; at += n) {
		n = len - at < SUM_BLOCK ? len - at : SUM_BLOCK;
		if (!all_zero(bytes + at, n))
			continue;
		err = put_run(f, bytes, run, at);
		run = at + n;
	}
	return err ?: put_run(f, bytes, run, len);
}

/* So much of what was reserved is used, or not needed. */
static void settle(struct fill *f, uint64_t reserved)
{
	struct content *c = f->c;

	atomic_store(&c->member.beside, sums_memory(&c->sums));
	pool_settle(c->pool, &c->member, reserved);
	f->reserved -= reserved;
	f->used = 0;
}

/* Room for what comes; of a file of known size all was reserved. */
static int reserve(struct fill *f, size_t len)
{
	size_t more = len > CONTENT_PIECE ? len : CONTENT_PIECE;
	int r;

	if (f->used + len <= f->reserved)
		return 0;
	/* a file that never ends may be all zeros, which take no room */
	if ((uint64_t)f->at > content_pool_max(f->c->pool))
		return -ENOSPC;
	settle(f, f->used);
	r = pool_reserve(f->c->pool, more);
	if (!r)
		f->reserved += more;
	return r;
}

static int take(void *arg, const void *bytes, size_t len)
{
	struct fill *f = arg;
	int err;

	if (f->size >= 0 && len > (uint64_t)(f->size - f->at))
		return -EIO;
	err = reserve(f, len) ?: put(f, bytes, len);
	if (err)
		return err;
	f->at += len;
	f->used += len;
	if (f->used >= CONTENT_PIECE)
		settle(f, f->used);
	return 0;
}

static int fill_all(struct fill *f)
{
	size_t most = f->size >= 0 ? f->size : SSIZE_MAX;
	ssize_t n = f->s->read(f->arg, f->ctx, 0, most, take, f);

	return n < 0 ? (int)n : set_size(f->c, f->at);
}

/* What is needed for it: room, a descriptor. */
static int fill_begin(struct fill *f)
{
	struct content *c = f->c;
	int r;

	if (f->size >= 0) {
		r = pool_reserve(c->pool, f->size);
		if (r)
			return r;
		f->reserved = f->size;
	}
	pthread_mutex_lock(&c->lock);
	f->w = memfile_open(c->fd, O_RDWR);
	pthread_mutex_unlock(&c->lock);
	return f->w < 0 ? f->w : 0;
}

int content_fill(struct content *c, struct vu_ctx *ctx,
		 const struct content_server *s, void *arg, off_t size)
{
	struct fill f = { .c = c, .ctx = ctx, .s = s, .arg = arg, .w = -1,
			  .size = size < 0 ? -1 : size };
	int r;

	pthread_mutex_lock(&c->work);
	r = become_empty(c);
	settle(&f, 0);
	c->summed = false;
	r = r ?: fill_begin(&f);
	r = r ?: fill_all(&f);
	if (f.w >= 0)
		close(f.w);
	if (r)
		become_empty(c);
	else
		become_filled(c, f.at);
	settle(&f, f.reserved);
	pthread_mutex_unlock(&c->work);
	return r;
}

/* --- what is done to it by name --- */

/* Does nothing of it differ from what the server has? */
static bool agrees(struct content *c)
{
	bool r;

	pthread_mutex_lock(&c->lock);
	r = !content_differs(c);
	pthread_mutex_unlock(&c->lock);
	return r;
}

/*
 * The sums of what was filled are taken when somebody is to write it: most
 * files are only read. Who has opened it for writing behind our back may
 * have changed what they would be of: then nothing is known, and all of it
 * is stored.
 */
int content_know(struct content *c)
{
	int r = 0;

	pthread_mutex_lock(&c->work);
	if (!c->summed && content_filled(c) && agrees(c))
		r = sums_read(&c->sums, c->seed, c->fd, c->server_size);
	if (!r && agrees(c))
		c->summed = true;
	r = r ?: content_doubt(c);
	pthread_mutex_unlock(&c->work);
	return r;
}

int content_doubt(struct content *c)
{
	int r = 0;

	if (!c->summed) {
		sums_free(&c->sums);
		r = sums_unknown(&c->sums, c->server_size);
	}
	c->summed = !r;
	atomic_store(&c->member.beside, sums_memory(&c->sums));
	return r;
}

int content_open(struct content *c, int flags)
{
	bool same;
	int fd = (flags & O_ACCMODE) != O_RDONLY ? content_know(c) : 0;

	if (fd)
		return fd;
	pthread_mutex_lock(&c->lock);
	same = is_as_seen(c);
	fd = memfile_open(c->fd, flags);
	if (same)	/* opening may have changed the mode for a while */
		content_look(c);
	if (fd >= 0 && (flags & O_ACCMODE) != O_RDONLY)
		c->opened = true;
	pthread_mutex_unlock(&c->lock);
	return fd;
}

/* Its old bytes will never be needed: cut at the server before all else. */
static int discard(struct content *c)
{
	int r = 0;

	pthread_mutex_lock(&c->work);
	pthread_mutex_lock(&c->lock);
	if (!c->filled) {
		r = memfile_resize(c->fd, 0);
		if (!r) {
			c->filled = true;
			c->opened = true;
			c->discard = true;
			c->summed = true;
			c->server_size = -1;
		}
	}
	pthread_mutex_unlock(&c->lock);
	pthread_mutex_unlock(&c->work);
	return r;
}

int content_truncate(struct content *c, off_t size)
{
	int r;

	if (!content_filled(c)) {
		r = size ? -EINVAL : discard(c);
		if (r)
			return r;
	}
	r = content_know(c);
	if (r)
		return r;
	pthread_mutex_lock(&c->lock);
	r = memfile_resize(c->fd, size);
	if (!r)
		c->opened = true;
	pthread_mutex_unlock(&c->lock);
	return r;
}

int content_times(struct content *c, const struct timespec times[2])
{
	bool same;
	int r;

	pthread_mutex_lock(&c->lock);
	same = is_as_seen(c);
	r = memfile_times(c->fd, times);
	if (same)
		content_look(c);
	pthread_mutex_unlock(&c->lock);
	return r;
}

int content_mode(struct content *c, mode_t mode)
{
	bool same;
	int r;

	pthread_mutex_lock(&c->lock);
	same = is_as_seen(c);
	r = memfile_mode(c->fd, mode);
	if (same)
		content_look(c);
	pthread_mutex_unlock(&c->lock);
	return r;
}
