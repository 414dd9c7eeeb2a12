/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread for each mount that looks after it once a second: what the server
 * says unasked, what is to be stored, what nobody needs any more. And the
 * list of all mounts, among which a full pool looks for what it can free.
 */
#include <errno.h>
#include <signal.h>
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

/* Wait for the next second. false: it is over */
static bool next_second(struct fs *fs)
{
	struct timespec t;
	bool go_on;

	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_sec++;
	pthread_mutex_lock(&fs->stop_lock);
	while (!fs->stopping &&
	       pthread_cond_timedwait(&fs->stop, &fs->stop_lock, &t) == 0)
		;
	go_on = !fs->stopping;
	pthread_mutex_unlock(&fs->stop_lock);
	return go_on;
}

static void *keep(void *arg)
{
	struct fs *fs = arg;

	while (next_second(fs)) {
		conn_tick(fs->conn);
		if (conn_state(fs->conn) == CONN_READY)
			opened_tick(fs);
	}
	return NULL;
}

/* Signals are the monitor's main thread's affair. */
static int start_thread(struct fs *fs)
{
	sigset_t every, before;
	int err;

	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	err = pthread_create(&fs->keeper, NULL, keep, fs);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

int keeper_start(struct fs *fs)
{
	pthread_condattr_t attr;
	int err;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&fs->stop, &attr);
	pthread_mutex_init(&fs->stop_lock, NULL);
	err = start_thread(fs);
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
	pthread_mutex_lock(&fs->stop_lock);
	fs->stopping = true;
	pthread_cond_signal(&fs->stop);
	pthread_mutex_unlock(&fs->stop_lock);
	pthread_join(fs->keeper, NULL);
}
