/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread for each mount that looks after it once a second: what the server
 * says unasked, what is to be stored, what nobody needs any more. And the
 * list of all mounts, among which a full pool looks for what it can free.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "mod/vufuse/fs.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct fs *all;			/* guarded by lock */
static struct content_pool *pool;	/* set while nothing is mounted */

static bool evict_any(void *arg)
{
	bool freed = false;

	(void)arg;
	pthread_mutex_lock(&lock);
	for (struct fs *fs = all; fs && !freed; fs = fs->next)
		freed = opened_evict(fs);
	pthread_mutex_unlock(&lock);
	return freed;
}

int keeper_init(void)
{
	pool = content_pool_new(0);
	if (!pool)
		return -ENOMEM;
	content_pool_evictor(pool, evict_any, NULL);
	return 0;
}

void keeper_fini(void)
{
	content_pool_free(pool);
	pool = NULL;
}

struct content_pool *keeper_pool(void)
{
	return pool;
}

bool keeper_knows(ino_t socket)
{
	bool known = false;

	pthread_mutex_lock(&lock);
	for (struct fs *fs = all; fs && !known; fs = fs->next)
		known = fs->socket == socket;
	pthread_mutex_unlock(&lock);
	return known;
}

enum wait { WAIT_SECOND, WAIT_WOKEN, WAIT_STOP };

/* Wait until the time is over, or something happens. */
static enum wait wait_until(struct fs *fs, const struct timespec *end)
{
	enum wait what = WAIT_STOP;
	int err = 0;

	pthread_mutex_lock(&fs->keeper_lock);
	while (!fs->stopping && !fs->woken && !err)
		err = pthread_cond_timedwait(&fs->keeper_cond,
					     &fs->keeper_lock, end);
	if (!fs->stopping)
		what = fs->woken ? WAIT_WOKEN : WAIT_SECOND;
	fs->woken = false;
	pthread_mutex_unlock(&fs->keeper_lock);
	return what;
}

static void *keep(void *arg)
{
	struct fs *fs = arg;
	struct timespec end;
	unsigned second = 1;
	enum wait what;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec++;
	while ((what = wait_until(fs, &end)) != WAIT_STOP) {
		if (what == WAIT_SECOND) {
			conn_tick(fs->conn);
			clock_gettime(CLOCK_MONOTONIC, &end);
			end.tv_sec++;
			second++;
		}
		/* never a fifth second when woken in between: 1 is none */
		if (conn_state(fs->conn) == CONN_READY)
			opened_tick(fs, what == WAIT_SECOND ? second : 1);
		opened_show(fs);
	}
	return NULL;
}

void keeper_wake(struct fs *fs)
{
	pthread_mutex_lock(&fs->keeper_lock);
	fs->woken = true;
	pthread_cond_signal(&fs->keeper_cond);
	pthread_mutex_unlock(&fs->keeper_lock);
}

int keeper_start(struct fs *fs)
{
	pthread_condattr_t attr;
	int err;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&fs->keeper_cond, &attr);
	pthread_mutex_init(&fs->keeper_lock, NULL);
	err = fs_thread(&fs->keeper, keep, fs);
	if (err)
		return err;
	fs->kept = true;
	pthread_mutex_lock(&lock);
	fs->next = all;
	all = fs;
	pthread_mutex_unlock(&lock);
	return 0;
}

void keeper_stop(struct fs *fs)
{
	struct fs **p = &all;

	if (!fs->kept)
		return;
	pthread_mutex_lock(&lock);
	while (*p != fs)
		p = &(*p)->next;
	*p = fs->next;
	pthread_mutex_unlock(&lock);
	pthread_mutex_lock(&fs->keeper_lock);
	fs->stopping = true;
	pthread_cond_signal(&fs->keeper_cond);
	pthread_mutex_unlock(&fs->keeper_lock);
	pthread_join(fs->keeper, NULL);
}
