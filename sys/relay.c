/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Theory of operation
 *
 * What guests do to a descriptor of a made file (a memfd) or of a made
 * directory (a placeholder) is between them and the kernel, and none of both
 * has a name that somebody could watch. But we can watch the object itself, by
 * our descriptor, while a guest has it open: when it is written to, we write
 * to what stands for it in the shadow tree, and when it is closed we close
 * that. So whoever watches that is told by the kernel, soon after.
 *
 * There is one inotify descriptor for all, and a thread that reads it, both
 * made when the first file is followed. An object is followed from the open
 * on that somebody wants to know of, until as many have been closed as were
 * opened. "stand" are the descriptors that stand for those opens; one is as
 * good as another of its kind. The kernel makes one of equal events that
 * follow each other, so two closes at once may look like one, and a stand be
 * left: there is a limit, above which the oldest goes.
 *
 * The monitor itself opens contents (to fill them, to look whether they have
 * changed): not for writing while a guest has them, and reading is not told.
 */
#include "sys/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/inotify.h>
#include <sys/queue.h>
#include <unistd.h>

enum {
	FOLLOWED_MAX = 256,	/* objects */
	STANDS = 16,		/* opens of one */
	EVENTS = IN_MODIFY | IN_CLOSE_WRITE | IN_CLOSE_NOWRITE,
};

struct followed {
	TAILQ_ENTRY(followed) link;
	int wd;
	int stand[STANDS];
	int n;
};

struct relay {
	pthread_mutex_t lock;
	TAILQ_HEAD(list, followed) list;	/* the oldest first */
	int n;
	int fd;			/* inotify; -1: not made yet */
};

struct relay *relay_new(void)
{
	struct relay *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	pthread_mutex_init(&r->lock, NULL);
	TAILQ_INIT(&r->list);
	r->fd = -1;
	return r;
}

/* --- the lock is held --- */

static struct followed *find(struct relay *r, int wd)
{
	struct followed *f;

	TAILQ_FOREACH(f, &r->list, link)
		if (f->wd == wd)
			break;
	return f;
}

static void let_go(struct relay *r, struct followed *f)
{
	inotify_rm_watch(r->fd, f->wd);
	while (f->n)
		close(f->stand[--f->n]);
	TAILQ_REMOVE(&r->list, f, link);
	r->n--;
	free(f);
}

static bool writes(int stand)
{
	return (fcntl(stand, F_GETFL) & O_ACCMODE) != O_RDONLY;
}

/* One that was opened so; its place, or -1 */
static int stand_of(const struct followed *f, bool writing)
{
	int i = f->n - 1;

	while (i >= 0 && writes(f->stand[i]) != writing)
		i--;
	return i;
}

static void closed(struct relay *r, struct followed *f, bool writing)
{
	int i = stand_of(f, writing);

	if (i < 0)
		return;
	close(f->stand[i]);
	f->stand[i] = f->stand[--f->n];
	if (!f->n)
		let_go(r, f);
}

static void repeat(struct relay *r, const struct inotify_event *e)
{
	struct followed *f = find(r, e->wd);
	int i;

	if (e->mask & IN_Q_OVERFLOW)
		while ((f = TAILQ_FIRST(&r->list)))
			let_go(r, f);
	if (!f)
		return;
	i = stand_of(f, true);
	if (e->mask & IN_MODIFY && i >= 0 && pwrite(f->stand[i], "", 1, 0) < 0)
		i = -1;		/* nobody is told, then */
	if (e->mask & (IN_CLOSE_WRITE | IN_CLOSE_NOWRITE))
		closed(r, f, e->mask & IN_CLOSE_WRITE);
	else if (e->mask & IN_IGNORED)
		let_go(r, f);
}

static void drain(struct relay *r)
{
	char buf[4096] __attribute__((aligned(8)));
	const struct inotify_event *e;
	ssize_t n;

	while ((n = read(r->fd, buf, sizeof(buf))) > 0)
		for (char *p = buf; p < buf + n; p += sizeof(*e) + e->len) {
			e = (const void *)p;
			repeat(r, e);
		}
}

/* --- the thread --- */

static void *run(void *arg)
{
	struct relay *r = arg;
	struct pollfd p = { .fd = r->fd, .events = POLLIN };

	for (;;) {
		poll(&p, 1, -1);
		relay_drain(r);
	}
	return NULL;
}

/* The lock is held. 0 or -errno */
static int start(struct relay *r)
{
	sigset_t every, before;
	pthread_t thread;
	int err;

	if (r->fd >= 0)
		return 0;
	r->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (r->fd < 0)
		return -errno;
	sigfillset(&every);
	pthread_sigmask(SIG_SETMASK, &every, &before);
	err = pthread_create(&thread, NULL, run, r);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!err) {
		pthread_detach(thread);
		return 0;
	}
	close(r->fd);
	r->fd = -1;
	return -err;
}

/* --- for others --- */

/* NULL: it cannot be followed */
static struct followed *followed(struct relay *r, const char *link)
{
	int wd = start(r) ? -1 : inotify_add_watch(r->fd, link, EVENTS);
	struct followed *f = wd < 0 ? NULL : find(r, wd);

	if (f || wd < 0)
		return f;
	if (r->n >= FOLLOWED_MAX)
		let_go(r, TAILQ_FIRST(&r->list));
	f = calloc(1, sizeof(*f));
	if (!f) {
		inotify_rm_watch(r->fd, wd);
		return NULL;
	}
	f->wd = wd;
	TAILQ_INSERT_TAIL(&r->list, f, link);
	r->n++;
	return f;
}

void relay_follow(struct relay *r, const char *link, int stand, bool once)
{
	struct followed *f;

	pthread_mutex_lock(&r->lock);
	f = followed(r, link);
	if (f && f->n < STANDS && !(once && stand_of(f, writes(stand)) >= 0)) {
		f->stand[f->n++] = stand;
		stand = -1;
	} else if (f && !f->n) {
		let_go(r, f);
	}
	pthread_mutex_unlock(&r->lock);
	if (stand >= 0)
		close(stand);
}

void relay_drain(struct relay *r)
{
	pthread_mutex_lock(&r->lock);
	if (r->fd >= 0)
		drain(r);
	pthread_mutex_unlock(&r->lock);
}
