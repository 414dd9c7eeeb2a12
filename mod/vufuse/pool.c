/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * Guests write into memfds without our knowledge, so what is used is known
 * only when it is counted, one fstat(2) for each content. That is done when
 * somebody asks for it, and for a reservation when the last count is a second
 * old or would not leave room; else what is filled is added to it. What is
 * being filled is reserved before, so that two at once do not both find the
 * same room.
 *
 * Descriptors are to be fewer than half of what the process may have. That is
 * seen to when one is filled, not when it is made: whoever makes it may
 * hold what the evictor needs.
 *
 * The evictor is called without the lock: it comes back to remove members.
 */
#include "mod/vufuse/pool.h"
#include "lib/clock.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>

enum { GOOD_FOR = 1, STAT_BLOCK = 512 };

struct content_pool {
	pthread_mutex_t lock;
	uint64_t max, seed;
	size_t max_members;
	struct pool_member *first;
	size_t n;
	uint64_t counted, reserved;
	time_t since;
	bool (*evict)(void *arg);
	void *arg;
};

static size_t half_of_descriptors(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur > SIZE_MAX)
		return 512;
	return limit.rlim_cur / 2;
}

struct content_pool *content_pool_new(uint64_t max)
{
	struct content_pool *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	pthread_mutex_init(&p->lock, NULL);
	p->max = max ? max : memory_limit();
	p->max_members = half_of_descriptors();
	/* without randomness it would only be guessable */
	if (getrandom(&p->seed, sizeof(p->seed), GRND_NONBLOCK) < 0)
		p->seed = (uintptr_t)p;
	return p;
}

void content_pool_free(struct content_pool *p)
{
	if (!p)
		return;
	pthread_mutex_destroy(&p->lock);
	free(p);
}

uint64_t content_pool_max(const struct content_pool *p)
{
	return p->max;
}

uint64_t pool_seed(const struct content_pool *p)
{
	return p->seed;
}

void content_pool_evictor(struct content_pool *p, bool (*evict)(void *arg),
			  void *arg)
{
	pthread_mutex_lock(&p->lock);
	p->evict = evict;
	p->arg = arg;
	pthread_mutex_unlock(&p->lock);
}

/* --- with the lock held --- */

static void count_member(struct content_pool *p, struct pool_member *m)
{
	struct stat st;

	p->counted -= m->counted;
	if (!fstat(m->fd, &st))
		m->counted = (uint64_t)st.st_blocks * STAT_BLOCK +
			     atomic_load(&m->beside);
	p->counted += m->counted;
}

static void count(struct content_pool *p)
{
	for (struct pool_member *m = p->first; m; m = m->next)
		count_member(p, m);
	p->since = coarse_seconds();
}

static bool has_room(const struct content_pool *p, uint64_t bytes)
{
	return bytes <= p->max && p->counted <= p->max - bytes &&
	       p->reserved <= p->max - bytes - p->counted;
}

/* Ask the evictor, without the lock. */
static bool evicts(struct content_pool *p)
{
	bool (*evict)(void *arg) = p->evict;
	void *arg = p->arg;
	bool did;

	pthread_mutex_unlock(&p->lock);
	did = evict && evict(arg);
	pthread_mutex_lock(&p->lock);
	return did;
}

/* --- from outside --- */

uint64_t content_pool_used(struct content_pool *p)
{
	uint64_t used;

	pthread_mutex_lock(&p->lock);
	count(p);
	used = p->counted;
	pthread_mutex_unlock(&p->lock);
	return used;
}

void pool_add(struct content_pool *p, struct pool_member *m)
{
	pthread_mutex_lock(&p->lock);
	m->prev = NULL;
	m->next = p->first;
	if (m->next)
		m->next->prev = m;
	p->first = m;
	p->n++;
	pthread_mutex_unlock(&p->lock);
}

void pool_remove(struct content_pool *p, struct pool_member *m)
{
	pthread_mutex_lock(&p->lock);
	if (m->next)
		m->next->prev = m->prev;
	if (m->prev)
		m->prev->next = m->next;
	else
		p->first = m->next;
	p->n--;
	p->counted -= m->counted;
	pthread_mutex_unlock(&p->lock);
}

int pool_reserve(struct content_pool *p, uint64_t bytes)
{
	bool room;

	if (bytes > p->max)	/* no use in throwing out all others */
		return -ENOSPC;
	pthread_mutex_lock(&p->lock);
	while (p->n > p->max_members && evicts(p))
		;
	if (!has_room(p, bytes) || coarse_seconds() - p->since >= GOOD_FOR)
		count(p);
	do
		room = has_room(p, bytes);
	while (!room && evicts(p));
	if (room)
		p->reserved += bytes;
	pthread_mutex_unlock(&p->lock);
	return room ? 0 : -ENOSPC;
}

void pool_settle(struct content_pool *p, struct pool_member *m,
		 uint64_t reserved)
{
	pthread_mutex_lock(&p->lock);
	p->reserved -= reserved;
	count_member(p, m);
	pthread_mutex_unlock(&p->lock);
}
