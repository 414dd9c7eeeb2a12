/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The monitor acts for its guests, so it must not be able to do what they
 * could not. Linux keeps credentials per thread: a receiver thread of a
 * privileged monitor takes the caller's for the time of one request, by
 * raw system calls (the C library's would change all threads): groups,
 * file-system ids, and exactly the caller's effective capabilities. One is
 * kept beside them, to look into guests' memory and descriptors; it is put
 * down where the caller's own right to look at other processes decides.
 */
#include "sys/creds.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/clock.h"
#include "sys/handlers.h"
#include "sys/state.h"

/*
 * Reading the ids of a thread costs ten times what most requests cost
 * otherwise. They are remembered by thread until any guest makes a call
 * that changes ids (generation), and for a second at most: no thread's number
 * comes back that soon. Who executes a program that gives it nothing keeps
 * what it is; but the capabilities may be fewer, or the ambient ones. A change
 * happens after we are told of it, so what is read just then is not relied
 * upon.
 */
#define REMEMBERED 256
#define GOOD_FOR 1
#define SETTLES 10		/* ms that a change may take to happen */

struct remembered {
	pthread_mutex_t lock;
	unsigned long generation;
	long since;		/* ms */
	pid_t tid;
	bool executed;		/* since then: capabilities may be others */
	struct task_ids ids;
};

static struct remembered table[REMEMBERED] = {
	[0 ... REMEMBERED - 1] = { .lock = PTHREAD_MUTEX_INITIALIZER },
};

/* To ask for nothing but capabilities is cheap. */
static bool same_caps(const struct remembered *r)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3, .pid = r->tid,
	};
	struct __user_cap_data_struct data[2];

	return !syscall(SYS_capget, &head, data) &&
	       (data[0].effective | (unsigned long long)data[1].effective << 32)
			== r->ids.cap_effective &&
	       (data[0].permitted | (unsigned long long)data[1].permitted << 32)
			== r->ids.cap_permitted;
}

int creds_read(struct sys *s, pid_t tid, struct task_ids *ids)
{
	struct remembered *r = &table[(unsigned)tid % REMEMBERED];
	unsigned long now = atomic_load(&s->ids_generation);
	long time = coarse_ms();
	int err = 0;

	pthread_mutex_lock(&r->lock);
	if (r->tid != tid || r->generation != now ||
	    time - r->since > GOOD_FOR * 1000 ||
	    r->since - atomic_load(&s->ids_change) < SETTLES ||
	    (r->executed && !same_caps(r))) {
		r->tid = 0;
		r->executed = false;
		err = task_read_ids(tid, &r->ids);
		if (!err) {
			r->tid = tid;
			r->generation = now;
			r->since = time;
		}
	}
	*ids = r->ids;
	pthread_mutex_unlock(&r->lock);
	return err;
}

void creds_changed(struct sys *s)
{
	atomic_fetch_add(&s->ids_generation, 1);
}

/* A thread other than the first becomes that. */
void creds_executes(struct request *rq, bool gains)
{
	pid_t tid = rq->call->tid;
	struct remembered *r = &table[(unsigned)tid % REMEMBERED];

	if (gains || request_tgid(rq) != tid) {
		creds_changed(rq->sys);
		return;
	}
	pthread_mutex_lock(&r->lock);
	r->executed = true;
	pthread_mutex_unlock(&r->lock);
}

/* The kernel changes them; what is remembered is no longer true. */
struct verdict call_identity(struct request *rq)
{
	atomic_store(&rq->sys->ids_change, coarse_ms());
	creds_changed(rq->sys);
	return verdict_native();
}

/* The effective set becomes caps, as far as the monitor has them. */
static int set_caps(unsigned long long caps)
{
	struct __user_cap_header_struct head = {
		.version = _LINUX_CAPABILITY_VERSION_3,
	};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &head, data))
		return -errno;
	data[0].effective = data[0].permitted & (unsigned)caps;
	data[1].effective = data[1].permitted & (unsigned)(caps >> 32);
	return syscall(SYS_capset, &head, data) ? -errno : 0;
}

/* What a capability is worth that is held in another user name space. */
static bool in_our_user_space(const struct request *rq)
{
	char link[64];
	struct stat st;

	if (!atomic_load(&rq->sys->foreigners))
		return true;
	snprintf(link, sizeof(link), "/proc/%d/ns/user", rq->call->tid);
	return !stat(link, &st) && st.st_dev == rq->sys->user_space.dev &&
	       st.st_ino == rq->sys->user_space.ino;
}

/* More groups than struct task_ids has room for. Return: how many, -errno */
static int read_groups(pid_t tid, gid_t **list)
{
	char name[32], *line = NULL, *at, *end;
	size_t size = 0;
	int n = 0;
	FILE *f;

	*list = calloc(NGROUPS_MAX, sizeof(**list));
	snprintf(name, sizeof(name), "/proc/%d/status", tid);
	f = *list ? fopen(name, "re") : NULL;
	if (!f)
		return *list ? -errno : -ENOMEM;
	while (getline(&line, &size, f) > 0) {
		if (strncmp(line, "Groups:", 7))
			continue;
		for (at = line + 7; n < NGROUPS_MAX; at = end) {
			(*list)[n] = strtoul(at, &end, 10);
			if (end == at)
				break;
			n++;
		}
	}
	free(line);
	fclose(f);
	return n;
}

static int set_groups(const struct request *rq)
{
	const struct task_ids *ids = &rq->ids;
	gid_t *many = NULL;
	int n, err = 0;

	if (ids->ngroup <= 64)
		return syscall(SYS_setgroups, ids->ngroup, ids->group) ?
		       -errno : 0;
	n = read_groups(rq->call->tid, &many);
	if (n < 0)
		err = n;
	else if (syscall(SYS_setgroups, n, many))
		err = -errno;
	free(many);
	return err;
}

/* To look at its guests the monitor keeps one capability that they lack. */
#define KEPT (1ull << CAP_SYS_PTRACE)

static unsigned long long capabilities(const struct request *rq)
{
	return in_our_user_space(rq) ? rq->ids.cap_effective : 0;
}

static bool same_as_monitor(const struct request *rq)
{
	const struct task_ids *ids = &rq->ids;

	return ids->uid[3] == 0 && ids->gid[3] == 0 &&
	       (capabilities(rq) & rq->sys->caps) == rq->sys->caps;
}

/* Is the caller less than we are? 1, 0 or -errno */
static int is_less(struct request *rq)
{
	int err;

	if (!rq->sys->privileged)
		return 0;
	err = request_ids(rq);
	return err ?: !same_as_monitor(rq);
}

int creds_assume(struct request *rq)
{
	const struct task_ids *ids = &rq->ids;
	int err = is_less(rq);

	if (err <= 0)
		return err;
	err = set_groups(rq);
	if (err)
		return err;
	setfsgid(ids->gid[3]);
	setfsuid(ids->uid[3]);
	rq->assumed = true;
	err = set_caps(capabilities(rq) | KEPT);
	if (err)
		creds_resume(rq);
	return err;
}

/* What access(2) would have a process be able to that is its real user. */
static unsigned long long real_capabilities(const struct request *rq)
{
	return rq->ids.uid[0] || !in_our_user_space(rq) ? 0
							: rq->ids.cap_permitted;
}

unsigned long long creds_caps(const struct request *rq, bool as_real)
{
	return as_real ? real_capabilities(rq) : capabilities(rq);
}

int creds_assume_real(struct request *rq)
{
	const struct task_ids *ids = &rq->ids;
	int err;

	if (!rq->sys->privileged)
		return 0;
	if (ids->uid[0] == ids->uid[3] && ids->gid[0] == ids->gid[3] &&
	    real_capabilities(rq) == capabilities(rq))
		return 0;
	creds_resume(rq);
	err = set_groups(rq);
	if (err)
		return err;
	setfsgid(ids->gid[0]);
	setfsuid(ids->uid[0]);
	rq->assumed = true;
	return set_caps(real_capabilities(rq) | KEPT);
}

void creds_lower(const struct request *rq)
{
	if (rq->assumed)
		set_caps(capabilities(rq));
}

void creds_raise(const struct request *rq)
{
	if (rq->assumed)
		set_caps(capabilities(rq) | KEPT);
}

void creds_resume(struct request *rq)
{
	if (!rq->assumed)
		return;
	rq->assumed = false;
	set_caps(~0ull);
	setfsuid(0);
	setfsgid(0);
	syscall(SYS_setgroups, 0, NULL);
}

int creds_may(struct request *rq, int cap)
{
	int less = is_less(rq);

	if (less <= 0)
		return less;
	return capabilities(rq) & (1ull << cap) ? 0 : -EPERM;
}
