/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tasks: which state a process has.
 *
 * Theory. Fork is not trapped. A process without a record has the state
 * that its parent had when it was forked, and that is found out when it is
 * first asked about: walk up the parents to the nearest record. The walk is
 * right as long as no record on the way has changed since the fork, and
 * this is what adoption ensures: before a record changes (task_set_state)
 * or its process leaves (task_adopt), the children that are still unknown
 * get records with the old state. Children of those find that record on
 * their own walk, so direct children suffice. A record whose state is the
 * initial one is kept for the same reason: it guards its process, and all
 * below, against a later change further up.
 *
 * Uniform. While no record holds anything but the initial state everybody
 * has that, nobody needs a record, and task_state() is an atomic load. When
 * the first state changes, the monitor's own children (the first guest,
 * and orphans of that time) are adopted with the initial state too. Not for
 * states that may as well be taken for the initial one (task_set_alike): they
 * come and go with each program that is executed. As long as there are no
 * others, the walk ends at the monitor with the initial state.
 *
 * Orphans. A process whose parent died before it was asked about has become
 * the monitor's child. If the parent left by a call that was notified, it
 * was adopted. If the parent was killed, the walk ends at the monitor. Then
 * the records of its process group are asked, then those of its session; if
 * they are of one mind it takes their state, else the initial one. What can
 * be missed is thus: a process that never made a notified call before its
 * parent was killed, in a view other than the first, and with nobody left
 * in its group or session. The same holds if a guest made itself a
 * subreaper: then the orphan has the subreaper's state.
 *
 * Lifetime. A record has a pidfd, so a reused pid cannot be taken for its
 * process: a readable pidfd is dead and is not used. All pidfds are in one
 * epoll set, from which tasks_reap() takes the dead. Without a pidfd (no
 * descriptors left, or half of them in use already) the start time tells
 * reused pids apart and tasks_reap() looks at those records one by one.
 *
 * Threads. A record belongs to a process. Which process a thread belongs to
 * is remembered in a small table of single words, each overwritten by the
 * next thread that falls on it, and checked at each use: signal 0 by tgkill
 * arrives only if it is still true. That costs 0.3 us, where a pidfd, which
 * only leaders have, costs 6.
 *
 * Locks. One mutex for table and records; only ops->get, pidfd polls and
 * (for orphans) getpgid/getsid are called under it. ops->put never is.
 */
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/proc.h"
#include "engine/task.h"
#include "lib/proc.h"

#define FIRST_BUCKETS	64
#define THREADS		1024
#define REAP_BATCH	64
/* Parents that die while they are walked send the walk back this often. */
#define WALKS		8

struct task {
	struct task *next;
	pid_t pid;
	int pidfd;		/* -1: none to be had */
	uint64_t start;		/* only without pidfd */
	void *state;
};

struct tasks {
	const struct task_ops *ops;
	void *initial;
	pid_t monitor;
	int epoll;
	_Atomic size_t foreign;		/* records not in the initial state */
	atomic_bool various;		/* some of these are not alike */
	_Atomic uint64_t thread[THREADS];	/* tid << 32 | tgid */

	pthread_mutex_t lock;		/* of all below */
	struct task **bucket;
	size_t nbucket, count;
	size_t blind;			/* records without a pidfd */
};

struct tasks *tasks_new(const struct task_ops *ops, void *initial)
{
	struct tasks *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->ops = ops;
	t->nbucket = FIRST_BUCKETS;
	t->bucket = calloc(t->nbucket, sizeof(struct task *));
	t->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!t->bucket || t->epoll < 0) {
		if (t->epoll >= 0)
			close(t->epoll);
		free(t->bucket);
		free(t);
		return NULL;
	}
	t->initial = ops->get(initial);
	pthread_mutex_init(&t->lock, NULL);
	return t;
}

void tasks_root(struct tasks *t, pid_t monitor)
{
	t->monitor = monitor;
}

bool tasks_uniform(const struct tasks *t)
{
	return !atomic_load(&t->foreign);
}

int tasks_fd(const struct tasks *t)
{
	return t->epoll;
}

size_t tasks_count(const struct tasks *t)
{
	struct tasks *m = (struct tasks *)t;
	size_t n;

	pthread_mutex_lock(&m->lock);
	n = m->count;
	pthread_mutex_unlock(&m->lock);
	return n;
}

/* ---- the table (lock held) ------------------------------------------ */

static struct task **slot(struct tasks *t, pid_t pid)
{
	struct task **p = &t->bucket[(size_t)pid & (t->nbucket - 1)];

	while (*p && (*p)->pid != pid)
		p = &(*p)->next;
	return p;
}

/* Without memory the chains get longer, which is no harm. */
static void grow(struct tasks *t)
{
	size_t i, n = 2 * t->nbucket;
	struct task **bucket, *task, *next;

	if (t->count < t->nbucket)
		return;
	bucket = calloc(n, sizeof(*bucket));
	if (!bucket)
		return;
	for (i = 0; i < t->nbucket; i++) {
		for (task = t->bucket[i]; task; task = next) {
			next = task->next;
			task->next = bucket[task->pid & (n - 1)];
			bucket[task->pid & (n - 1)] = task;
		}
	}
	free(t->bucket);
	t->bucket = bucket;
	t->nbucket = n;
}

static bool is_alive(const struct task *task)
{
	struct pollfd p = { .fd = task->pidfd, .events = POLLIN };

	if (task->pidfd < 0)
		return proc_start(task->pid) == task->start;
	return poll(&p, 1, 0) == 0;
}

/* Take out the record in *p; what remains to be done is discard(). */
static struct task *take_out(struct tasks *t, struct task **p)
{
	struct task *task = *p;

	*p = task->next;
	task->next = NULL;
	t->count--;
	if (task->pidfd < 0)
		t->blind--;
	if (task->state != t->initial)
		atomic_fetch_sub(&t->foreign, 1);
	if (task->pidfd >= 0)
		epoll_ctl(t->epoll, EPOLL_CTL_DEL, task->pidfd, NULL);
	return task;
}

/* Lock not held. */
static void discard(struct tasks *t, struct task *dead)
{
	while (dead) {
		struct task *next = dead->next;

		t->ops->put(dead->state);
		if (dead->pidfd >= 0)
			close(dead->pidfd);
		free(dead);
		dead = next;
	}
}

/* The living record of pid. A dead one is added to *dead. */
static struct task *find(struct tasks *t, pid_t pid, struct task **dead)
{
	struct task **p = slot(t, pid), *gone;

	if (!*p || is_alive(*p))
		return *p;
	gone = take_out(t, p);
	gone->next = *dead;
	*dead = gone;
	return NULL;
}

static void insert(struct tasks *t, struct task *task)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u32 = task->pid };
	struct task **p;

	if (task->pidfd >= 0 &&
	    epoll_ctl(t->epoll, EPOLL_CTL_ADD, task->pidfd, &ev) < 0) {
		close(task->pidfd);
		task->pidfd = -1;
		task->start = proc_start(task->pid);
	}
	grow(t);
	p = &t->bucket[(size_t)task->pid & (t->nbucket - 1)];
	task->next = *p;
	*p = task;
	t->count++;
	if (task->pidfd < 0)
		t->blind++;
	if (task->state != t->initial)
		atomic_fetch_add(&t->foreign, 1);
}

/* ---- records -------------------------------------------------------- */

/* Half of the descriptors stay for the monitor's real work. */
static int open_pidfd(pid_t pid)
{
	int fd = syscall(SYS_pidfd_open, pid, 0);
	struct rlimit limit;

	if (fd < 0)
		return -errno;
	if (!getrlimit(RLIMIT_NOFILE, &limit) &&
	    (rlim_t)fd >= limit.rlim_cur / 2) {
		close(fd);
		return -EMFILE;
	}
	return fd;
}

/* State of a known process, with a reference, or NULL. */
static void *known_state(struct tasks *t, pid_t pid)
{
	struct task *dead = NULL, *task;
	void *state = NULL;

	pthread_mutex_lock(&t->lock);
	task = find(t, pid, &dead);
	if (task)
		state = t->ops->get(task->state);
	pthread_mutex_unlock(&t->lock);
	discard(t, dead);
	return state;
}

static struct task *new_task(pid_t pid, int pidfd, void *state)
{
	struct task *task = calloc(1, sizeof(*task));

	if (!task)
		return NULL;
	task->pid = pid;
	task->pidfd = pidfd < 0 ? -1 : pidfd;
	task->state = state;
	if (pidfd < 0)
		task->start = proc_start(pid);
	return task;
}

/* Set the state of a record that is in the table. Lock held. */
static void *swap_state(struct tasks *t, struct task *task, void *state)
{
	void *old = task->state;

	/* Up before down: nobody may see a zero in between. */
	if (state != t->initial)
		atomic_fetch_add(&t->foreign, 1);
	if (old != t->initial)
		atomic_fetch_sub(&t->foreign, 1);
	task->state = state;
	return old;
}

/*
 * Give a process a record with this state, unless it has got one meanwhile.
 * Takes over the reference to state.
 * @replace: set the state of an existing record, too
 * Return: 0, -ENOMEM, or -ESRCH
 */
static int keep(struct tasks *t, pid_t pid, void *state, bool replace)
{
	struct task *dead = NULL, *old, *task;
	int pidfd = open_pidfd(pid);

	task = new_task(pid, pidfd, state);
	if (!task) {
		if (pidfd >= 0)
			close(pidfd);
		t->ops->put(state);
		return -ENOMEM;
	}
	if (pidfd < 0 && !task->start) {
		discard(t, task);
		return -ESRCH;
	}
	pthread_mutex_lock(&t->lock);
	old = find(t, pid, &dead);
	if (old && replace)
		task->state = swap_state(t, old, state);
	if (old) {
		task->next = dead;
		dead = task;
	} else {
		insert(t, task);
	}
	pthread_mutex_unlock(&t->lock);
	discard(t, dead);
	return 0;
}

/* ---- threads -------------------------------------------------------- */

static _Atomic uint64_t *thread_slot(struct tasks *t, pid_t tid)
{
	return &t->thread[(uint32_t)tid % THREADS];
}

/* The kernel looks for the thread before it asks whether we may. */
static bool belongs(pid_t tid, pid_t tgid)
{
	return !syscall(SYS_tgkill, tgid, tid, 0) || errno == EPERM;
}

/* The process a thread belongs to, or -errno. */
static pid_t leader_of(struct tasks *t, pid_t tid)
{
	uint64_t pair = atomic_load(thread_slot(t, tid));
	pid_t tgid = (pid_t)(uint32_t)pair;

	if (belongs(tid, tid))
		return tid;
	if ((pid_t)(pair >> 32) == tid && tgid && belongs(tid, tgid))
		return tgid;
	tgid = proc_tgid(tid);
	if (tgid > 0)
		atomic_store(thread_slot(t, tid),
			     (uint64_t)(uint32_t)tid << 32 | (uint32_t)tgid);
	return tgid;
}

/* ---- inheritance ---------------------------------------------------- */

/* What the other records of pid's group agree upon, or NULL. Lock held. */
static void *common_state(struct tasks *t, pid_t (*group)(pid_t), pid_t pid)
{
	pid_t mine = group(pid);
	void *state = NULL;
	struct task *task;
	size_t i;

	for (i = 0; mine > 0 && i < t->nbucket; i++) {
		for (task = t->bucket[i]; task; task = task->next) {
			if (task->pid == pid || group(task->pid) != mine)
				continue;
			if (state && state != task->state)
				return NULL;
			state = task->state;
		}
	}
	return state;
}

static void *orphan_state(struct tasks *t, pid_t pid)
{
	void *state;

	if (!atomic_load(&t->various))
		return t->ops->get(t->initial);
	pthread_mutex_lock(&t->lock);
	state = common_state(t, getpgid, pid);
	if (!state)
		state = common_state(t, getsid, pid);
	state = t->ops->get(state ? state : t->initial);
	pthread_mutex_unlock(&t->lock);
	return state;
}

/*
 * The state an unknown process has by descent, with a reference. A parent
 * that dies under way has left its children to somebody else: start again.
 */
static void *inherited_state(struct tasks *t, pid_t pid)
{
	pid_t at = pid, parent;
	int walks = 0;
	void *state;

	for (;;) {
		parent = task_parent(at);
		if (parent < 0 && at != pid && walks++ < WALKS) {
			at = pid;
			continue;
		}
		if (parent <= 1 || parent == t->monitor)
			return orphan_state(t, at);
		state = known_state(t, parent);
		if (state)
			return state;
		at = parent;
	}
}

/* Unknown children of a process get this state. */
static void adopt_children(struct tasks *t, pid_t pid, void *state)
{
	pid_t *child = NULL;
	ssize_t i, n = proc_children(pid, &child);

	for (i = 0; i < n; i++) {
		void *known = known_state(t, child[i]);

		if (known)
			t->ops->put(known);
		else
			keep(t, child[i], t->ops->get(state), false);
	}
	if (n > 0)
		free(child);
}

/* ---- what others call ----------------------------------------------- */

static void *settle_state(struct tasks *t, pid_t pid)
{
	void *state = inherited_state(t, pid), *now;

	if (keep(t, pid, t->ops->get(state), false))
		return state;
	now = known_state(t, pid);
	if (!now)
		return state;
	t->ops->put(state);
	return now;
}

void *task_state(struct tasks *t, pid_t tid, pid_t *tgid)
{
	void *state;
	pid_t pid;

	if (!tgid && tasks_uniform(t))
		return t->ops->get(t->initial);
	state = known_state(t, tid);
	pid = state ? tid : leader_of(t, tid);
	if (tgid)
		*tgid = pid > 0 ? pid : tid;
	if (state)
		return state;
	if (pid > 0 && pid != tid)
		state = known_state(t, pid);
	if (!state && pid > 0 && !tasks_uniform(t))
		return settle_state(t, pid);
	return state ? state : t->ops->get(t->initial);
}

/* The monitor's own children, before the first that is not alike. */
static void adopt_orphans(struct tasks *t, bool uniform, bool alike)
{
	if (uniform)
		atomic_store(&t->various, false);
	if (alike || atomic_load(&t->various))
		return;
	if (t->monitor > 0)
		adopt_children(t, t->monitor, t->initial);
	atomic_store(&t->various, true);
}

static int set_state(struct tasks *t, pid_t tid, void *state, bool alike)
{
	bool uniform = tasks_uniform(t);
	pid_t pid = leader_of(t, tid);
	void *old;

	if (pid < 0)
		return pid;
	adopt_orphans(t, uniform, alike);
	if (uniform)
		old = t->ops->get(t->initial);
	else
		old = task_state(t, pid, NULL);
	adopt_children(t, pid, old);
	t->ops->put(old);
	return keep(t, pid, t->ops->get(state), true);
}

int task_set_state(struct tasks *t, pid_t tid, void *state)
{
	return set_state(t, tid, state, false);
}

int task_set_alike(struct tasks *t, pid_t tid, void *state)
{
	return set_state(t, tid, state, true);
}

void task_adopt(struct tasks *t, pid_t tid)
{
	void *state;
	pid_t pid;

	if (tasks_uniform(t))
		return;
	state = task_state(t, tid, &pid);
	adopt_children(t, pid, state);
	t->ops->put(state);
}

/* Those without a pidfd tell nobody of their end. Lock held. */
static struct task *reap_blind(struct tasks *t, struct task *dead)
{
	size_t i;

	for (i = 0; t->blind && i < t->nbucket; i++) {
		struct task **p = &t->bucket[i], *gone;

		while (*p) {
			if ((*p)->pidfd >= 0 || is_alive(*p)) {
				p = &(*p)->next;
				continue;
			}
			gone = take_out(t, p);
			gone->next = dead;
			dead = gone;
		}
	}
	return dead;
}

void tasks_reap(struct tasks *t)
{
	struct epoll_event ev[REAP_BATCH];
	struct task *dead = NULL;
	int i, n;

	pthread_mutex_lock(&t->lock);
	do {
		n = epoll_wait(t->epoll, ev, REAP_BATCH, 0);
		for (i = 0; i < n; i++)
			find(t, ev[i].data.u32, &dead);
	} while (n == REAP_BATCH);
	dead = reap_blind(t, dead);
	pthread_mutex_unlock(&t->lock);
	discard(t, dead);
}

void tasks_free(struct tasks *t)
{
	struct task *dead = NULL, *gone;
	size_t i;

	if (!t)
		return;
	for (i = 0; i < t->nbucket; i++) {
		while (t->bucket[i]) {
			gone = take_out(t, &t->bucket[i]);
			gone->next = dead;
			dead = gone;
		}
	}
	discard(t, dead);
	t->ops->put(t->initial);
	close(t->epoll);
	pthread_mutex_destroy(&t->lock);
	free(t->bucket);
	free(t);
}
